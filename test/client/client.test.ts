import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Client, createClient } from '../../src/client/client.ts'
import { DOCUMENT, snapshotWith } from './fixtures.ts'

interface Answer {
	status?: number
	body: unknown
	type?: string
}
interface Received {
	method: string | undefined
	url: string | undefined
	headers: IncomingMessage['headers']
	body: Buffer
}

let server: Server | null = null
afterEach(() => {
	server?.close()
	server = null
})

/**
 * A service that remembers what it was asked. It gives these answers in turn, the last one from then on; with `null` it
 * hangs up.
 */
async function service(...answers: [Answer | null, ...(Answer | null)[]]) {
	const received: Received[] = []
	const listening = createServer(async (request, response) => {
		const parts: Buffer[] = []
		for await (const part of request) parts.push(part)
		received.push({
			method: request.method,
			url: request.url,
			headers: request.headers,
			body: Buffer.concat(parts),
		})
		const answer = answers[Math.min(received.length, answers.length) - 1] ?? null
		if (answer === null) return request.socket.destroy()
		const { status = 200, body, type = 'application/json' } = answer
		response.writeHead(status, { 'Content-Type': type })
		response.end(typeof body === 'string' ? body : JSON.stringify(body))
	})
	server = listening
	await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
	const baseUrl = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
	let refusedTokens = 0
	const client: Client = createClient({
		baseUrl,
		getToken: async () => 'a-token',
		onUnauthorized: () => {
			refusedTokens++
		},
	})
	return { client, received, refusedTokens: () => refusedTokens }
}

/** Fails for a request without one. */
function keysOf(received: readonly Received[]): string[] {
	return received.map(({ headers }) => {
		const key = headers['idempotency-key']
		if (typeof key !== 'string' || key === '') throw new Error('A request came without a key')
		return key
	})
}

const document = {
	id: DOCUMENT,
	externalId: null,
	metadata: null,
	name: 'Übung 1.pdf',
	contentType: 'application/pdf',
	size: 4,
	createdAt: '2026-10-20T12:00:00.000Z',
}

test('an upload sends the bytes with their length, type, encoded name and options', async () => {
	const { client, received } = await service({ status: 201, body: { document, conversion: snapshotWith() } })
	const progress: number[][] = []
	const { document: uploaded } = await client.upload(
		new Uint8Array([1, 2, 3, 4]),
		{ name: 'Übung 1.pdf', contentType: 'application/pdf', priority: 'high', quality: 'low' },
		(...step) => progress.push(step),
	)
	expect(uploaded.id).toBe(DOCUMENT)
	expect(received[0]).toMatchObject({
		method: 'POST',
		url: '/api/documents?priority=high&quality=low',
		headers: {
			authorization: 'Bearer a-token',
			'content-type': 'application/pdf',
			'content-length': '4',
			'x-filename': '%C3%9Cbung%201.pdf',
		},
		body: Buffer.from([1, 2, 3, 4]),
	})
	expect(progress.at(-1)).toEqual([4, 4])
})

test('an upload says the application’s own id and words, and a document is found by that id', async () => {
	const { client, received } = await service(
		{ status: 200, body: { document, conversion: snapshotWith() } },
		{ body: { items: [], nextCursor: null } },
	)
	const metadata = { case: 'Ä & B', tags: [1] }
	await client.upload(new Uint8Array([1]), {
		name: 'a.pdf',
		contentType: 'application/pdf',
		externalId: 'invoice 7/ä',
		metadata,
	})
	const { searchParams } = new URL(received[0]?.url ?? '', 'http://service')
	expect(searchParams.get('externalId')).toBe('invoice 7/ä')
	expect(JSON.parse(searchParams.get('metadata') ?? '')).toEqual(metadata)
	expect(await client.documents({ externalId: 'invoice 7/ä' })).toEqual({ items: [], nextCursor: null })
	expect(received[1]?.url).toBe('/api/documents?externalId=invoice+7%2F%C3%A4')
})

test('a document from a service that knows no metadata has none', async () => {
	const { metadata, ...older } = document
	const { client } = await service({ body: older })
	expect(await client.document(DOCUMENT)).toEqual({ ...older, metadata: null })
})

