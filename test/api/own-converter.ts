/** Somebody's own converter as it meets the API, and what it gives back. */
import { crc32, deflateSync } from 'node:zlib'
import { z } from 'zod'
import { type OwnLease, ownClaimedSchema, ownFinishedSchema, ownVerdictSchema } from '../../src/core/own-converter.ts'
import { uploadedSchema } from '../../src/core/protocol.ts'
import { type Call, call, tokenFor, upload } from './service.ts'

export const converter = await tokenFor({ sub: 'a team', scope: 'converter' }, { expires: '60d' })

const TEXT = new TextEncoder().encode('What somebody has written.')

/** Uploads a text. @returns the document's id */
export async function textArrives({ headers = {}, query = '' }: Call & { query?: string } = {}): Promise<string> {
	const response = await upload(TEXT, { headers: { 'Content-Type': 'text/plain', ...headers }, query })
	return uploadedSchema.parse(await response.json()).document.id
}

export function say(what: string, body: unknown, token: string | null = converter): Promise<Response> {
	return call(`/api/converter/${what}`, { method: 'POST', token, body: JSON.stringify(body) })
}

/** Null when nobody needs a converter. */
export async function claimText(
	asked: { converter?: string; formats?: string[]; wait?: number } = {},
): Promise<OwnLease | null> {
	const response = await say('claim', { converter: 'mine', formats: ['text/plain'], ...asked })
	if (response.status === 204) return null
	return ownClaimedSchema.parse(await response.json()).lease
}

/** A lease of a text that there must be. */
export async function leased(asked: Parameters<typeof claimText>[0] = {}): Promise<OwnLease> {
	const lease = await claimText(asked)
	if (!lease) throw new Error('nobody waits')
	return lease
}

export async function verdict(what: 'report' | 'fail', body: object): Promise<string> {
	return ownVerdictSchema.parse(await (await say(what, body)).json()).verdict
}

export type Parts = Record<string, string | Uint8Array<ArrayBuffer> | object>

/** A form as `curl -F` sends it: objects become JSON, bytes become files. */
export async function sendForm(parts: Parts | FormData, { token = converter, headers = {} }: Call = {}) {
	const form = parts instanceof FormData ? parts : new FormData()
	if (!(parts instanceof FormData)) {
		for (const [name, value] of Object.entries(parts)) {
			if (typeof value === 'string') form.append(name, value)
			else if (value instanceof Uint8Array) form.append(name, new Blob([value]))
			else form.append(name, JSON.stringify(value))
		}
	}
	const encoded = new Response(form)
	const body = new Uint8Array(await encoded.arrayBuffer())
	return await call('/api/converter/finish', {
		method: 'POST',
		token,
		body,
		headers: {
			'Content-Type': encoded.headers.get('Content-Type') ?? '',
			'Content-Length': String(body.byteLength),
			...headers,
		},
	})
}

export async function finished(parts: Parts) {
	const response = await sendForm(parts)
	return ownFinishedSchema.parse(await response.json())
}

/** The report of a finish, and an image for each page of its lease. */
export function pagesFor({ documentId, fence, pages }: OwnLease, report: object = {}): Parts {
	const parts: Parts = { report: { documentId, fence, ...report } }
	for (let page = pages.first; page <= pages.last; page++) {
		parts[`image-${page}`] = pngOf(30 + page, 40)
		parts[`text-${page}`] = `text of page ${page}`
	}
	return parts
}

/** A whole PNG, all black. */
export function pngOf(width: number, height: number): Uint8Array<ArrayBuffer> {
	const chunk = (type: string, data: Uint8Array) => {
		const named = Buffer.concat([Buffer.from(type), data])
		const ends = Buffer.alloc(8)
		ends.writeUInt32BE(data.byteLength, 0)
		ends.writeUInt32BE(crc32(named), 4)
		return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)])
	}
	const header = Buffer.alloc(13)
	header.writeUInt32BE(width, 0)
	header.writeUInt32BE(height, 4)
	header[8] = 8
	const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
	// Of a picture that is too large to be taken, nobody looks further than the header.
	const pixels = deflateSync(new Uint8Array(width * height > 1_000_000 ? 0 : (width + 1) * height))
	const parts = [signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]
	return new Uint8Array(Buffer.concat(parts))
}

export const problemDetail = z.object({ detail: z.string() })
