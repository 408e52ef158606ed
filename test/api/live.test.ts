import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DocumentObject } from '../../src/api/document/object.ts'
import { ticketSchema } from '../../src/core/protocol.ts'
import { snapshotSchema } from '../../src/core/snapshot.ts'
import { evict, later, MINUTE, objectOf, SECOND } from './inside.ts'
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
	listen,
	open,
	refusal,
	standing,
	tokenFor,
	uploaded,
} from './service.ts'

async function ticketFor(id: string): Promise<string> {
	const response = await call(`/api/documents/${id}/conversion-ticket`, { method: 'POST' })
	return ticketSchema.parse(await response.json()).ticket
}

function connect(id: string, ticket: string): Promise<Response> {
	const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': `platen.v1, ticket.${ticket}` }
	return call(`/api/documents/${id}/conversion-live`, { token: null, headers })
}

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
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
		const { fence } = await finishAndGoOn(lease)
		const { snapshots, socket } = listen(await connect(document.id, await ticketFor(document.id)))
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

describe('a reader', () => {
	/** A socket that was opened a minute ago and has seen its first snapshot. */
	async function openedAMinuteAgo() {
		later(-MINUTE - SECOND)
		const { document } = await uploaded()
		const reader = listen(await connect(document.id, await ticketFor(document.id)))
		await expect.poll(() => reader.snapshots.length).toBe(1)
		return { id: document.id, ...reader }
	}

	test('that has not pinged for a minute is closed with 1013 at the next snapshot, and does not get it', async () => {
		const { id, closes, snapshots } = await openedAMinuteAgo()
		vi.useRealTimers()
		expect(closes).toEqual([])
		await leaseOf(id)
		await expect.poll(() => closes).toEqual([1013])
		expect(snapshots).toHaveLength(1)
	})

	test('that pings goes on, also when the object has slept', async () => {
		const { id, closes, snapshots, socket, texts } = await openedAMinuteAgo()
		socket.send('ping')
		await expect.poll(() => texts.at(-1)).toBe('pong')
		vi.useRealTimers()
		await leaseOf(id)
		await expect.poll(() => snapshots.at(-1)?.status).toBe('processing')
		await evict(id)
		await commanded(id, { action: 'cancel' })
		await expect.poll(() => snapshots.at(-1)?.status).toBe('cancelled')
		expect(closes).toEqual([])
		socket.close()
	})

	test('that does not ping costs the others nothing', async () => {
		const { id, closes } = await openedAMinuteAgo()
		vi.useRealTimers()
		const other = listen(await connect(id, await ticketFor(id)))
		await leaseOf(id)
		await expect.poll(() => other.snapshots.at(-1)?.status).toBe('processing')
		expect(other.closes).toEqual([])
		await expect.poll(() => closes).toEqual([1013])
		other.socket.close()
	})

	test('that has come by a ticket ends with the token that the ticket was for', async () => {
		const { document } = await uploaded()
		const token = await tokenFor({ sub: 'alice' }, { expires: '5s' })
		const issued = await call(`/api/documents/${document.id}/conversion-ticket`, { method: 'POST', token })
		const { ticket } = ticketSchema.parse(await issued.json())
		const { closes, snapshots } = listen(await connect(document.id, ticket))
		await expect.poll(() => snapshots.length).toBe(1)
		later(6 * SECOND)
		await evict(document.id)
		await leaseOf(document.id)
		await expect.poll(() => closes).toEqual([4401])
		expect(snapshots).toHaveLength(1)
	})

	test('sees a retry on the same socket, and versions that only rise', async () => {
		const { document } = await uploaded()
		const { snapshots, socket } = listen(await connect(document.id, await ticketFor(document.id)))
		await finishAndGoOn(await open(document.id, 3))
		await commanded(document.id, { action: 'cancel' })
		await evict(document.id)
		const { snapshot } = await commanded(document.id, { action: 'retry' })
		await finish(await leaseOf(document.id), { more: true })
		await expect.poll(() => snapshots.at(-1)?.status).toBe('completed')
		expect(snapshots.at(-1)?.jobId).toBe(snapshot.jobId)
		const versions = snapshots.map(({ version }) => version)
		expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other))
		expect(snapshots.map(({ status }) => status)).toContain('cancelled')
		socket.close()
	})
})

