/** The API as its callers meet it, with somebody who plays the converter through the real gate. */
import { env, exports } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { SignJWT } from 'jose'
import { vi } from 'vitest'
import type { Claim, Lease } from '../../src/core/gate.ts'
import {
	type Manifest,
	manifestSchema,
	socketMessageSchema,
	type Uploaded,
	uploadedSchema,
} from '../../src/core/protocol.ts'
import { type Snapshot, snapshotSchema } from '../../src/core/snapshot.ts'

export const ORIGIN = 'https://platen.example'

export async function tokenFor(claims: Record<string, unknown>, { secret = env.AUTH_JWT_SECRET, expires = '1h' } = {}) {
	return await new SignJWT(claims)
		.setProtectedHeader({ alg: 'HS256' })
		.setExpirationTime(expires)
		.sign(new TextEncoder().encode(secret))
}

export interface Call {
	method?: string
	token?: string | null
	body?: BodyInit | null
	headers?: Record<string, string>
}

// Long enough for tests that turn the clock on.
export const alice = await tokenFor({ sub: 'alice' }, { expires: '60d' })
export const bob = await tokenFor({ sub: 'bob' }, { expires: '60d' })

/** Calls the API, as alice unless told otherwise. */
export function call(
	path: string,
	{ method = 'GET', token = alice, body = null, headers = {} }: Call = {},
): Promise<Response> {
	const authorization = token === null ? {} : { Authorization: `Bearer ${token}` }
	return exports.default.fetch(new Request(ORIGIN + path, { method, body, headers: { ...authorization, ...headers } }))
}

export const PDF = new TextEncoder().encode('%PDF-1.7\nwhat a converter makes of the rest is its own business\n%%EOF')

export function upload(body: BodyInit = PDF, options: Call & { query?: string } = {}): Promise<Response> {
	const length = body instanceof Uint8Array ? { 'Content-Length': String(body.byteLength) } : {}
	const headers = { 'Content-Type': 'application/pdf', ...length, ...options.headers }
	return call(`/api/documents${options.query ?? ''}`, { ...options, method: 'POST', body, headers })
}

export async function uploaded(options: Call & { query?: string } = {}): Promise<Uploaded> {
	const response = await upload(PDF, options)
	return uploadedSchema.parse(await response.json())
}

export async function statusOf(id: string): Promise<Snapshot> {
	// Newer than anything that can be kept, so that the object itself is asked: tests look behind the scenes.
	const response = await call(`/api/documents/${id}/conversion-status?since=${Number.MAX_SAFE_INTEGER}`)
	return snapshotSchema.parse(await response.json())
}

/** What is said of a document that waits, once it has heard where. */
export function standing(id: string): Promise<Snapshot> {
	return vi.waitUntil(async () => {
		const snapshot = await statusOf(id)
		return snapshot.queuePosition === null ? null : snapshot
	})
}

/** Sends a command about a document's conversion. */
export function command(id: string, body: object, options: Call = {}): Promise<Response> {
	const headers = { 'Content-Type': 'application/json', ...options.headers }
	const path = `/api/documents/${id}/conversion-status`
	return call(path, { ...options, method: 'POST', headers, body: JSON.stringify(body) })
}

/** A command that is not refused: whether it was 200 or 202, and the snapshot. */
export async function commanded(id: string, body: object, options: Call = {}) {
	const response = await command(id, body, options)
	return { status: response.status, snapshot: snapshotSchema.parse(await response.json()) }
}

export function erase(id: string, options: Call = {}): Promise<Response> {
	return call(`/api/documents/${id}`, { ...options, method: 'DELETE' })
}

export async function manifestOf(id: string, query = ''): Promise<Manifest> {
	// What the pages are told by may be a second old, too.
	await statusOf(id)
	return manifestSchema.parse(await (await call(`/api/documents/${id}/pages${query}`)).json())
}

/** The bytes behind a signed address, as text. */
export async function bytesAt(address: string | null | undefined): Promise<string> {
	const response = await call(address ?? '', { token: null })
	if (!response.ok) throw new Error(`${response.status} for ${address}`)
	return new TextDecoder().decode(await response.arrayBuffer())
}

/** What is refused: its status, and the code of its problem document. */
export async function refusal(response: Response): Promise<{ status: number; code: string }> {
	const type = response.headers.get('Content-Type')
	const problem = await response.json<{ status: number; code: string; title: string; detail: string }>()
	if (type !== 'application/problem+json') throw new Error(`not a problem document: ${type}`)
	if (problem.status !== response.status || !problem.title || !problem.detail) throw new Error('not a whole problem')
	return { status: response.status, code: problem.code }
}

export const gate = exports.ConverterGate

