import { env } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { bytesOf, lengthOf, type Part } from '../../src/api/text.ts'
import type { Lease } from '../../src/core/gate.ts'
import { documentWordsSchema, pageWordsSchema, textOfWords } from '../../src/core/words.ts'
import {
	bytesAt,
	call,
	command,
	convertAll,
	finish,
	finishAndGoOn,
	gate,
	leaseOf,
	manifestOf,
	open,
	packFor,
	refusal,
	statusOf,
	streamOf,
	uploaded,
	wordsOf,
} from './service.ts'

const notFound = { status: 404, code: 'not_found' }

async function textOf(id: string, query = '') {
	const response = await call(`/api/documents/${id}/text${query}`)
	return { response, text: await response.text() }
}

const pageText = (page: number) => `text of page ${page}`
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe('the text of a document', () => {
	test('is that of its pages, with a form feed between each two', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 40)
		const { response, text } = await textOf(document.id)
		expect(response.headers.get('Content-Type')).toBe('text/plain; charset=utf-8')
		expect(response.headers.get('Content-Length')).toBe(String(text.length))
		expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff')
		expect(text.split('\f')).toEqual(numbers(40).map(pageText))
	})

	test('takes one read a pack, which brings no picture', async () => {
		const { document } = await uploaded()
		const fences = await convertAll(document.id, 40)
		const get = vi.spyOn(Object.getPrototypeOf(env.FILES), 'get')
		try {
			const { text } = await textOf(document.id)
			expect(get).toHaveBeenCalledTimes(fences.length)
			const lengths = get.mock.calls.map(([, options]) => (options as { range: { length: number } }).range.length)
			const sum = lengths.reduce((total, length) => total + length, 0)
			expect(sum).toBe(text.replaceAll('\f', '').length)
		} finally {
			get.mockRestore()
		}
	})

	test('leaves the places of pages empty that failed or are not there yet', async () => {
		const { document } = await uploaded()
		const first = await open(document.id, 35)
		await finish(await finishAndGoOn(first), { failed: [2, 5, 17] })
		const pages = (await textOf(document.id)).text.split('\f')
		expect(pages).toHaveLength(35)
		const isThere = (page: number) => page <= 17 && ![2, 5, 17].includes(page)
		expect(pages).toEqual(numbers(35).map((page) => (isThere(page) ? pageText(page) : '')))
	})

	test('is in order also when a retry brought pages in between', async () => {
		const { document } = await uploaded()
		await finishAndGoOn(await open(document.id, 33))
		// The pages before these come later, and the two that failed after all others.
		await finish(await leaseOf(document.id), { failed: [20, 21] })
		await command(document.id, { action: 'cancel' })
		await command(document.id, { action: 'retry' })
		await finish(await leaseOf(document.id))
		await finish(await leaseOf(document.id))
		expect((await statusOf(document.id)).readyPages).toBe('1-33')
		expect((await textOf(document.id)).text.split('\f')).toEqual(numbers(33).map(pageText))
	})

	test('is known by its tag until there is more of it', async () => {
		const { document } = await uploaded()
		const lease = await finishAndGoOn(await open(document.id, 17))
		const { response } = await textOf(document.id)
		const tag = response.headers.get('ETag') ?? ''
		const again = () => call(`/api/documents/${document.id}/text`, { headers: { 'If-None-Match': `W/${tag}` } })
		expect((await again()).status).toBe(304)
		const words = await call(`/api/documents/${document.id}/text?format=words`, { headers: { 'If-None-Match': tag } })
		expect(words.status).toBe(200)
		await words.body?.cancel()
		await finish(lease)
		const more = await again()
		expect(more.status).toBe(200)
		expect((await more.text()).split('\f').at(-1)).toBe(pageText(17))
	})

	test('is that of the job that is asked for, else of the one that is served', async () => {
		const { document, conversion } = await uploaded()
		await convertAll(document.id, 2)
		await command(document.id, { action: 'start', forceReconvert: true })
		await convertAll(document.id, 3)
		expect((await textOf(document.id)).text.split('\f')).toHaveLength(3)
		expect((await textOf(document.id, `?job=${conversion.jobId}`)).text.split('\f')).toHaveLength(2)
		expect(await refusal(await call(`/api/documents/${document.id}/text?job=${crypto.randomUUID()}`))).toEqual(notFound)
	})

	test('is not there before there is a page', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const path = `/api/documents/${document.id}/text`
		expect(await refusal(await call(path))).toEqual(notFound)
		await command(document.id, { action: 'start' })
		expect(await refusal(await call(path))).toEqual(notFound)
		await open(document.id, 3)
		expect(await refusal(await call(path))).toEqual(notFound)
	})

	test('is refused when its packs are gone, rather than given in part', async () => {
		const { document } = await uploaded()
		const [fence] = await convertAll(document.id, 1)
		await env.FILES.delete(`${document.id}/pack-${fence}.zip`)
		expect(await refusal(await call(`/api/documents/${document.id}/text`))).toEqual(notFound)
	})

	test('breaks off when a pack is gone in the middle, and so cannot be taken for whole', async () => {
		vi.spyOn(console, 'warn').mockImplementation(() => undefined)
		const { document } = await uploaded()
		const large = async (lease: Lease) => {
			const bytes = new TextEncoder().encode('long '.repeat(40_000))
			const pages = packFor(lease).pack.index.pages.map((page) => ({ ...page, text: { offset: 0, length: 200_000 } }))
			const pack = { index: { pages }, digest: createHash('sha256').update(bytes).digest('hex'), length: bytes.length }
			const { documentId, fence, pages: range } = lease
			const answer = { documentId, fence, through: range.last, failed: [], pack, more: true }
			return await gate.finish(answer, streamOf(bytes))
		}
		const first = await large(await open(document.id, 2))
		if (first.verdict !== 'go on' || !first.next) throw new Error('there should be more')
		await large(first.next)
		expect((await textOf(document.id)).text).toHaveLength(400_001)
		await env.FILES.delete(`${document.id}/pack-${first.next.fence}.zip`)
		const response = await call(`/api/documents/${document.id}/text`)
		expect(response.status).toBe(200)
		await expect(response.text()).rejects.toThrow()
		vi.restoreAllMocks()
	})

	test('has a length that can be asked for alone', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 3)
		const { text } = await textOf(document.id)
		const head = await call(`/api/documents/${document.id}/text`, { method: 'HEAD' })
		expect(head.headers.get('Content-Length')).toBe(String(text.length))
		expect(await head.text()).toBe('')
	})

	test.each(['format=pdf', 'job=1'])('is refused with a wrong query: %s', async (query) => {
		const { document } = await uploaded()
		const response = await call(`/api/documents/${document.id}/text?${query}`)
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
	})
})

