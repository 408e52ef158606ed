import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { MAX_UPLOAD_BYTES } from '../../src/core/protocol.ts'
import { bob, call, PDF, refusal, statusOf, tokenFor, upload, uploaded } from './service.ts'

async function storedFiles(): Promise<number> {
	return (await env.FILES.list()).objects.length
}

describe('an upload', () => {
	test('is stored as it came, and its conversion begins by itself', async () => {
		const name = 'Über die Seiten.pdf'
		const response = await upload(PDF, { headers: { 'X-Filename': encodeURIComponent(name) } })
		expect(response.status).toBe(201)
		const { document, conversion } = await response.json<{ document: { id: string }; conversion: object }>()
		expect(document).toMatchObject({ name, contentType: 'application/pdf', size: PDF.byteLength, externalId: null })
		expect(conversion).toMatchObject({ documentId: document.id, status: 'queued', priority: 'normal' })
		const stored = await env.FILES.get(`${document.id}/source`)
		expect(new Uint8Array(await (stored as R2ObjectBody).arrayBuffer())).toEqual(PDF)
	})

	test('is not converted when nobody wants that, until it is started', async () => {
		const { document, conversion } = await uploaded({ query: '?convert=false' })
		expect(conversion).toMatchObject({ status: 'none', jobId: null, progress: 0 })
		const start = () =>
			call(`/api/documents/${document.id}/conversion-status`, {
				method: 'POST',
				body: JSON.stringify({ action: 'start', priority: 'low', options: { quality: 'high' } }),
			})
		const first = await start()
		expect(first.status).toBe(202)
		expect(await first.json()).toMatchObject({ status: 'queued', priority: 'low' })
		expect((await start()).status).toBe(200)
	})

	test('is in the list of its owner, newest first, and in nobody else’s', async () => {
		const token = await tokenFor({ sub: 'carol' })
		const ids: string[] = []
		for (let count = 0; count < 3; count++) ids.unshift((await uploaded({ token })).document.id)
		const list = async (query: string) => (await call(`/api/documents${query}`, { token })).json<DocumentPage>()
		await expect.poll(async () => (await list('')).items.map(({ id }) => id)).toEqual(ids)
		const first = await list('?limit=2')
		expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2))
		const second = await list(`?limit=2&cursor=${first.nextCursor}`)
		expect(second).toMatchObject({ items: [{ id: ids[2], status: 'queued' }], nextCursor: null })
		expect((await (await call('/api/documents', { token: bob })).json<DocumentPage>()).items).toEqual([])
	})
})

interface DocumentPage {
	items: { id: string; status: string }[]
	nextCursor: string | null
}

describe('an upload that is refused leaves nothing behind:', () => {
	test.each([
		{ what: 'not a PDF', body: new TextEncoder().encode('GIF89a and so on'), status: 415, code: 'unsupported_type' },
		{ what: 'an empty file', body: new Uint8Array(), status: 400, code: 'empty_upload' },
	])('$what', async ({ body, status, code }) => {
		const before = await storedFiles()
		expect(await refusal(await upload(body))).toEqual({ status, code })
		expect(await storedFiles()).toBe(before)
	})

	test('a body without a length', async () => {
		const body = new ReadableStream({
			start(controller) {
				controller.enqueue(PDF)
				controller.close()
			},
		})
		expect(await refusal(await upload(body))).toEqual({ status: 411, code: 'length_required' })
	})

	test('a file that is too large, before it is read', async () => {
		const response = await upload(PDF, { headers: { 'Content-Length': String(MAX_UPLOAD_BYTES + 1) } })
		expect(await refusal(response)).toEqual({ status: 413, code: 'too_large' })
	})

	test.each([PDF.byteLength - 3, PDF.byteLength + 3])(
		'a file that is not as long as it says (%i bytes)',
		async (length) => {
			const before = await storedFiles()
			const response = await upload(PDF, { headers: { 'Content-Length': String(length) } })
			expect(await refusal(response)).toEqual({ status: 400, code: 'incomplete_upload' })
			expect(await storedFiles()).toBe(before)
		},
	)

	test.each(['?priority=highest', '?convert=yes', '?quality=best'])(
		'an option that there is not: %s',
		async (query) => {
			expect(await refusal(await upload(PDF, { query }))).toEqual({ status: 400, code: 'malformed' })
		},
	)

	test('a token that may only read some documents', async () => {
		const token = await tokenFor({ sub: 'reader', documents: {} })
		expect((await refusal(await upload(PDF, { token }))).status).toBe(404)
	})
})

