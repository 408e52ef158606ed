import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { TOMBSTONE_KEPT } from '../../src/core/job/rules/life.ts'
import { documentListSchema, ticketSchema } from '../../src/core/protocol.ts'
import {
	alarmOf,
	contentOf,
	documentRow,
	evict,
	filesOf,
	HOUR,
	jobRows,
	later,
	objectOf,
	ring,
	rowsOf,
	tablesOf,
	waitingOf,
} from './inside.ts'
import {
	alice,
	bob,
	call,
	command,
	convertAll,
	erase,
	finish,
	finishAndGoOn,
	gate,
	manifestOf,
	open,
	PDF,
	refusal,
	standing,
	statusOf,
	tokenFor,
	upload,
	uploaded,
} from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

const notFound = { status: 404, code: 'not_found' }

async function listed(token = alice): Promise<string[]> {
	return documentListSchema.parse(await (await call('/api/documents', { token })).json()).items.map(({ id }) => id)
}

/** Everything that could show that there is, or was, such a document. */
async function answersOf(id: string) {
	const routes = [
		['GET', ''],
		['GET', '/conversion-status'],
		['GET', '/conversion-status?since=0&wait=5'],
		['POST', '/conversion-status', '{"action":"start","onActive":"replace"}'],
		['POST', '/conversion-status', '{"action":"retry"}'],
		['POST', '/conversion-status', '{"action":"cancel"}'],
		['POST', '/conversion-ticket'],
		['GET', '/conversion-live'],
		['GET', '/conversions'],
		['GET', '/pages'],
		['GET', '/pages/1'],
		['GET', '/pages/1/thumbnail'],
		['GET', '/pages/1/text'],
		['GET', '/pages/1/words'],
		['GET', '/text'],
		['GET', '/source'],
		['DELETE', ''],
	] as const
	return await Promise.all(
		routes.map(async ([method, path, body = null]) => {
			const headers = path === '/conversion-live' ? { Upgrade: 'websocket' } : {}
			return await refusal(await call(`/api/documents/${id}${path}`, { method, body, headers }))
		}),
	)
}

describe('an erased document', () => {
	test('is not there any more: no status, no page, no command, also when its object wakes anew', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 3)
		const { pages } = await manifestOf(document.id)
		const addresses = pages.flatMap(({ imageUrl, thumbnailUrl, textUrl, wordsUrl }) => [
			imageUrl,
			thumbnailUrl,
			textUrl,
			wordsUrl,
		])
		expect(addresses).toHaveLength(12)
		const response = await erase(document.id)
		expect(response.status).toBe(204)
		expect(await response.text()).toBe('')
		for (const answer of await answersOf(document.id)) expect(answer).toEqual(notFound)
		await expect.poll(() => filesOf(document.id)).toEqual([])
		for (const address of addresses) {
			expect(await refusal(await call(address ?? '', { token: null }))).toEqual(notFound)
		}
		await evict(document.id)
		for (const answer of await answersOf(document.id)) expect(answer).toEqual(notFound)
	})

	test('leaves no object in R2, neither its source nor packs of jobs before', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 3)
		await command(document.id, { action: 'start', forceReconvert: true })
		await finishAndGoOn(await open(document.id, 40))
		expect((await filesOf(document.id)).length).toBe(4)
		await erase(document.id)
		await expect.poll(() => filesOf(document.id)).toEqual([])
		expect(await rowsOf(document.id, 'pack')).toEqual([])
	})

	test('is not in the list, and its row says who and when, and not what it was called', async () => {
		const { document } = await uploaded({ headers: { 'X-Filename': 'secret.pdf' } })
		await convertAll(document.id, 1)
		await expect.poll(() => listed()).toContain(document.id)
		const before = Date.now()
		await erase(document.id)
		await expect.poll(() => listed()).not.toContain(document.id)
		const row = await documentRow(document.id)
		expect(row).toMatchObject({ sub: 'alice', name: '', external_id: null, status: 'completed' })
		expect(row?.erased_at).toBeGreaterThanOrEqual(before)
		expect(await jobRows(document.id)).toMatchObject([{ number: 1, status: 'completed' }])
	})

	test('keeps no name in its object either', async () => {
		const { document } = await uploaded({ headers: { 'X-Filename': 'secret.pdf', 'Idempotency-Key': 'secret-key' } })
		await command(document.id, { action: 'cancel' }, { headers: { 'Idempotency-Key': 'secret-command' } })
		await erase(document.id)
		const dump = await contentOf(document.id)
		expect(dump).toContain(document.id)
		expect(dump).not.toContain('secret')
	})

	test('ends its job as cancelled, in the history and in the lineup', async () => {
		const { document } = await uploaded()
		await expect.poll(() => waitingOf(document.id)).not.toBeNull()
		await erase(document.id)
		await expect.poll(() => waitingOf(document.id)).toBeNull()
		await expect.poll(() => jobRows(document.id)).toMatchObject([{ number: 1, status: 'cancelled' }])
		expect((await jobRows(document.id))[0]?.completed_at).not.toBeNull()
	})

	test('closes its sockets with 1008, and its tickets let nobody in', async () => {
		const { document } = await uploaded()
		const path = `/api/documents/${document.id}`
		const ticketed = await call(`${path}/conversion-ticket`, { method: 'POST' })
		const { ticket } = ticketSchema.parse(await ticketed.json())
		const closes: number[] = []
		for (let count = 0; count < 3; count++) {
			const { webSocket } = await call(`${path}/conversion-live`, { headers: { Upgrade: 'websocket' } })
			webSocket?.addEventListener('close', ({ code }) => closes.push(code))
			webSocket?.accept()
		}
		await evictDurableObject(objectOf(document.id))
		await erase(document.id)
		await expect.poll(() => closes).toEqual([1008, 1008, 1008])
		const protocols = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': `platen.v1, ticket.${ticket}` }
		expect((await call(`${path}/conversion-live`, { token: null, headers: protocols })).status).toBe(401)
	})

	test('ends a status read that waits for news', async () => {
		const { document } = await uploaded()
		const { version } = await standing(document.id)
		const waiting = call(`/api/documents/${document.id}/conversion-status?since=${version}&wait=25`)
		await erase(document.id)
		expect(await refusal(await waiting)).toEqual(notFound)
	})
})

