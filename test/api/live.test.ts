import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { socketMessageSchema, ticketSchema } from '../../src/core/protocol.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { call, convertAll, finish, gate, leaseOf, refusal, tokenFor, uploaded } from './service.ts'

async function ticketFor(id: string): Promise<string> {
	const response = await call(`/api/documents/${id}/conversion-ticket`, { method: 'POST' })
	return ticketSchema.parse(await response.json()).ticket
}

function connect(id: string, ticket: string): Promise<Response> {
	const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': `platen.v1, ticket.${ticket}` }
	return call(`/api/documents/${id}/conversion-live`, { token: null, headers })
}

/** A socket whose snapshots are collected. */
function listen(response: Response) {
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

afterEach(() => {
	vi.useRealTimers()
})

describe('a progress socket', () => {
	test('says how things stand, then every change, with rising versions and percent, and 100 last', async () => {
		const { document } = await uploaded()
		const response = await connect(document.id, await ticketFor(document.id))
		expect(response.status).toBe(101)
		expect(response.headers.get('Sec-WebSocket-Protocol')).toBe('platen.v1')
		const { snapshots, socket } = listen(response)
		await expect.poll(() => snapshots.length).toBe(1)
		expect(snapshots[0]?.status).toBe('queued')
		await convertAll(document.id, 40)
		await expect.poll(() => snapshots.at(-1)?.status).toBe('completed')
		const versions = snapshots.map(({ version }) => version)
		const percents = snapshots.map(({ progress }) => progress)
		expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other))
		expect(percents).toEqual(percents.toSorted((one, other) => one - other))
		expect(percents.indexOf(100)).toBe(percents.length - 1)
		expect(snapshots.map(({ status }) => status)).toContain('processing')
		socket.close()
	})

	test('tells the last of many quick changes, not all of them', async () => {
		const { document } = await uploaded()
		const lease = await leaseOf(document.id)
		await gate.opened({ documentId: document.id, fence: lease.fence, pageCount: 17 })
		const finished = await finish(lease, { more: true })
		if (finished.verdict === 'stop' || !finished.next) throw new Error('there should be more')
		const { snapshots, socket } = listen(await connect(document.id, await ticketFor(document.id)))
		const { fence } = finished.next
		for (let rendered = 1; rendered <= 16; rendered++) await gate.report({ documentId: document.id, fence, rendered })
		await expect.poll(() => snapshots.at(-1)?.processedPages).toBe(17)
		expect(snapshots.length).toBeLessThan(10)
		socket.close()
	})

	test('lives on when its object is evicted, and answers ping', async () => {
		const { document } = await uploaded()
		const { snapshots, socket, texts } = listen(await connect(document.id, await ticketFor(document.id)))
		await evictDurableObject(env.DOCUMENTS.get(env.DOCUMENTS.idFromName(document.id)))
		socket.send('ping')
		await expect.poll(() => texts.at(-1)).toBe('pong')
		await leaseOf(document.id)
		await expect.poll(() => snapshots.at(-1)?.status).toBe('processing')
		socket.close()
	})

	test('is closed when its client says anything but ping', async () => {
		const { document } = await uploaded()
		const { socket, closes } = listen(await connect(document.id, await ticketFor(document.id)))
		socket.send('hello')
		await expect.poll(() => closes).toEqual([1008])
	})

	test('lets a client go that closes', async () => {
		const { document } = await uploaded()
		const { socket, closes, snapshots } = listen(await connect(document.id, await ticketFor(document.id)))
		await expect.poll(() => snapshots.length).toBe(1)
		socket.close(1000)
		await expect.poll(() => closes.length).toBe(1)
	})

	test('ends with its token', async () => {
		const { document } = await uploaded()
		const token = await tokenFor({ sub: 'alice' }, { expires: '5s' })
		const path = `/api/documents/${document.id}/conversion-live`
		const { closes, snapshots } = listen(await call(path, { token, headers: { Upgrade: 'websocket' } }))
		await expect.poll(() => snapshots.length).toBe(1)
		vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6_000 })
		await leaseOf(document.id)
		await expect.poll(() => closes).toEqual([4401])
		expect(snapshots).toHaveLength(1)
	})
})

describe('a ticket', () => {
	test('works once', async () => {
		const { document } = await uploaded()
		const ticket = await ticketFor(document.id)
		const first = await connect(document.id, ticket)
		listen(first).socket.close()
		expect(first.status).toBe(101)
		expect(await refusal(await connect(document.id, ticket))).toEqual({ status: 401, code: 'unauthorized' })
	})

	test('works for its own document only, for half a minute, and only if it is one', async () => {
		const [one, other] = [await uploaded(), await uploaded()]
		expect((await connect(other.document.id, await ticketFor(one.document.id))).status).toBe(401)
		expect((await connect(one.document.id, 'guessed')).status).toBe(401)
		const ticket = await ticketFor(one.document.id)
		vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30_001 })
		expect((await connect(one.document.id, ticket)).status).toBe(401)
	})

	test('is not needed by a client that can send its token', async () => {
		const { document } = await uploaded()
		const path = `/api/documents/${document.id}/conversion-live`
		const response = await call(path, { headers: { Upgrade: 'websocket' } })
		expect(response.status).toBe(101)
		listen(response).socket.close()
		expect(await refusal(await call(path))).toEqual({ status: 426, code: 'upgrade_required' })
	})
})
