/** A document on its way in: reserved, stored, created, in this order, so that whatever fails in between leaves no file. */
import type { Start } from '../core/job/event.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { DocumentRecord } from './document/store.ts'
import { sourceKey } from './files.ts'
import { documentOf } from './objects.ts'
import { Refusal } from './problem.ts'
import { type FileUpload, isStored, storeFile } from './upload.ts'

/**
 * Takes a document in. The same one may come again, under an id that was made from an idempotency key.
 *
 * @throws Refusal `incomplete_upload`, `key_reused`, `conflict` or `unavailable`
 */
export async function receive(
	env: ApiEnv,
	record: DocumentRecord,
	start: Start | null,
	file: FileUpload,
): Promise<{ document: DocumentRecord; conversion: Snapshot }> {
	const object = documentOf(env, record.id)
	const key = sourceKey(record.id)
	const place = await object.reserve(record)
	switch (place.outcome) {
		case 'gone':
			throw new Refusal('conflict', 'What was uploaded with this key has been erased. Use another key.')
		case 'existing':
			if (!isSame(place.document, record) || !(await isStored(env.FILES, key, file))) throw keyReused()
			return { document: place.document, conversion: place.snapshot }
		case 'pending':
			if (!isSame(place.document, record)) throw keyReused()
			if (!(await env.FILES.head(key))) await store(env, key, file)
			else if (!(await isStored(env.FILES, key, file))) throw keyReused()
			break
		case 'reserved':
			try {
				await store(env, key, file)
			} catch (error) {
				// A reservation that is not taken back ends by itself, later.
				if (error instanceof Refusal && error.code === 'incomplete_upload') await object.abandon()
				throw error
			}
	}
	// When nobody answers here the document may be there or not, so its file stays: the reservation knows which.
	const document = place.outcome === 'pending' ? place.document : record
	const created = await object.create(document.createdAt, start)
	if (created.outcome !== 'gone') return { document, conversion: created.snapshot }
	// Not deleted here: the same upload may have been begun anew, and its file lies at the same place. Whoever reserves last
	// looks after it.
	await object.reserve(record)
	throw new Refusal('unavailable', 'The upload took too long. Upload the file again.', { 'Retry-After': '1' })
}

async function store(env: ApiEnv, key: string, file: FileUpload): Promise<void> {
	if ((await storeFile(env.FILES, key, file)) === 'stored') return
	throw new Refusal('conflict', 'The same upload is under way. Wait for its answer, or repeat it in a moment.')
}

function isSame(some: DocumentRecord, other: DocumentRecord): boolean {
	return some.size === other.size && some.name === other.name && some.contentType === other.contentType
}

function keyReused(): Refusal {
	return new Refusal('key_reused', 'Another file was uploaded with this key. Use a key of its own for each upload.')
}