/** A socket whose snapshots are collected. */
export function listen(response: Response) {
	const socket = response.webSocket
	if (!socket) throw new Error('no socket')
	const snapshots: Snapshot[] = []
	const closes: number[] = []
	const texts: string[] = []
	socket.addEventListener('message', ({ data }) => {
		texts.push(String(data))
		if (data !== 'pong') snapshots.push(socketMessageSchema.parse(JSON.parse(String(data))).snapshot)
	})
	socket.addEventListener('close', ({ code }) => {
		closes.push(code)
	})
	socket.accept()
	return { socket, snapshots, closes, texts }
}

/** A lease of this document, taken directly: the lineup serves whoever is first, and tests share it. */
export async function leaseOf(id: string): Promise<Lease> {
	const jobId = (await statusOf(id)).jobId
	const lease = await gate.lease({ documentId: id, jobId })
	if (!lease) throw new Error('there was nothing to lease')
	return lease
}

/**
 * A pack with bytes of its own for each page of the lease: pictures first, then texts, then words.
 *
 * @param without pages of the lease that it does not hold
 * @param older as the first release made them: page after page, without words
 */
export function packFor(lease: Lease, through = lease.pages.last, { older = false, without = [] as number[] } = {}) {
	const texts: string[] = []
	let offset = 0
	const place = (text: string) => {
		texts.push(text)
		const extent = { offset, length: text.length }
		offset += text.length
		return extent
	}
	const numbers = Array.from({ length: through - lease.pages.first + 1 }, (_, index) => lease.pages.first + index)
	const shown = numbers
		.filter((page) => !without.includes(page))
		.map((page) => ({
			page,
			width: 1600,
			height: 2264,
			image: { type: 'image/png' as const, ...place(`image of page ${page} by fence ${lease.fence}`) },
			thumbnail: { type: 'image/webp' as const, ...place(`thumbnail of page ${page}`) },
			...(older ? { text: place(`text of page ${page}`) } : {}),
		}))
	const withTexts = shown.map((page) => ({ text: place(`text of page ${page.page}`), ...page }))
	const pages = older ? withTexts : withTexts.map((page) => ({ ...page, words: place(wordsOf(page.page)) }))
	const bytes = new TextEncoder().encode(texts.join(''))
	const digest = createHash('sha256').update(bytes).digest('hex')
	return { bytes, pack: { index: { pages }, digest, length: bytes.byteLength } }
}

/** What the words of a page are in {@link packFor}. */
export function wordsOf(page: number): string {
	return JSON.stringify({
		words: [
			['page', 100, 200, 300, 40],
			[String(page), 420, 200, 20 + (page % 10), 40, 1],
		],
	})
}

export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
	return new Response(bytes.slice()).body ?? new ReadableStream()
}

/** Finishes a lease through the gate. */
export async function finish(
	lease: Lease,
	{ more = false, through = lease.pages.last, older = false, failed = [] as number[] } = {},
) {
	const { bytes, pack } = packFor(lease, through, { older, without: failed })
	const { documentId, fence } = lease
	const failures = failed.map((page) => ({ page, code: 'out_of_memory' as const }))
	return await gate.finish({ documentId, fence, through, failed: failures, pack, more }, streamOf(bytes))
}

/** Asks the lineup who is next. */
export function claim({ converter = 'a converter', nudged = false } = {}): Promise<Claim | null> {
	return gate.claim({ converter, nudged })
}

/** Finishes a lease and takes the next of its document, also when that is another turn; null when nothing is left. */
export async function finishAndTakeNext(lease: Lease): Promise<Lease | null> {
	const finished = await finish(lease, { more: true })
	switch (finished.verdict) {
		case 'stop':
			throw new Error('the lease was lost')
		case 'yield':
			return await leaseOf(lease.documentId)
		case 'go on':
			return finished.next
	}
}

/** Finishes a lease and takes the next, which there must be. */
export async function finishAndGoOn(lease: Lease): Promise<Lease> {
	const next = await finishAndTakeNext(lease)
	if (!next) throw new Error('there should be more')
	return next
}

/** Opens a document as its first converter does. @returns the lease of its first page */
export async function open(id: string, pageCount: number): Promise<Lease> {
	const lease = await leaseOf(id)
	await gate.opened({ documentId: id, fence: lease.fence, pageCount })
	return lease
}

/** Converts a whole document. @returns the fences that it took */
export async function convertAll(id: string, pageCount: number): Promise<number[]> {
	let lease: Lease | null = await open(id, pageCount)
	const fences: number[] = []
	while (lease) {
		fences.push(lease.fence)
		lease = await finishAndTakeNext(lease)
	}
	// What was looked at on the way is out of date.
	await statusOf(id)
	return fences
}