test('a PDF whose header stands a little further on is taken', async () => {
	const body = new Uint8Array(PDF.byteLength + 900)
	body.set(PDF, 900)
	expect((await upload(body)).status).toBe(201)
})

test('the status of an upload can be asked at once', async () => {
	const { document, conversion } = await uploaded()
	expect(await statusOf(document.id)).toMatchObject({ jobId: conversion.jobId, status: 'queued' })
})

test.each([
	{
		what: 'before it has read the file',
		put: async () => {
			throw new Error('R2 is away')
		},
	},
	{
		what: 'in the middle of it',
		put: async (_: string, body: ReadableStream) => {
			await body.cancel()
			throw new Error('R2 is away')
		},
	},
])('an upload that R2 refuses $what is not the fault of whoever sent it, and can be repeated', async ({ put }) => {
	vi.spyOn(Object.getPrototypeOf(env.FILES), 'put').mockImplementationOnce(put as never)
	const headers = { 'Idempotency-Key': crypto.randomUUID() }
	const response = await upload(PDF, { headers })
	expect(await refusal(response)).toEqual({ status: 503, code: 'unavailable' })
	expect(response.headers.get('Retry-After')).toBe('1')
	expect((await uploaded({ headers })).conversion.status).toBe('queued')
})

describe('whoever sends what is not taken is heard out, so that the answer is not lost with the connection:', () => {
	/** A body of many parts, and how much of it was taken. */
	function slowly(first: string, parts: number) {
		const part = new Uint8Array(64 * 1024)
		let taken = 0
		const body = new ReadableStream({
			pull(controller) {
				taken += 1
				if (taken > parts) return controller.close()
				controller.enqueue(taken === 1 ? Uint8Array.from(part, (_, at) => first.charCodeAt(at) || 0) : part)
			},
		})
		return { body, length: String(parts * part.byteLength), isTaken: () => taken > parts }
	}

	test('no PDF', async () => {
		const { body, length, isTaken } = slowly('GIF89a', 40)
		const response = await upload(body, { headers: { 'Content-Length': length } })
		expect(await refusal(response)).toEqual({ status: 415, code: 'unsupported_type' })
		expect(isTaken()).toBe(true)
	})

	test('one that is too large', async () => {
		const { body, length, isTaken } = slowly('%PDF-', 1 + MAX_UPLOAD_BYTES / 64 / 1024)
		const response = await upload(body, { headers: { 'Content-Length': length } })
		expect(await refusal(response)).toEqual({ status: 413, code: 'too_large' })
		expect(isTaken()).toBe(true)
	})

	test('another file with a key that was used', async () => {
		const headers = { 'Idempotency-Key': 'heard-out' }
		await uploaded({ headers })
		const { body, length, isTaken } = slowly('%PDF-', 40)
		const response = await upload(body, { headers: { ...headers, 'Content-Length': length } })
		expect(await refusal(response)).toEqual({ status: 422, code: 'key_reused' })
		expect(isTaken()).toBe(true)
	})

	test('one that is there already', async () => {
		const query = '?externalId=heard-out&convert=false'
		await uploaded({ query })
		const { body, length, isTaken } = slowly('%PDF-', 40)
		expect((await upload(body, { query, headers: { 'Content-Length': length } })).status).toBe(200)
		expect(isTaken()).toBe(true)
	})
})
