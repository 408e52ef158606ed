/**
 * Documents by the application's own ids. Where one lies follows from its owner and its `externalId`, so that there can
 * be no two, nobody has to ask D1, and whoever asks hears what is so just now.
 *
 * What was erased leaves a tombstone, which cannot be the same document again: the next *generation* can. Which one that
 * is the first generation's tombstone says, and stays for it: if it went after its time, the next upload would find its
 * place free while a later generation lives.
 */
import { createHash } from 'node:crypto'
import type { Caller, Owner } from '../core/access.ts'
import { looks } from './crowd/looks.ts'
import type { DocumentRecord } from './document/store.ts'
import { uuidFrom } from './idempotency.ts'
import { documentOf } from './objects.ts'

/** One or two are looked at, unless others erase and upload the same one meanwhile. */
const GENERATIONS_TRIED = 8

/**
 * The id of an owner's document with this `externalId`. It needs no secret: ids are no passes, and this one must
 * survive the rotation of secrets.
 *
 * @param generation 0, and one more for each that was erased
 */
export function documentIdOfExternal({ tenant, sub }: Owner, externalId: string, generation: number): string {
	const named = JSON.stringify(['platen external id v1', tenant, sub, externalId, generation])
	return uuidFrom(createHash('sha256').update(named).digest())
}

/** The owner's document with this `externalId` and its status; null when there is none. */
export async function findByExternalId(env: ApiEnv, caller: Caller, externalId: string) {
	let generation = 0
	for (let tries = 0; tries < GENERATIONS_TRIED; tries++) {
		const found = await documentOf(env, documentIdOfExternal(caller, externalId, generation)).find(
			caller,
			looks.isolate,
		)
		switch (found.outcome) {
			case 'found':
				return {
					document: found.document,
					conversion: found.snapshot,
					shownElsewhereFor: found.shownElsewhereFor,
				}
			case 'succeeded':
				generation = found.generation
				break
			case 'not_found':
				return null
		}
	}
	return null
}

/**
 * Keeps a place for a document with an `externalId`, or finds the one that has it.
 *
 * @param record its id counts for nothing: the place has one
 * @returns `gone` when others erase it faster than it can be uploaded
 */
export async function reserveExternal(env: ApiEnv, record: DocumentRecord, externalId: string) {
	const idOf = (generation: number) => documentIdOfExternal(record.owner, externalId, generation)
	const first = documentOf(env, idOf(0))
	let generation = 0
	for (let tries = 0; tries < GENERATIONS_TRIED; tries++) {
		const own = { ...record, id: idOf(generation) }
		const place = await documentOf(env, own.id).reserve(own, looks.isolate)
		if (place.outcome !== 'gone') return { record: own, place }
		const next = await first.succeed(generation)
		// The first one's tombstone has gone after its time, between two questions: its place is free.
		generation = next.outcome === 'gone' ? 0 : next.generation
	}
	return { record, place: { outcome: 'gone' } as const }
}