describe('the words of a document', () => {
	test('are those of its pages, with the size of each', async () => {
		const { document, conversion } = await uploaded()
		await convertAll(document.id, 20)
		const { response, text } = await textOf(document.id, '?format=words')
		expect(response.headers.get('Content-Type')).toBe('application/json')
		expect(response.headers.get('Content-Length')).toBe(String(text.length))
		const answer = documentWordsSchema.parse(JSON.parse(text))
		expect(answer).toMatchObject({ jobId: conversion.jobId, totalPages: 20 })
		expect(answer.pages.map(({ page, width, height }) => [page, width, height])).toEqual(
			numbers(20).map((page) => [page, 1600, 2264]),
		)
		expect(answer.pages.map(({ words }) => words && textOfWords(words))).toEqual(
			numbers(20).map((page) => `page ${page}`),
		)
	})

	test('are those of the pages that are ready', async () => {
		const { document } = await uploaded()
		await finish(await finishAndGoOn(await open(document.id, 35)), { failed: [3] })
		const { pages } = documentWordsSchema.parse(JSON.parse((await textOf(document.id, '?format=words')).text))
		expect(pages.map(({ page }) => page)).toEqual(numbers(17).filter((page) => page !== 3))
	})

	test('can be had page by page, by a signed address and by token', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 2)
		const { pages } = await manifestOf(document.id)
		expect(pages[1]?.wordsUrl).toMatch(/\.json\?/)
		const signed = await call(pages[1]?.wordsUrl ?? '', { token: null })
		expect(signed.headers.get('Content-Type')).toBe('application/json')
		expect(await signed.text()).toBe(wordsOf(2))
		const own = await call(`/api/documents/${document.id}/pages/2/words`)
		expect(pageWordsSchema.parse(await own.json())).toEqual(JSON.parse(wordsOf(2)))
		const tag = { 'If-None-Match': own.headers.get('ETag') ?? '' }
		expect((await call(`/api/documents/${document.id}/pages/2/words`, { headers: tag })).status).toBe(304)
	})
})