test('conversions come back parsed, page by page', async () => {
	const at = '2026-10-20T12:00:00.000Z'
	const conversion = {
		jobId: 'job',
		status: 'failed',
		priority: 'normal',
		requestedPriority: 'normal',
		options: { quality: 'medium' },
		createdAt: at,
		startedAt: at,
		firstPageAt: null,
		completedAt: at,
		totalPages: null,
		processedPages: 0,
		failedPageCount: 0,
		retryCount: 0,
		maxRetries: 3,
		failure: { code: 'invalid_document', message: 'Damaged', retryable: false },
		estimates: { waiting: { estimate: 3, error: null }, processing: null },
		events: [
			{ type: 'accepted', at },
			{ type: 'failed', at, code: 'invalid_document' },
		],
		eventsOmitted: 0,
	}
	const { client, received } = await service({ body: { items: [conversion], nextCursor: '7' } })
	expect(await client.conversions(DOCUMENT, { cursor: '8', limit: 1 })).toEqual({
		items: [conversion],
		nextCursor: '7',
	})
	expect(received[0]?.url).toBe(`/api/documents/${DOCUMENT}/conversions?cursor=8&limit=1`)
})

test('an aborted upload is an error of its own code', async () => {
	const { client } = await service({ body: {} })
	const upload = client.upload(new Blob(['x']), {
		name: 'a.pdf',
		contentType: 'application/pdf',
		signal: AbortSignal.abort(),
	})
	await expect(upload).rejects.toMatchObject({ code: 'aborted', status: null })
})

test('the status comes back parsed', async () => {
	const { client, received } = await service({ body: { ...snapshotWith(), addedLater: true } })
	expect(await client.status(DOCUMENT)).toEqual(snapshotWith())
	expect(received[0]?.url).toBe(`/api/documents/${DOCUMENT}/conversion-status`)
})

test('a status read can wait for news, and be called off', async () => {
	const { client, received } = await service({ body: snapshotWith() })
	await client.status(DOCUMENT, { since: 7, wait: 20 })
	expect(received[0]?.url).toBe(`/api/documents/${DOCUMENT}/conversion-status?since=7&wait=20`)
	const calledOff = client.status(DOCUMENT, { since: 7, wait: 20, signal: AbortSignal.abort() })
	await expect(calledOff).rejects.toMatchObject({ code: 'aborted', status: null })
})

test('start, retry and cancel are commands, each with a key of its own', async () => {
	const { client, received } = await service({ status: 202, body: snapshotWith() })
	await client.start(DOCUMENT, { forceReconvert: true })
	await client.retry(DOCUMENT, { priority: 'high', password: 'Schwertfisch' })
	await client.cancel(DOCUMENT)
	expect(received.map(({ method, url }) => [method, url])).toEqual(
		Array.from({ length: 3 }, () => ['POST', `/api/documents/${DOCUMENT}/conversion-status`]),
	)
	expect(received.map(({ body }) => JSON.parse(String(body)))).toEqual([
		{ action: 'start', forceReconvert: true },
		{ action: 'retry', priority: 'high', password: 'Schwertfisch' },
		{ action: 'cancel' },
	])
	expect(new Set(keysOf(received)).size).toBe(3)
})

const unavailable: Answer = {
	status: 503,
	body: { type: 'about:blank', title: 'Busy', status: 503, code: 'unavailable', detail: 'Busy for a moment.' },
	type: 'application/problem+json',
}

test('a command is repeated with the same key when the line breaks or the service is busy', async () => {
	const { client, received } = await service(null, unavailable, { status: 202, body: snapshotWith() })
	expect(await client.retry(DOCUMENT)).toEqual(snapshotWith())
	expect(received.map(({ body }) => String(body))).toEqual(Array.from({ length: 3 }, () => '{"action":"retry"}'))
	expect(new Set(keysOf(received)).size).toBe(1)
})

test('a command is repeated twice at most', async () => {
	const { client, received } = await service(unavailable)
	await expect(client.cancel(DOCUMENT)).rejects.toMatchObject({ code: 'unavailable', status: 503 })
	expect(received).toHaveLength(3)
})

test('a command that was refused is not repeated', async () => {
	const problem = { type: 'about:blank', title: '', status: 409, code: 'nothing_to_retry', detail: 'Start a new one.' }
	const { client, received } = await service({ status: 409, body: problem })
	await expect(client.retry(DOCUMENT)).rejects.toMatchObject({ code: 'nothing_to_retry', detail: 'Start a new one.' })
	expect(received).toHaveLength(1)
})

