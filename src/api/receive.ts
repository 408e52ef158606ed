/** A document on its way in: reserved, stored, created, in this order, so that whatever fails in between leaves no file. */
import type { Start } from '../core/job/event.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { DocumentRecord } from './document/store.ts'
import { sourceKey } from './files.ts'
import { documentOf } from './objects.ts'
import { Refusal } from './problem.ts'
import { isStored, type PdfUpload, storePdf } from './upload.ts'

export interface Received {
	document: DocumentRecord
	conversion: Snapshot
	/** False when it was here already. */
	isNew: boolean
	/** Milliseconds for which other isolates may still show how it stood before. */
	shownElsewhereFor: number
}

/**
 * Takes a document in. The same one may come again, under an id that was made from an idempotency key.
 *
 * @param isolate through which it comes
 * @throws Refusal `incomplete_upload`, `key_reused`, `conflict` or `unavailable`
 */
export async function receive(
	env: ApiEnv,
	isolate: string,
	record: DocumentRecord,
	start: Start | null,
	pdf: PdfUpload,
): Promise<Received> {
	const object = documentOf(env, record.id)
	const key = sourceKey(record.id)
	const place = await object.reserve(record, isolate)
	switch (place.outcome) {
		case 'gone':
			throw new Refusal('conflict', 'What was uploaded with this key has been erased. Use another key.')
		case 'existing':
			if (!isSame(place.document, record) || !(await isStored(env.FILES, key, pdf))) throw keyReused()
			return {
				document: place.document,
				conversion: place.snapshot,
				isNew: false,
				shownElsewhereFor: place.shownElsewhereFor,
			}
		case 'pending':
			if (!isSame(place.document, record)) throw keyReused()
			if (!(await env.FILES.head(key))) await store(env, key, pdf)
			else if (!(await isStored(env.FILES, key, pdf))) throw keyReused()
			break
		case 'reserved':
			try {
				await store(env, key, pdf)
			} catch (error) {
				// A reservation that is not taken back ends by itself, later.
				if (error instanceof Refusal && error.code === 'incomplete_upload') await object.abandon()
				throw error
			}
	}
	// When nobody answers here the document may be there or not, so its file stays: the reservation knows which.
	const document = place.outcome === 'pending' ? place.document : record
	const created = await object.create(document.createdAt, start, isolate)
	if (created.outcome !== 'gone') {
		const { outcome, snapshot, shownElsewhereFor } = created
		return { document, conversion: snapshot, isNew: outcome === 'created', shownElsewhereFor }
	}
	// Not deleted here: the same upload may have been begun anew, and its file lies at the same place. Whoever reserves last
	// looks after it.
	await object.reserve(record)
	throw new Refusal('unavailable', 'The upload took too long. Upload the file again.', { 'Retry-After': '1' })
}

async function store(env: ApiEnv, key: string, pdf: PdfUpload): Promise<void> {
	if ((await storePdf(env.FILES, key, pdf)) === 'stored') return
	throw new Refusal('conflict', 'The same upload is under way. Wait for its answer, or repeat it in a moment.')
}

function isSame(some: DocumentRecord, other: DocumentRecord): boolean {
	return some.size === other.size && some.name === other.name && some.contentType === other.contentType
}

function keyReused(): Refusal {
	return new Refusal('key_reused', 'Another file was uploaded with this key. Use a key of its own for each upload.')
}