describe('parts of packs', () => {
	const id = crypto.randomUUID()
	const packs = [1, 2, 3].map((fence) => ({
		fence,
		bytes: Uint8Array.from({ length: 150_000 }, (_, index) => (index * 7 + fence * 31 + (index >> 8)) & 0xff),
	}))
	const bytesIn = (part: Part) =>
		typeof part === 'string'
			? new TextEncoder().encode(part)
			: (packs[part.fence - 1]?.bytes ?? new Uint8Array()).slice(part.offset, part.offset + part.length)

	const cases: Part[][] = [
		[],
		['only', ' ', 'text'],
		['before', { fence: 1, offset: 0, length: 150_000 }, 'between', { fence: 2, offset: 5, length: 1 }],
		// Backwards in a pack, gaps, nothing at all, a pack again after another.
		[
			{ fence: 1, offset: 100_000, length: 70 },
			{ fence: 1, offset: 20, length: 65_536 },
			{ fence: 1, offset: 140_000, length: 0 },
			{ fence: 1, offset: 140_000, length: 10_000 },
			{ fence: 3, offset: 149_999, length: 1 },
			'x'.repeat(70_000),
			{ fence: 2, offset: 0, length: 0 },
			{ fence: 1, offset: 0, length: 131_072 },
		],
	]

	test.each(cases.map((parts, index) => ({ index, parts })))('come in their order: case $index', async ({ parts }) => {
		for (const { fence, bytes } of packs) await env.FILES.put(`${id}/pack-${fence}.zip`, bytes)
		const pieces: Uint8Array[] = []
		for await (const piece of bytesOf(env.FILES, id, parts)) pieces.push(piece)
		const expected = await new Blob(parts.map(bytesIn)).bytes()
		expect(Buffer.concat(pieces).equals(expected)).toBe(true)
		expect(lengthOf(parts)).toBe(expected.length)
		for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(65_536)
	})

	test('are an error where a pack is shorter than they say', async () => {
		await env.FILES.put(`${id}/pack-9.zip`, new Uint8Array(10))
		const pieces = bytesOf(env.FILES, id, [{ fence: 9, offset: 5, length: 10 }])
		await expect(pieces.next()).rejects.toThrow('shorter')
	})
})

describe('a document that an older release converted', () => {
	/** Page after page, without words: a pack for the first page, and one for the others. */
	async function older() {
		const { document } = await uploaded()
		const lease = await open(document.id, 5)
		const next = await finish(lease, { older: true, more: true })
		if (next.verdict !== 'go on' || !next.next) throw new Error('there should be more')
		await finish(next.next, { older: true })
		return document.id
	}

	test('has its text, which is read past the pictures, and no words', async () => {
		const id = await older()
		expect((await textOf(id)).text.split('\f')).toEqual(numbers(5).map(pageText))
		const { pages } = documentWordsSchema.parse(JSON.parse((await textOf(id, '?format=words')).text))
		expect(pages.map(({ page, words }) => [page, words])).toEqual(numbers(5).map((page) => [page, null]))
		const manifest = await manifestOf(id)
		expect(manifest.pages.map(({ wordsUrl }) => wordsUrl)).toEqual(numbers(5).map(() => null))
		expect(await bytesAt(manifest.pages[4]?.textUrl)).toBe(pageText(5))
		expect(await refusal(await call(`/api/documents/${id}/pages/1/words`))).toEqual(notFound)
	})

	test('gets words when it is converted again', async () => {
		const id = await older()
		await command(id, { action: 'start', forceReconvert: true })
		await convertAll(id, 5)
		expect(await bytesAt((await manifestOf(id)).pages[0]?.wordsUrl)).toBe(wordsOf(1))
	})
})