describe('a status read that waits', () => {
	const read = (id: string, since: number, wait: number, options: Call = {}) =>
		call(`/api/documents/${id}/conversion-status?since=${since}&wait=${wait}`, options)

	function socketsOf(id: string): Promise<number> {
		return runInDurableObject(objectOf(id), (_, state) => state.getWebSockets().length)
	}

	test('is answered as soon as there is news', async () => {
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		const waiting = read(document.id, conversion.version, 25)
		await expect.poll(() => socketsOf(document.id)).toBe(1)
		const begun = performance.now()
		await leaseOf(document.id)
		const response = await waiting
		expect(performance.now() - begun).toBeLessThan(2_000)
		expect(response.status).toBe(200)
		const snapshot = snapshotSchema.parse(await response.json())
		expect(snapshot).toMatchObject({ status: 'processing' })
		expect(snapshot.version).toBeGreaterThan(conversion.version)
		expect(response.headers.get('ETag')).toBe(`"${snapshot.version}"`)
		// Nothing of it is left in the object.
		await expect.poll(() => socketsOf(document.id)).toBe(0)
	})

	test('is answered at once when there is news already', async () => {
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		const response = await read(document.id, conversion.version - 1, 25)
		expect(await response.json()).toEqual(conversion)
		await expect.poll(() => socketsOf(document.id)).toBe(0)
	})

	test('is answered after its time with what there is', async () => {
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		const response = await read(document.id, conversion.version, 0.2)
		expect(response.status).toBe(200)
		expect(await response.json()).toEqual(conversion)
		const headers = { 'If-None-Match': response.headers.get('ETag') ?? '' }
		expect((await read(document.id, conversion.version, 0.2, { headers })).status).toBe(304)
		await expect.poll(() => socketsOf(document.id)).toBe(0)
	})

	test('does not wait when it is not told how long', async () => {
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		const response = await call(`/api/documents/${document.id}/conversion-status?since=${conversion.version}`)
		expect(await response.json()).toEqual(conversion)
		expect((await read(document.id, conversion.version, 0)).status).toBe(200)
	})

	test('is not there for others, and not without a token', async () => {
		const { document, conversion } = await uploaded()
		expect(await refusal(await read(document.id, conversion.version, 25, { token: bob }))).toEqual({
			status: 404,
			code: 'not_found',
		})
		expect((await read(document.id, conversion.version, 25, { token: null })).status).toBe(401)
		expect((await read(crypto.randomUUID(), 0, 25)).status).toBe(404)
		const reader = await tokenFor({ sub: 'reader', documents: { [document.id]: 'read' } })
		expect((await read(document.id, 0, 25, { token: reader })).status).toBe(200)
	})

	test.each(['since=-1&wait=1', 'since=x&wait=1', 'since=1&wait=26', 'since=1&wait=-1', 'since=1.5&wait=1'])(
		'is refused when it asks for nonsense: %s',
		async (query) => {
			const { document } = await uploaded()
			const response = await call(`/api/documents/${document.id}/conversion-status?${query}`)
			expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
		},
	)

	test('leaves no call pending in the object, which can sleep over it', async () => {
		let pending = 0
		const fetch = DocumentObject.prototype.fetch
		vi.spyOn(DocumentObject.prototype, 'fetch').mockImplementation(async function (this: DocumentObject, request) {
			pending += 1
			return await fetch.call(this, request).finally(() => {
				pending -= 1
			})
		})
		// One that waits for a converter has news when it wakes.
		const { document, conversion } = await uploaded({ query: '?convert=false' })
		const waiting = read(document.id, conversion.version, 25)
		await expect.poll(() => socketsOf(document.id)).toBe(1)
		expect(pending).toBe(0)
		await evict(document.id)
		await commanded(document.id, { action: 'start' })
		expect(await (await waiting).json()).toMatchObject({ status: 'queued' })
	})

	test('is answered for many at once, each with the same', async () => {
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		const waiting = Array.from({ length: 20 }, () => read(document.id, conversion.version, 25))
		await expect.poll(() => socketsOf(document.id)).toBe(20)
		await leaseOf(document.id)
		const versions = await Promise.all(
			waiting.map(async (answer) => snapshotSchema.parse(await (await answer).json()).version),
		)
		expect(new Set(versions).size).toBe(1)
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
