/** A document on its way in: reserved, stored, created, in this order, so that whatever fails in between leaves no file. */
import type { Caller } from '../core/access.ts'
import { ANSWERS_KEPT } from '../core/idempotency.ts'
import type { Start } from '../core/job/event.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { looks } from './crowd/looks.ts'
import type { DocumentRecord } from './document/store.ts'
import { findByExternalId, reserveExternal } from './external-id.ts'
import { sourceKey } from './files.ts'
import { documentOf } from './objects.ts'
import { Refusal } from './problem.ts'
import { drain, type FileUpload, isStored, storeFile } from './upload.ts'

/** A document before its file was looked at. */
type Asked = Omit<DocumentRecord, 'size'>

export interface Received {
	document: DocumentRecord
	conversion: Snapshot
	/** Whether it is what was uploaded, now or by the same request before; else somebody's with this `externalId`. */
	isNew: boolean
	/** Milliseconds for which other isolates may still show how it stood before. */
	shownElsewhereFor: number
}

/**
 * Takes a document in. The same one may come again, under an id that was made from an idempotency key; and whatever
 * comes with an `externalId` that there is already gives the document that has it.
 *
 * @param open reads the beginning of the file
 * @throws Refusal what `open` throws · `incomplete_upload`, `key_reused`, `conflict` or `unavailable`
 */
export async function receive(
	env: ApiEnv,
	caller: Caller,
	asked: Asked,
	start: Start | null,
	open: () => Promise<FileUpload>,
): Promise<Received> {
	let pdf: FileUpload
	try {
		pdf = await open()
	} catch (error) {
		// A file that would not be taken is no reason to withhold the document that is there.
		if (asked.externalId === null || !isAboutTheFile(error)) throw error
		const known = await findByExternalId(env, caller, asked.externalId)
		if (!known) throw error
		if (isRepeated(known.document, asked)) throw keyReused()
		return { ...known, isNew: false }
	}
	try {
		return await placed(env, { ...asked, size: pdf.length }, start, pdf)
	} catch (error) {
		await drain(pdf)
		throw error
	}
}

async function placed(env: ApiEnv, asked: DocumentRecord, start: Start | null, pdf: FileUpload): Promise<Received> {
	const { record, place } = await reserve(env, asked)
	const object = documentOf(env, record.id)
	const key = sourceKey(record.id)
	let isNew = true
	switch (place.outcome) {
		case 'gone':
			if (record.externalId !== null) {
				throw new Refusal('conflict', 'Documents with this externalId come and go just now. Try again in a moment.')
			}
			throw new Refusal('conflict', 'What was uploaded with this key has been erased. Use another key.')
		case 'existing':
			if (!isRepeated(place.document, record)) {
				await drain(pdf)
				const { document, snapshot, shownElsewhereFor } = place
				return { document, conversion: snapshot, isNew: false, shownElsewhereFor }
			}
			if (!isSame(place.document, record) || !(await isStored(env.FILES, key, pdf))) throw keyReused()
			return { document: place.document, conversion: place.snapshot, isNew, shownElsewhereFor: place.shownElsewhereFor }
		case 'pending': {
			const file = await env.FILES.head(key)
			if (!isRepeated(place.document, record)) {
				if (file) {
					await drain(pdf)
					isNew = false
				} else if (isSame(place.document, record)) await store(env, key, pdf)
				else throw underWay()
				break
			}
			if (!isSame(place.document, record)) throw keyReused()
			if (!file) await store(env, key, pdf)
			else if (!(await isStored(env.FILES, key, pdf))) throw keyReused()
			break
		}
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
	const created = await object.create(document.createdAt, start, looks.isolate)
	if (created.outcome !== 'gone') {
		const { snapshot, shownElsewhereFor } = created
		return { document, conversion: snapshot, isNew, shownElsewhereFor }
	}
	// Not deleted here: the same upload may have been begun anew, and its file lies at the same place. Whoever reserves last
	// looks after it.
	await object.reserve(record)
	throw new Refusal('unavailable', 'The upload took too long. Upload the file again.', { 'Retry-After': '1' })
}

async function reserve(env: ApiEnv, record: DocumentRecord) {
	if (record.externalId !== null) return await reserveExternal(env, record, record.externalId)
	return { record, place: await documentOf(env, record.id).reserve(record, looks.isolate) }
}

async function store(env: ApiEnv, key: string, pdf: FileUpload): Promise<void> {
	if ((await storeFile(env.FILES, key, pdf)) === 'exists') throw underWay()
}

/** Whether both came by one request: then they must be the same, and without `externalId` nothing else makes one id. */
function isRepeated(known: DocumentRecord, record: Asked): boolean {
	if (record.externalId === null) return true
	const isRecent = record.createdAt - known.createdAt < ANSWERS_KEPT
	return record.uploadKey !== null && record.uploadKey === known.uploadKey && isRecent
}

function isSame(some: DocumentRecord, other: DocumentRecord): boolean {
	return (
		some.size === other.size &&
		some.name === other.name &&
		some.contentType === other.contentType &&
		some.metadata === other.metadata
	)
}

/** Whether a refusal would be another one for another file. */
function isAboutTheFile(error: unknown): boolean {
	const codes = ['unsupported_type', 'empty_upload', 'too_large']
	return error instanceof Refusal && codes.includes(error.code)
}

function keyReused(): Refusal {
	return new Refusal('key_reused', 'Another file was uploaded with this key. Use a key of its own for each upload.')
}

function underWay(): Refusal {
	return new Refusal('conflict', 'The same upload is under way. Wait for its answer, or repeat it in a moment.')
}
