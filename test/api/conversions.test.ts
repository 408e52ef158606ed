import { afterEach, describe, expect, test, vi } from 'vitest'
import { type ConversionList, conversionListSchema } from '../../src/core/conversions.ts'
import { evict, later, loseLeases, MINUTE, SECOND } from './inside.ts'
import {
	bob,
	type Call,
	call,
	commanded,
	convertAll,
	finish,
	finishAndGoOn,
	gate,
	leaseOf,
	open,
	refusal,
	statusOf,
	tokenFor,
	uploaded,
} from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

async function conversionsOf(id: string, query = '', options: Call = {}): Promise<ConversionList> {
	const response = await call(`/api/documents/${id}/conversions${query}`, options)
	expect(response.status).toBe(200)
	// Whatever comes is what the contract says, and nothing else.
	const body = await response.json()
	const parsed = conversionListSchema.parse(body)
	expect(parsed).toEqual(body)
	return parsed
}

async function typesOf(id: string): Promise<string[]> {
	return (await conversionsOf(id)).items[0]?.events.map(({ type }) => type) ?? []
}

describe('the conversions of a document', () => {
	test('are none before the first', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		expect(await conversionsOf(document.id)).toEqual({ items: [], nextCursor: null })
	})

	test('say of each what its snapshot said', async () => {
		later(0)
		const { document } = await uploaded({ query: '?quality=high' })
		await convertAll(document.id, 20)
		const snapshot = await statusOf(document.id)
		const { items } = await conversionsOf(document.id)
		expect(items).toEqual([
			{
				jobId: snapshot.jobId,
				status: 'completed',
				priority: 'normal',
				requestedPriority: 'normal',
				options: { quality: 'high' },
				createdAt: snapshot.createdAt,
				startedAt: snapshot.startedAt,
				firstPageAt: snapshot.firstPageAt,
				completedAt: snapshot.completedAt,
				totalPages: 20,
				processedPages: 20,
				failedPageCount: 0,
				retryCount: 0,
				maxRetries: 3,
				failure: null,
				estimates: { waiting: expect.toBeOneOf([null, expect.anything()]), processing: expect.anything() },
				events: [
					{ type: 'accepted', at: snapshot.createdAt },
					{ type: 'started', at: snapshot.startedAt },
					{ type: 'opened', at: expect.any(String), pageCount: 20 },
					{ type: 'first_page_ready', at: snapshot.firstPageAt },
					{ type: 'completed', at: snapshot.completedAt },
				],
				eventsOmitted: 0,
			},
		])
	})

	test('come newest first, each as it ended, and page by page', async () => {
		const { document } = await uploaded()
		await commanded(document.id, { action: 'cancel' })
		await commanded(document.id, { action: 'start', priority: 'low', options: { quality: 'low', pages: '1-3' } })
		await commanded(document.id, { action: 'start', onActive: 'replace' })
		const { fence } = await leaseOf(document.id)
		await gate.fail({ documentId: document.id, fence, code: 'invalid_document' })
		await commanded(document.id, { action: 'retry' })
		const all = await conversionsOf(document.id)
		expect(all.items.map(({ status }) => status)).toEqual(['queued', 'failed', 'cancelled', 'cancelled'])
		expect(all.items[2]).toMatchObject({ priority: 'low', options: { quality: 'low', pages: '1-3' } })
		expect(all.items[1]).toMatchObject({ failure: { code: 'invalid_document', retryable: false } })
		expect(all.nextCursor).toBeNull()
		const first = await conversionsOf(document.id, '?limit=3')
		expect(first.items).toEqual(all.items.slice(0, 3))
		// What comes in between is no reason to show one twice.
		await commanded(document.id, { action: 'start', onActive: 'replace' })
		const second = await conversionsOf(document.id, `?limit=3&cursor=${first.nextCursor}`)
		expect(second).toEqual({ items: all.items.slice(3), nextCursor: null })
		expect((await conversionsOf(document.id, '?limit=1')).items).toMatchObject([{ status: 'queued' }])
		await evict(document.id)
		expect((await conversionsOf(document.id)).items.slice(1)).toMatchObject([
			{ status: 'cancelled' },
			...all.items.slice(1),
		])
	})

	test('know what only memory knows of the one that runs', async () => {
		const { document } = await uploaded()
		const lease = await finishAndGoOn(await open(document.id, 17))
		await gate.report({ documentId: document.id, fence: lease.fence, rendered: 5 })
		expect((await conversionsOf(document.id)).items).toMatchObject([{ status: 'processing', processedPages: 6 }])
	})

	test('are for those who may see the document', async () => {
		const { document } = await uploaded()
		const path = `/api/documents/${document.id}/conversions`
		expect(await refusal(await call(path, { token: bob }))).toEqual({ status: 404, code: 'not_found' })
		expect(await refusal(await call(path, { token: null }))).toEqual({ status: 401, code: 'unauthorized' })
		const reader = await tokenFor({ sub: 'reader', documents: { [document.id]: 'read' } })
		expect((await conversionsOf(document.id, '', { token: reader })).items).toHaveLength(1)
		const nothing = `/api/documents/${crypto.randomUUID()}/conversions`
		expect(await refusal(await call(nothing))).toEqual({ status: 404, code: 'not_found' })
	})

	test.each(['?limit=0', '?limit=101', '?limit=1e1', '?cursor=0', '?cursor=-1', '?cursor=x'])(
		'are refused with %s',
		async (query) => {
			const { document } = await uploaded({ query: '?convert=false' })
			const response = await call(`/api/documents/${document.id}/conversions${query}`)
			expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
		},
	)
})

