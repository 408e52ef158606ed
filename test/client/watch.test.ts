import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Client, StatusQuery } from '../../src/client/client.ts'
import { PlatenError } from '../../src/client/error.ts'
import { type Connection, type WatchOptions, watch } from '../../src/client/watch.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { DOCUMENT, type FakeSocket, fakeClient, fakeSockets, snapshotWith } from './fixtures.ts'

beforeEach(() => {
	vi.useFakeTimers()
})
afterEach(() => {
	vi.useRealTimers()
})

const unreachable = new PlatenError('network', null, 'The service cannot be reached.')

function watched(methods: Partial<Client> = {}, options: WatchOptions = {}) {
	const { opened, openSocket } = fakeSockets()
	const versions: number[] = []
	const connections: Connection[] = []
	let tickets = 0
	const client = fakeClient({
		ticket: async () => ({ ticket: `t${++tickets}`, expiresAt: '2026-10-20T12:00:30.000Z' }),
		status: async () => {
			throw unreachable
		},
		...methods,
	})
	const stop = watch(
		client,
		DOCUMENT,
		({ version }: Snapshot) => versions.push(version),
		(connection) => connections.push(connection),
		{ openSocket, random: () => 0.5, ...options },
	)
	return { opened, versions, connections, stop, tickets: () => tickets }
}

async function pass(milliseconds: number): Promise<void> {
	await vi.advanceTimersByTimeAsync(milliseconds)
}

/** The socket that was opened as the n-th, from 0. */
function socketOf(opened: FakeSocket[], index: number): FakeSocket {
	const socket = opened[index]
	if (!socket) throw new Error(`Socket ${index} was not opened`)
	return socket
}

test('the socket is opened with the protocol and the ticket, and is live with its first snapshot', async () => {
	const { opened, connections } = watched()
	await pass(0)
	expect(socketOf(opened, 0).protocols).toEqual(['platen.v1', 'ticket.t1'])
	expect(connections).toEqual(['connecting'])
	socketOf(opened, 0).tell(snapshotWith())
	expect(connections).toEqual(['connecting', 'live'])
})

test('only rising versions are told', async () => {
	const { opened, versions } = watched({}, { since: 900 })
	await pass(0)
	for (const version of [900, 1000, 1001, 1000, 999, 1001, 2000]) socketOf(opened, 0).tell(snapshotWith({ version }))
	expect(versions).toEqual([1000, 1001, 2000])
})

test('what is no message of the protocol is passed over', async () => {
	const { opened, versions } = watched()
	await pass(0)
	for (const data of ['pong', 'no json', '{"type":"news"}', new Uint8Array(2)]) socketOf(opened, 0).say(data)
	socketOf(opened, 0).tell(snapshotWith())
	expect(versions).toEqual([1000])
})

test('it ends by itself when the conversion is settled', async () => {
	const { opened, versions, tickets } = watched()
	await pass(0)
	socketOf(opened, 0).tell(snapshotWith({ version: 2000, status: 'completed' }))
	expect(socketOf(opened, 0).isClosed).toBe(true)
	socketOf(opened, 0).tell(snapshotWith({ version: 3000 }))
	socketOf(opened, 0).drop(1000)
	await pass(120_000)
	expect({ versions, tickets: tickets(), timers: vi.getTimerCount() }).toEqual({
		versions: [2000],
		tickets: 1,
		timers: 0,
	})
})

test('a settled conversion ends it even when its version is known already', async () => {
	const { opened, versions } = watched({}, { since: 2000 })
	await pass(0)
	socketOf(opened, 0).tell(snapshotWith({ version: 2000, status: 'failed' }))
	expect({ versions, isClosed: socketOf(opened, 0).isClosed }).toEqual({ versions: [], isClosed: true })
})

test('an older settled snapshot does not end it', async () => {
	const { opened } = watched({}, { since: 2000 })
	await pass(0)
	socketOf(opened, 0).tell(snapshotWith({ version: 1999, status: 'failed' }))
	expect(socketOf(opened, 0).isClosed).toBe(false)
})

test('a lost socket is replaced by one with a fresh ticket', async () => {
	const { opened, versions } = watched()
	await pass(0)
	socketOf(opened, 0).tell(snapshotWith({ version: 1000 }))
	socketOf(opened, 0).drop(4401)
	await pass(499)
	expect(opened).toHaveLength(1)
	await pass(1)
	expect(socketOf(opened, 1).protocols).toContain('ticket.t2')
	socketOf(opened, 1).tell(snapshotWith({ version: 1001 }))
	socketOf(opened, 0).tell(snapshotWith({ version: 5000 }))
	expect(versions).toEqual([1000, 1001])
})