test('an upload has a key, is not repeated by itself, and can be with the same key', async () => {
	const { client, received } = await service(unavailable)
	const options = { name: 'a.pdf', contentType: 'application/pdf' }
	for (const idempotencyKey of [undefined, undefined, 'mine', 'mine']) {
		const upload = client.upload(new Uint8Array([1]), { ...options, idempotencyKey })
		await expect(upload).rejects.toMatchObject({ code: 'unavailable' })
	}
	const keys = keysOf(received)
	expect(keys.slice(2)).toEqual(['mine', 'mine'])
	expect({ calls: keys.length, different: new Set(keys).size }).toEqual({ calls: 4, different: 3 })
	expect(received.map(({ url }) => url)).toEqual(Array.from({ length: 4 }, () => '/api/documents'))
})

test('what is erased answers nothing, and what is not there is an error', async () => {
	const problem = { type: 'about:blank', title: '', status: 404, code: 'not_found', detail: 'No such document.' }
	const { client, received } = await service({ status: 204, body: '' }, { status: 404, body: problem })
	expect(await client.erase(DOCUMENT)).toBeUndefined()
	expect(received[0]).toMatchObject({ method: 'DELETE', url: `/api/documents/${DOCUMENT}` })
	await expect(client.erase(DOCUMENT)).rejects.toMatchObject({ code: 'not_found', status: 404 })
})

test('lists and manifests pass on their query', async () => {
	const { client, received } = await service({ body: { items: [], nextCursor: null } })
	await client.documents({ cursor: 'a b', limit: 5 })
	await client.pages(DOCUMENT, { pages: '1-5,9' }).catch(() => undefined)
	expect(received.map(({ url }) => url)).toEqual([
		'/api/documents?cursor=a+b&limit=5',
		`/api/documents/${DOCUMENT}/pages?pages=1-5%2C9`,
	])
})

test('an id cannot lead elsewhere', async () => {
	const { client, received } = await service({ body: snapshotWith() })
	await client.status('../healthz?x=')
	expect(received[0]?.url).toBe('/api/documents/..%2Fhealthz%3Fx%3D/conversion-status')
})

test('a signed address is fetched without the token', async () => {
	const { client, received } = await service({ body: 'Seite 1', type: 'text/plain' })
	expect(await client.text('/api/pages/x/1/0-7.txt?signature=s')).toBe('Seite 1')
	expect(await client.bytes('/api/pages/x/1/0-7.txt?signature=s')).toEqual(new TextEncoder().encode('Seite 1'))
	expect(received[0]?.headers.authorization).toBeUndefined()
})

test('a problem document becomes an error with its code, status and detail', async () => {
	const problem = {
		type: 'urn:platen:problem:too_large',
		title: 'The file is too large',
		status: 413,
		code: 'too_large',
		detail: 'A document may have 32 MB.',
	}
	const { client, refusedTokens } = await service({ status: 413, body: problem, type: 'application/problem+json' })
	const expected = { name: 'PlatenError', code: 'too_large', status: 413, detail: 'A document may have 32 MB.' }
	await expect(client.status(DOCUMENT)).rejects.toMatchObject(expected)
	await expect(client.text('/gone')).rejects.toMatchObject(expected)
	expect(refusedTokens()).toBe(0)
})

test('a refused token is told', async () => {
	const { client, refusedTokens } = await service({ status: 401, body: 'no' })
	await expect(client.status(DOCUMENT)).rejects.toMatchObject({ status: 401 })
	expect(refusedTokens()).toBe(1)
})

test('an answer that is not understood is an error, whether 200 or 502', async () => {
	const strange = await service({ body: { version: 'seven' } })
	await expect(strange.client.status(DOCUMENT)).rejects.toMatchObject({ code: 'unexpected_answer', status: 200 })
	server?.close()
	const broken = await service({ status: 502, body: '<h1>Bad gateway</h1>', type: 'text/html' })
	await expect(broken.client.status(DOCUMENT)).rejects.toMatchObject({ code: 'unexpected_answer', status: 502 })
})

