/** An upload on its way into R2: looked at, bounded, and never held in memory. */
import { RESERVED_FOR } from '../core/job/rules/life.ts'
import { MAX_UPLOAD_BYTES } from '../core/protocol.ts'
import { within } from '../deadline.ts'
import { Refusal } from './problem.ts'

/** Well below the time for which a document is reserved, so no file arrives after its reservation. Milliseconds. */
export const UPLOAD_DEADLINE = RESERVED_FOR / 2

/** Of what is refused so much is waited for all the same. Bytes. */
const HEARD_OUT = 2 * MAX_UPLOAD_BYTES

/** A PDF's header may stand anywhere in its first 1,024 bytes (PDF 1.7 reference, implementation note 13). */
const HEADER_WITHIN = 1_024
const PDF_HEADER = '%PDF-'

const documentTooLarge = `A document may have ${MAX_UPLOAD_BYTES / 1024 / 1024} MB.`

/**
 * The declared length of an upload in bytes.
 *
 * @param detail what is said to whoever sends more than `limit`
 * @throws Refusal `length_required`, `malformed`, `empty_upload` or `too_large`
 */
function declaredLength(header: string | undefined, limit = MAX_UPLOAD_BYTES, detail = documentTooLarge): number {
	if (header === undefined)
		throw new Refusal('length_required', 'Send Content-Length, so that the file can be streamed.')
	if (!/^\d{1,15}$/.test(header)) throw new Refusal('malformed', 'Content-Length is not a number.')
	const length = Number(header)
	if (length === 0) throw new Refusal('empty_upload', 'Send the file itself as the body of the request.')
	if (length > limit) throw new Refusal('too_large', detail)
	return length
}

/**
 * A request's body, when its declared length is one that is taken.
 *
 * @throws Refusal as `declaredLength` does
 */
export async function sizedBody(
	{ body, headers }: Request,
	limit?: number,
	detail?: string,
): Promise<{ body: ReadableStream<Uint8Array>; length: number }> {
	try {
		const length = declaredLength(headers.get('Content-Length') ?? undefined, limit, detail)
		if (!body) throw new Refusal('empty_upload', 'Send the file itself as the body of the request.')
		return { body, length }
	} catch (error) {
		if (body) await heardOut(readerOf(body))
		throw error
	}
}

/** A body whose beginning was read and is that of a PDF. */
export interface PdfUpload {
	/** Bytes that the whole must have. */
	length: number
	head: Uint8Array[]
	/** The next part of it. @throws DeadlineExceeded */
	read: () => Promise<ReadableStreamReadResult<Uint8Array>>
}

/**
 * Reads the beginning of an upload.
 *
 * @throws Refusal `unsupported_type` or `incomplete_upload`
 */
export async function openPdf(body: ReadableStream<Uint8Array>, length: number): Promise<PdfUpload> {
	const read = readerOf(body)
	const head: Uint8Array[] = []
	let size = 0
	try {
		while (size < Math.min(HEADER_WITHIN, length)) {
			const { done, value } = await read()
			if (done) break
			head.push(value)
			size += value.byteLength
		}
	} catch {
		throw incomplete()
	}
	if (isPdf(head)) return { length, head, read }
	await heardOut(read)
	throw new Refusal('unsupported_type', 'This is not a PDF. Only PDF documents can be converted so far.')
}

/**
 * Streams a PDF into R2.
 *
 * @returns `exists` when something lies there already, which stays as it is
 * @throws Refusal `incomplete_upload`; nothing is stored then · `unavailable`; it may be stored or not
 */
export async function storePdf(bucket: R2Bucket, key: string, pdf: PdfUpload): Promise<'stored' | 'exists'> {
	const { readable, writable } = new FixedLengthStream(pdf.length)
	const options = { httpMetadata: { contentType: 'application/pdf' }, onlyIf: { etagDoesNotMatch: '*' } }
	const stored = bucket.put(key, readable, options)
	const [put, pumped] = await Promise.allSettled([stored, pump(pdf, writable, stored)])
	if (pumped.status === 'rejected' && pumped.reason instanceof Refusal) throw pumped.reason
	// Only a file of the very length that was declared gets as far as R2's own answer.
	if (put.status === 'fulfilled' && pumped.status === 'fulfilled') return put.value ? 'stored' : 'exists'
	const detail = 'The file could not be stored just now. Upload it again in a moment.'
	throw new Refusal('unavailable', detail, { 'Retry-After': '1' })
}

/**
 * Whether an upload is the very file that lies in R2.
 *
 * @throws Refusal `incomplete_upload`
 */
export async function isStored(bucket: R2Bucket, key: string, pdf: PdfUpload): Promise<boolean> {
	const stored = await bucket.head(key)
	// R2 keeps the MD5 of whatever was put in one piece. It guards against mistakes, not against attackers.
	const digest = new crypto.DigestStream('MD5')
	await pump(pdf, digest, digest.digest)
	const md5 = stored?.checksums.md5
	return md5 !== undefined && Buffer.from(md5).equals(Buffer.from(await digest.digest))
}

/** Reads a body part by part, and for so long only. */
function readerOf(body: ReadableStream<Uint8Array>): PdfUpload['read'] {
	const reader = body.getReader()
	const endsAt = Date.now() + UPLOAD_DEADLINE
	return () => within(endsAt - Date.now(), reader.read())
}

/** Reads an upload to its end, for nobody. */
export async function drain({ read }: PdfUpload): Promise<void> {
	await heardOut(read)
}

/**
 * Lets a client send what it has to send, for nobody: one that is answered in the middle of it may take that for a broken
 * connection, and so may a proxy.
 */
async function heardOut(read: PdfUpload['read']): Promise<void> {
	let heard = 0
	try {
		while (heard < HEARD_OUT) {
			const { done, value } = await read()
			if (done) return
			heard += value.byteLength
		}
	} catch {
		// Whoever hung up will not read the answer either.
	}
}

/**
 * @param taken rejects when whoever reads what is written has given up, and would let a write wait for ever
 * @throws Refusal `incomplete_upload` when other than the declared bytes come; what the other side throws, as it is
 */
async function pump(
	{ length, head, read }: PdfUpload,
	writable: WritableStream<Uint8Array>,
	taken: Promise<unknown>,
): Promise<void> {
	const writer = writable.getWriter()
	const refused = new Promise<never>((_, reject) => taken.catch(reject))
	let size = 0
	const write = async (part: Uint8Array) => {
		size += part.byteLength
		if (size > length) throw incomplete()
		await Promise.race([writer.write(part), refused])
	}
	try {
		for (const part of head) await write(part)
		for (;;) {
			const { done, value } = await read().catch(() => Promise.reject(incomplete()))
			if (done) break
			await write(value)
		}
		if (size < length) throw incomplete()
		await Promise.race([writer.close(), refused])
	} catch (error) {
		// Nobody may be left to see it.
		void writer.abort(error).catch(() => undefined)
		throw error
	} finally {
		refused.catch(() => undefined)
	}
}

function isPdf(parts: readonly Uint8Array[]): boolean {
	const text = parts.map((part) => new TextDecoder('latin1').decode(part.subarray(0, HEADER_WITHIN))).join('')
	return text.slice(0, HEADER_WITHIN).includes(PDF_HEADER)
}

function incomplete(): Refusal {
	return new Refusal('incomplete_upload', 'The connection ended before the whole file was here. Upload it again.')
}