test('the wait before reconnecting doubles up to its limit, and begins anew after a snapshot', async () => {
	const { opened } = watched()
	await pass(0)
	for (const [index, wait] of [500, 1_000, 2_000, 4_000, 7_500, 7_500].entries()) {
		socketOf(opened, index).drop(1006)
		await pass(wait - 1)
		expect(opened).toHaveLength(index + 1)
		await pass(1)
		expect(opened).toHaveLength(index + 2)
	}
	socketOf(opened, 6).tell(snapshotWith())
	socketOf(opened, 6).drop(1006)
	await pass(500)
	expect(opened).toHaveLength(8)
})

test('after 1013 the wait is long from the start', async () => {
	const { opened } = watched()
	await pass(0)
	socketOf(opened, 0).tell(snapshotWith())
	socketOf(opened, 0).drop(1013)
	await pass(3_999)
	expect(opened).toHaveLength(1)
	await pass(1)
	expect(opened).toHaveLength(2)
})

/** A service that can be asked for its status; each poll is answered by the test. */
function polledService() {
	const polls: { query: StatusQuery; answer: (snapshot: Snapshot) => void; fail: (error: PlatenError) => void }[] = []
	const status = (_id: string, query: StatusQuery = {}) =>
		new Promise<Snapshot>((resolve, reject) => polls.push({ query, answer: resolve, fail: reject }))
	const poll = (index: number) => {
		const found = polls[index]
		if (!found) throw new Error(`Poll ${index} was not made`)
		return found
	}
	return { polls, poll, status }
}

test('while there is no socket the status is polled, and no longer once there is one', async () => {
	const { polls, poll, status } = polledService()
	const { opened, versions, connections } = watched({ status })
	await pass(0)
	socketOf(opened, 0).drop(1006)
	await pass(0)
	poll(0).answer(snapshotWith({ version: 1 }))
	await pass(0)
	expect({ versions, connection: connections.at(-1) }).toEqual({ versions: [1], connection: 'polling' })
	await pass(1_000)
	expect(opened).toHaveLength(2)
	expect(polls).toHaveLength(2)
	socketOf(opened, 1).tell(snapshotWith({ version: 10 }))
	expect(connections.at(-1)).toBe('live')
	expect(poll(1).query.signal?.aborted).toBe(true)
	poll(1).answer(snapshotWith({ version: 11 }))
	await pass(10_000)
	expect({ versions, polls: polls.length }).toEqual({ versions: [1, 10], polls: 2 })
})

test('the first poll does not wait, the others wait for what is newer', async () => {
	const { polls, poll, status } = polledService()
	const { opened, versions, stop } = watched({ status }, { since: 5 })
	await pass(0)
	socketOf(opened, 0).drop(1008)
	await pass(0)
	poll(0).answer(snapshotWith({ version: 7 }))
	await pass(1_000)
	// Nothing new for the whole wait, then something at once: no poll waits for the next full second.
	await pass(19_500)
	poll(1).answer(snapshotWith({ version: 7 }))
	await pass(0)
	await pass(3_000)
	poll(2).answer(snapshotWith({ version: 8 }))
	await pass(0)
	expect(polls.map(({ query: { since, wait } }) => ({ since, wait }))).toEqual([
		{},
		{ since: 7, wait: 20 },
		{ since: 7, wait: 20 },
		{ since: 8, wait: 20 },
	])
	expect(versions).toEqual([7, 8])
	stop()
})

test('a service that answers every poll at once is asked once a second', async () => {
	let polls = 0
	const { opened, stop } = watched({
		status: async () => {
			polls++
			return snapshotWith({ version: 7 })
		},
	})
	await pass(0)
	socketOf(opened, 0).drop(1008)
	await pass(999)
	expect(polls).toBe(1)
	await pass(9_001)
	expect(polls).toBe(11)
	stop()
})

test('stop ends a poll that waits', async () => {
	const { poll, status, polls } = polledService()
	const { opened, versions, connections, stop } = watched({ status })
	await pass(0)
	socketOf(opened, 0).drop(1008)
	await pass(0)
	stop()
	expect(poll(0).query.signal?.aborted).toBe(true)
	poll(0).fail(new PlatenError('aborted', null, 'The call was stopped.'))
	await pass(60_000)
	expect({ versions, polls: polls.length, timers: vi.getTimerCount(), connections }).toEqual({
		versions: [],
		polls: 1,
		timers: 0,
		connections: ['connecting'],
	})
})

test('a failed poll is repeated after two seconds, without waiting for news', async () => {
	const { poll, polls, status } = polledService()
	const { opened, connections, stop } = watched({ status })
	await pass(0)
	socketOf(opened, 0).drop(1008)
	await pass(0)
	poll(0).answer(snapshotWith({ version: 7 }))
	await pass(1_500)
	poll(1).fail(unreachable)
	await pass(1_999)
	expect({ polls: polls.length, connection: connections.at(-1) }).toEqual({ polls: 2, connection: 'offline' })
	await pass(1)
	expect(poll(2).query.wait).toBeUndefined()
	stop()
})

