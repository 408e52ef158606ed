/** What only a test may do: turn the clock, ring alarms, look into objects and tables. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import type { DocumentObject } from '../../src/api/document/object.ts'
import type { LineupObject } from '../../src/api/lineup/object.ts'
import { LEASE_DURATION } from '../../src/core/job/rules/work.ts'

export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 3_600_000
export const DAY = 86_400_000

export function objectOf(id: string): DurableObjectStub<DocumentObject> {
	return env.DOCUMENTS.get(env.DOCUMENTS.idFromName(id))
}

export function lineup(): DurableObjectStub<LineupObject> {
	return env.LINEUP.get(env.LINEUP.idFromName('lineup'))
}

/** Turns the clock on, by milliseconds; `vi.useRealTimers()` turns it back. Timers go on as they are. */
export function later(milliseconds: number): void {
	const now = Date.now() + milliseconds
	if (vi.isFakeTimers()) vi.setSystemTime(now)
	else vi.useFakeTimers({ toFake: ['Date'], now })
}

/** Rings a document's alarm. @returns whether one was set */
export function ring(id: string): Promise<boolean> {
	return runDurableObjectAlarm(objectOf(id))
}

/** The leases of a document end without a word of their converters, and what they held may be leased again. */
export async function loseLeases(id: string): Promise<void> {
	later(LEASE_DURATION + 1)
	await ring(id)
	later(MINUTE)
}

/** The object forgets what only memory knows. */
export async function evict(id: string): Promise<void> {
	await evictDurableObject(objectOf(id))
}

export function alarmOf(id: string): Promise<number | null> {
	return runInDurableObject(objectOf(id), (_, state) => state.storage.getAlarm())
}

/** Names of the tables that a document's object has made. */
export function tablesOf(id: string): Promise<unknown[]> {
	return runInDurableObject(objectOf(id), (_, state) =>
		state.storage.sql
			.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
			.toArray()
			.map(({ name }) => name),
	)
}

/** Numbers of a document's rows of one kind. */
export function rowsOf(id: string, kind: 'document' | 'job' | 'pack'): Promise<unknown[]> {
	return runInDurableObject(objectOf(id), (_, state) =>
		state.storage.sql
			.exec('SELECT number FROM record WHERE kind = ? ORDER BY number', kind)
			.toArray()
			.map(({ number }) => number),
	)
}

/** All that a document's object has written down, as text. */
export function contentOf(id: string): Promise<string> {
	return runInDurableObject(objectOf(id), (_, state) =>
		JSON.stringify(state.storage.sql.exec('SELECT * FROM record').toArray()),
	)
}

/** What the lineup has written down of a document; null when it does not wait. */
export function waitingOf(id: string): Promise<Record<string, unknown> | null> {
	return runInDurableObject(
		lineup(),
		(_, state) => state.storage.sql.exec('SELECT * FROM line WHERE document_id = ?', id).toArray()[0] ?? null,
	)
}

/** Names of a document's objects in R2, without its id. */
export async function filesOf(id: string): Promise<string[]> {
	const { objects } = await env.FILES.list({ prefix: `${id}/` })
	return objects.map(({ key }) => key.slice(id.length + 1))
}

/** A document's row in D1. */
export function documentRow(id: string): Promise<Record<string, unknown> | null> {
	return env.HISTORY.prepare('SELECT * FROM documents WHERE id = ?').bind(id).first()
}

/** A document's jobs in D1, oldest first. */
export async function jobRows(id: string): Promise<Record<string, unknown>[]> {
	const rows = env.HISTORY.prepare('SELECT * FROM conversion_jobs WHERE document_id = ? ORDER BY number').bind(id)
	return (await rows.all()).results
}