test('an unreachable service is an error of code network', async () => {
	const { client } = await service({ body: {} })
	const closed = new Promise((resolve) => server?.close(resolve))
	await closed
	await expect(client.status(DOCUMENT)).rejects.toMatchObject({ code: 'network', status: null })
	await expect(client.upload(new Uint8Array(1), { name: 'a', contentType: 'application/pdf' })).rejects.toMatchObject({
		code: 'network',
	})
})

test('the socket speaks the scheme that belongs to the service', () => {
	const at = (baseUrl: string) => createClient({ baseUrl, getToken: () => '' }).liveAddress('d')
	expect(at('https://platen.example.com')).toBe('wss://platen.example.com/api/documents/d/conversion-live')
	expect(at('http://127.0.0.1:8787/app/')).toBe('ws://127.0.0.1:8787/api/documents/d/conversion-live')
})

test('a status is asked for with the highest version that was heard, so nothing older is answered', async () => {
	const { client, received } = await service(
		{ body: snapshotWith({ version: 2_000 }) },
		{ status: 202, body: snapshotWith({ version: 3_000 }) },
		{ body: snapshotWith({ version: 3_000 }) },
	)
	await client.status(DOCUMENT)
	await client.cancel(DOCUMENT)
	await client.status(DOCUMENT)
	await client.status(DOCUMENT, { since: 1_000, wait: 20 })
	const another = crypto.randomUUID()
	await client.status(another)
	const reads = received.filter(({ method }) => method === 'GET').map(({ url }) => url?.split('conversion-status')[1])
	expect(reads).toEqual(['', '?since=3000', '?since=1000&wait=20', ''])
})

test('many statuses are asked for at once, and count as heard', async () => {
	const another = crypto.randomUUID()
	const { client, received } = await service(
		{ body: { items: [snapshotWith({ version: 5_000 })], unavailable: [another] } },
		{ body: snapshotWith({ version: 5_000 }) },
	)
	expect(await client.statuses([DOCUMENT, another])).toMatchObject({ unavailable: [another] })
	await client.status(DOCUMENT)
	expect(decodeURIComponent(received[0]?.url ?? '')).toBe(`/api/conversion-statuses?ids=${DOCUMENT},${another}`)
	expect(received[1]?.url).toContain('?since=5000')
})

test('the text of a document comes as a whole, by token', async () => {
	const { client, received } = await service({ body: 'one\f\fthree', type: 'text/plain' })
	expect((await client.wholeText(DOCUMENT, { job: 'j' })).split('\f')).toEqual(['one', '', 'three'])
	expect(received[0]?.url).toBe(`/api/documents/${DOCUMENT}/text?job=j`)
	expect(received[0]?.headers.authorization).toBe('Bearer a-token')
})

test('words come parsed: a page by its signed address, a document by token', async () => {
	const words = [['one', 1, 2, 3, 4, 1]]
	const page = await service({ body: { words } })
	expect(await page.client.words('/api/pages/x/1/0-7.json?signature=s')).toEqual({ words })
	expect(page.received[0]?.headers.authorization).toBeUndefined()
	server?.close()
	const jobId = '8a6e0804-2bd0-4672-b79d-d97027f9071a'
	const pages = [{ page: 1, width: 10, height: 20, words }]
	const whole = await service({ body: { jobId, totalPages: 1, pages } })
	expect(await whole.client.wholeWords(DOCUMENT)).toEqual({ jobId, totalPages: 1, pages })
	expect(whole.received[0]?.url).toBe(`/api/documents/${DOCUMENT}/text?format=words`)
	server?.close()
	const strange = await service({ body: { words: [['one', 'left']] } })
	await expect(strange.client.words('/x')).rejects.toMatchObject({ code: 'unexpected_answer' })
})

test('the uploaded file comes as bytes, and a refusal as what it is', async () => {
	const { client, received, refusedTokens } = await service(
		{ body: '%PDF', type: 'application/pdf' },
		{ status: 401, body: 'no' },
	)
	expect(await client.source(DOCUMENT)).toEqual(new TextEncoder().encode('%PDF'))
	expect(received[0]?.url).toBe(`/api/documents/${DOCUMENT}/source`)
	await expect(client.source(DOCUMENT)).rejects.toMatchObject({ status: 401 })
	expect(refusedTokens()).toBe(1)
})