test('a document that was erased ends it, although its socket said no more than 1008', async () => {
	const gone = new PlatenError('not_found', 404, 'There is no such document.')
	const errors: PlatenError[] = []
	const { opened, tickets } = watched(
		{
			status: async () => {
				throw gone
			},
		},
		{ onError: (error) => errors.push(error) },
	)
	await pass(0)
	socketOf(opened, 0).tell(snapshotWith())
	socketOf(opened, 0).drop(1008)
	await pass(60_000)
	expect({ errors, tickets: tickets(), timers: vi.getTimerCount() }).toEqual({ errors: [gone], tickets: 1, timers: 0 })
})

test('polling ends with the conversion', async () => {
	const { opened, versions } = watched({
		status: async () => snapshotWith({ version: 7, status: 'completed' }),
	})
	await pass(0)
	socketOf(opened, 0).drop(1006)
	await pass(60_000)
	expect({ versions, sockets: opened.length, timers: vi.getTimerCount() }).toEqual({
		versions: [7],
		sockets: 1,
		timers: 0,
	})
})

test('one loop polls, however often sockets come and go during a slow poll', async () => {
	let polls = 0
	const { opened, stop } = watched({
		status: () => {
			polls++
			return new Promise((resolve) => setTimeout(() => resolve(snapshotWith({ version: 1 })), 5_000))
		},
	})
	await pass(0)
	socketOf(opened, 0).drop(1006)
	await pass(500)
	socketOf(opened, 1).tell(snapshotWith())
	socketOf(opened, 1).drop(1006)
	await pass(5_000)
	const before = polls
	await pass(7_000)
	expect(polls - before).toBe(1)
	stop()
})

test('offline is said while neither socket nor status can be had, and taken back afterwards', async () => {
	let isReachable = false
	const { connections, stop } = watched({
		ticket: async () => {
			throw unreachable
		},
		status: async () => {
			if (!isReachable) throw unreachable
			return snapshotWith()
		},
	})
	await pass(0)
	expect(connections).toEqual(['connecting', 'offline'])
	isReachable = true
	await pass(2_000)
	expect(connections.at(-1)).toBe('polling')
	stop()
})

test('after 1008 there is no reconnect, and the news come by polling', async () => {
	const { opened, versions, tickets, stop } = watched({
		status: async () => snapshotWith({ version: 4000 }),
	})
	await pass(0)
	socketOf(opened, 0).drop(1008)
	await pass(60_000)
	expect({ tickets: tickets(), versions }).toEqual({ tickets: 1, versions: [4000] })
	stop()
})

test('ping is sent every 20 s, and a socket that does not answer is given up', async () => {
	const { opened, stop } = watched()
	await pass(0)
	const socket = socketOf(opened, 0)
	socket.tell(snapshotWith())
	await pass(19_999)
	expect(socket.sent).toEqual([])
	await pass(1)
	expect(socket.sent).toEqual(['ping'])
	socket.say('pong')
	await pass(20_000)
	expect(socket.sent).toEqual(['ping', 'ping'])
	await pass(10_000)
	expect(socket.isClosed).toBe(true)
	await pass(500)
	expect(opened).toHaveLength(2)
	stop()
})

test('a socket that says nothing at all is given up', async () => {
	const { opened, stop } = watched()
	await pass(10_000)
	expect(socketOf(opened, 0).isClosed).toBe(true)
	await pass(500)
	expect(opened).toHaveLength(2)
	stop()
})

test('a document that is not there ends it with the error', async () => {
	const gone = new PlatenError('not_found', 404, 'There is no such document.')
	const errors: PlatenError[] = []
	const { opened } = watched(
		{
			ticket: async () => {
				throw gone
			},
		},
		{ onError: (error) => errors.push(error) },
	)
	await pass(60_000)
	expect({ errors, sockets: opened.length, timers: vi.getTimerCount() }).toEqual({
		errors: [gone],
		sockets: 0,
		timers: 0,
	})
})

test('stop closes the socket and calls off every timer', async () => {
	const { opened, versions, stop } = watched()
	await pass(0)
	stop()
	socketOf(opened, 0).tell(snapshotWith())
	expect({ versions, isClosed: socketOf(opened, 0).isClosed, timers: vi.getTimerCount() }).toEqual({
		versions: [],
		isClosed: true,
		timers: 0,
	})
})

test('stop before the ticket is there opens no socket', async () => {
	const { opened, stop } = watched()
	stop()
	await pass(60_000)
	expect(opened).toEqual([])
})