describe('the events of a conversion', () => {
	test('say what was lost and why, what was taken apart, and which pages were given up', async () => {
		later(0)
		const { document } = await uploaded({ query: '?convert=false' })
		await commanded(document.id, { action: 'start', maxRetries: 2 })
		const second = await finishAndGoOn(await open(document.id, 5))
		later(SECOND)
		await gate.fail({ documentId: document.id, fence: second.fence, code: 'internal' })
		later(MINUTE)
		await leaseOf(document.id)
		await loseLeases(document.id)
		for (const page of [2, 3]) expect((await finish(await leaseOf(document.id))).verdict, `${page}`).toBe('go on')
		const lease = await leaseOf(document.id)
		await gate.finish(
			{
				documentId: document.id,
				fence: lease.fence,
				through: 4,
				failed: [{ page: 4, code: 'out_of_memory' }],
				pack: null,
				more: false,
			},
			null,
		)
		await leaseOf(document.id)
		await loseLeases(document.id)
		const [job] = (await conversionsOf(document.id)).items
		expect(job).toMatchObject({ status: 'completed', failedPageCount: 2, retryCount: 2 })
		expect(job?.events.map(({ at, ...event }) => event)).toEqual([
			{ type: 'accepted' },
			{ type: 'started' },
			{ type: 'opened', pageCount: 5 },
			{ type: 'first_page_ready' },
			{ type: 'chunk_lost', pages: '2-5', code: 'internal' },
			{ type: 'chunk_split', pages: '2-5', code: 'converter_lost' },
			{ type: 'pages_failed', pages: '4', code: 'out_of_memory' },
			{ type: 'pages_failed', pages: '5', code: 'converter_lost' },
			{ type: 'completed' },
		])
		const times = job?.events.map(({ at }) => at) ?? []
		expect(times).toEqual(times.toSorted())
		await evict(document.id)
		expect((await conversionsOf(document.id)).items[0]).toEqual(job)
	})

	test('tell a document that cannot be opened from one that waits', async () => {
		const { document } = await uploaded()
		expect(await typesOf(document.id)).toEqual(['accepted'])
		const { fence } = await leaseOf(document.id)
		expect(await typesOf(document.id)).toEqual(['accepted', 'started'])
		await gate.fail({ documentId: document.id, fence, code: 'password_required' })
		const { items } = await conversionsOf(document.id)
		expect(items[0]?.events.at(-1)).toMatchObject({ type: 'failed', code: 'password_required' })
		expect(await typesOf(document.id)).toEqual(['accepted', 'started', 'failed'])
	})
})