describe('a document is erased', () => {
	test('by whoever may manage it, and by nobody else', async () => {
		const { document } = await uploaded()
		const reader = await tokenFor({ sub: 'reader', documents: { [document.id]: 'read' } })
		for (const token of [bob, reader, await tokenFor({ sub: 'alice', tenant: 'elsewhere' })]) {
			expect(await refusal(await erase(document.id, { token }))).toEqual(notFound)
		}
		expect((await erase(document.id, { token: null })).status).toBe(401)
		expect((await statusOf(document.id)).status).toBe('queued')
		const manager = await tokenFor({ sub: 'manager', documents: { [document.id]: 'manage' } })
		expect((await erase(document.id, { token: manager })).status).toBe(204)
	})

	test('also before it was ever converted', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		expect((await erase(document.id)).status).toBe(204)
		await expect.poll(() => filesOf(document.id)).toEqual([])
		await expect.poll(async () => (await documentRow(document.id))?.erased_at).toEqual(expect.any(Number))
	})

	test('at once, also when R2 and the history are away, which hear of it when they are back', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 1)
		await expect.poll(() => jobRows(document.id)).toMatchObject([{ status: 'completed' }])
		const remove = vi.spyOn(Object.getPrototypeOf(env.FILES), 'delete').mockRejectedValue(new Error('away'))
		const batch = vi.spyOn(Object.getPrototypeOf(env.HISTORY), 'batch').mockRejectedValue(new Error('away'))
		expect((await erase(document.id)).status).toBe(204)
		expect(await refusal(await call(`/api/documents/${document.id}/conversion-status`))).toEqual(notFound)
		await expect.poll(() => [remove.mock.calls.length, batch.mock.calls.length]).toEqual([1, 1])
		expect(await filesOf(document.id)).toHaveLength(2)
		await evict(document.id)
		vi.restoreAllMocks()
		later(2 * 60_000)
		await ring(document.id)
		await expect.poll(() => filesOf(document.id)).toEqual([])
		await expect.poll(async () => (await documentRow(document.id))?.name).toBe('')
	})
})

describe('what comes late does not bring an erased document back:', () => {
	/** A document that was erased while a converter was at work on it. */
	async function erasedUnderWay(key?: string) {
		later(0)
		const headers = key === undefined ? {} : { 'Idempotency-Key': key }
		const { document } = await uploaded({ headers })
		const lease = await finishAndGoOn(await open(document.id, 17))
		await erase(document.id)
		await expect.poll(() => filesOf(document.id)).toEqual([])
		return { id: document.id, lease }
	}

	async function isGone(id: string): Promise<void> {
		expect(await refusal(await call(`/api/documents/${id}/conversion-status`))).toEqual(notFound)
		expect(await listed()).not.toContain(id)
		await expect.poll(async () => (await documentRow(id))?.name).toBe('')
	}

	test('reports, sources, leases, finishes and failures', async () => {
		const { id, lease } = await erasedUnderWay()
		const holder = { documentId: id, fence: lease.fence }
		expect(await gate.report({ ...holder, rendered: 3 })).toBe('stop')
		expect(await gate.opened({ ...holder, pageCount: 17 })).toBe('stop')
		expect(await gate.source(holder)).toBeNull()
		expect(await gate.lease({ documentId: id, jobId: lease.jobId })).toBeNull()
		expect(await finish(lease)).toEqual({ verdict: 'stop' })
		expect(await finish({ ...lease, fence: 1, pages: { first: 1, last: 1 } })).toEqual({ verdict: 'stop' })
		expect(await gate.fail({ ...holder, code: 'internal' })).toBe('stop')
		await ring(id)
		await evict(id)
		await ring(id)
		await isGone(id)
		expect(await rowsOf(id, 'pack')).toEqual([])
	})

	test('an upload with the key it came with', async () => {
		const { id } = await erasedUnderWay('erased')
		const again = await upload(PDF, { headers: { 'Idempotency-Key': 'erased' } })
		expect(await refusal(again)).toEqual({ status: 409, code: 'conflict' })
		await isGone(id)
		expect(await filesOf(id)).toEqual([])
	})

	test('a pack that is stored after the first sweep, for an hour later it is swept again', async () => {
		const { id, lease } = await erasedUnderWay()
		await finish(lease)
		expect(await filesOf(id)).toEqual([`pack-${lease.fence}.zip`])
		later(HOUR - 1)
		await ring(id)
		expect(await filesOf(id)).toHaveLength(1)
		later(2)
		await evict(id)
		await ring(id)
		await expect.poll(() => filesOf(id)).toEqual([])
	})

	test('a pack whose converter died before it could say so', async () => {
		const { id, lease } = await erasedUnderWay()
		await env.FILES.put(`${id}/pack-${lease.fence}.zip`, 'late')
		later(HOUR + 1)
		await ring(id)
		await expect.poll(() => filesOf(id)).toEqual([])
	})

	test('a pack that is stored after the second sweep', async () => {
		const { id, lease } = await erasedUnderWay()
		later(HOUR + 1)
		await ring(id)
		await finish(lease)
		expect(await filesOf(id)).toHaveLength(1)
		later(HOUR + 1)
		await ring(id)
		await expect.poll(() => filesOf(id)).toEqual([])
	})
})

describe('after its time a tombstone', () => {
	async function forgotten(key: string) {
		later(0)
		const { document } = await uploaded({ headers: { 'Idempotency-Key': key } })
		const lease = await finishAndGoOn(await open(document.id, 17))
		await erase(document.id)
		await expect.poll(() => filesOf(document.id)).toEqual([])
		later(HOUR + 1)
		await ring(document.id)
		expect(await tablesOf(document.id)).toEqual(['record'])
		await expect.poll(() => alarmOf(document.id)).toBeGreaterThan(Date.now() + TOMBSTONE_KEPT - 2 * HOUR)
		later(TOMBSTONE_KEPT - 2 * HOUR)
		await ring(document.id)
		expect(await tablesOf(document.id)).toEqual(['record'])
		later(2 * HOUR)
		await ring(document.id)
		return { id: document.id, lease }
	}

	test('is gone too: its object holds nothing, and nothing wakes it', async () => {
		const { id } = await forgotten('nothing-left')
		expect(await tablesOf(id)).toEqual([])
		expect(await alarmOf(id)).toBeNull()
		await evict(id)
		expect(await tablesOf(id)).toEqual([])
		expect((await call(`/api/documents/${id}/conversion-status`)).status).toBe(404)
		// The history keeps it, for its jobs still count.
		expect(await documentRow(id)).toMatchObject({ name: '' })
	})

	test('still lets nothing in that comes late', async () => {
		const { id, lease } = await forgotten('late')
		expect(await finish(lease)).toEqual({ verdict: 'stop' })
		expect(await gate.report({ documentId: id, fence: lease.fence, rendered: 3 })).toBe('stop')
		expect(await gate.lease({ documentId: id, jobId: lease.jobId })).toBeNull()
		expect(await filesOf(id)).toEqual([])
		expect(await tablesOf(id)).toEqual([])
	})

	test('makes room for an upload with the same key', async () => {
		const { id } = await forgotten('again')
		const { document, conversion } = await uploaded({ headers: { 'Idempotency-Key': 'again' } })
		expect(document.id).toBe(id)
		expect(conversion.status).toBe('queued')
		await convertAll(id, 2)
		expect((await manifestOf(id)).pages).toHaveLength(2)
		await expect.poll(() => listed()).toContain(id)
		await expect.poll(() => jobRows(id)).toMatchObject([{ status: 'completed', total_pages: 2 }])
	})
})

test('an id that is asked to be erased and never was a document stores nothing', async () => {
	const id = crypto.randomUUID()
	expect(await refusal(await erase(id))).toEqual(notFound)
	expect(await tablesOf(id)).toEqual([])
})
