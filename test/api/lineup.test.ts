import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DocumentObject } from '../../src/api/document/object.ts'
import type { Claim } from '../../src/core/gate.ts'
import { RESERVATION_DURATION } from '../../src/core/lineup/lineup.ts'
import { queueSchema } from '../../src/core/lineup/overview.ts'
import type { Uploaded } from '../../src/core/protocol.ts'
import { snapshotSchema } from '../../src/core/snapshot.ts'
import { evict, jobRows, later, lineup, MINUTE, ring, SECOND, waitingOf } from './inside.ts'
import {
	alice,
	bob,
	type Call,
	call,
	claim,
	command,
	commanded,
	erase,
	finish,
	finishAndTakeNext,
	gate,
	leaseOf,
	listen,
	refusal,
	standing,
	statusOf,
	tokenFor,
	uploaded,
} from './service.ts'

const olga = await tokenFor({ sub: 'olga', scope: 'operator' }, { expires: '60d' })

/** What this test has uploaded, and who may erase it. */
const left: { id: string; token: string }[] = []

beforeEach(async () => {
	await runInDurableObject(lineup(), (_, { storage }) => {
		storage.sql.exec('DELETE FROM line')
		storage.sql.exec('DELETE FROM pause')
	})
	await evictDurableObject(lineup())
})

afterEach(async () => {
	vi.restoreAllMocks()
	await Promise.all(left.splice(0).map(({ id, token }) => erase(id, { token })))
	vi.useRealTimers()
})

/** Uploads a document that is gone again after the test. */
async function arrives({ token = alice, query }: { token?: string; query?: string } = {}): Promise<Uploaded> {
	const arrived = await uploaded({ token, ...(query && { query }) })
	left.push({ id: arrived.document.id, token })
	return arrived
}

/** … and stands in line. */
async function waits(options: Parameters<typeof arrives>[0] = {}): Promise<string> {
	const { document } = await arrives(options)
	await expect.poll(() => waitingOf(document.id)).not.toBeNull()
	return document.id
}

function queueCall(token: string | null, body?: unknown): Promise<Response> {
	const headers = { 'Content-Type': 'application/json' }
	const options: Call = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
	return call('/api/conversions/queue', { ...options, token })
}

/** The lineup as an operator sees it; after saying something, if there is something to say. */
async function queue(action?: 'pause' | 'resume') {
	const response = await queueCall(olga, action && { action })
	expect(response.status).toBe(200)
	expect(response.headers.get('Cache-Control')).toBe('no-store')
	return queueSchema.parse(await response.json())
}

/** A converter does what it has claimed, a document of one page. @returns its id */
async function convert(claimed: Claim): Promise<string> {
	const lease = await gate.lease(claimed)
	if (!lease) throw new Error('there was nothing to lease')
	await gate.opened({ documentId: lease.documentId, fence: lease.fence, pageCount: 1 })
	expect(await finish(lease, { more: true })).toEqual({ verdict: 'go on', next: null })
	return lease.documentId
}

/** One converter does whatever waits, documents of one page. @returns their ids in their order */
async function convertWaiting(): Promise<string[]> {
	const done: string[] = []
	for (let claimed = await claim(); claimed; claimed = await claim()) done.push(await convert(claimed))
	return done
}

/** Opens a progress socket. */
async function watch(id: string) {
	const response = await call(`/api/documents/${id}/conversion-live`, { headers: { Upgrade: 'websocket' } })
	const listening = listen(response)
	await expect.poll(() => listening.snapshots.length).toBeGreaterThan(0)
	return listening
}

/** Some time passes, and the lineup's alarm rings. */
async function lineupRings(milliseconds: number): Promise<void> {
	later(milliseconds)
	await runDurableObjectAlarm(lineup())
}

describe('the queue', () => {
	test('is for operators: others are told so, and change nothing', async () => {
		const callers = [
			[null, 401, 'unauthorized'],
			['not a token', 401, 'unauthorized'],
			[alice, 403, 'forbidden'],
			[await tokenFor({ sub: 'olga', scope: 'operators converter' }), 403, 'forbidden'],
			[await tokenFor({ sub: 'olga', maxPriority: 'urgent' }), 403, 'forbidden'],
		] as const
		for (const [token, status, code] of callers) {
			expect(await refusal(await queueCall(token))).toEqual({ status, code })
			expect(await refusal(await queueCall(token, { action: 'pause' }))).toEqual({ status, code })
		}
		expect((await queue()).paused).toBeNull()
	})

	test.each([[{}], [{ action: 'stop' }], [{ action: null }], ['pause'], [null]])(
		'is not told %j, which it does not understand',
		async (body) => {
			expect(await refusal(await queueCall(olga, body))).toEqual({ status: 400, code: 'malformed' })
			expect((await queue()).paused).toBeNull()
		},
	)

	test('says who waits, where, and how many are at work', async () => {
		const low = await waits({ query: '?priority=low' })
		const first = await waits()
		const second = await waits({ token: bob })
		const urgent = await waits({ token: olga, query: '?priority=urgent' })
		const before = await queue()
		expect(before).toMatchObject({
			paused: null,
			depth: { low: 1, normal: 2, high: 0, urgent: 1, total: 4 },
			wanted: 4,
			running: 0,
			expectedWait: null,
		})
		expect(before.waiting.map(({ position, documentId }) => [position, documentId])).toEqual([
			[1, urgent],
			[2, first],
			[3, second],
			[4, low],
		])
		const claimed = await claim()
		if (!claimed) throw new Error('there was nothing to claim')
		expect(await queue()).toMatchObject({ running: 1, depth: { total: 4 } })
		await gate.lease(claimed)
		await expect.poll(async () => (await queue()).depth).toMatchObject({ urgent: 0, total: 3 })
		expect(await claim()).toMatchObject({ documentId: first })
	})
})

describe('a pause', () => {
	test('gives nobody work until it is over, though what has begun goes on in its turn', async () => {
		const begun = await waits()
		const claimed = await claim()
		const lease = claimed && (await gate.lease(claimed))
		if (!lease) throw new Error('there was nothing to lease')
		await gate.opened({ documentId: begun, fence: lease.fence, pageCount: 2 })
		const waiting = await waits()
		const paused = await queue('pause')
		expect(paused).toMatchObject({ paused: { by: 'olga' }, depth: { total: 1 } })
		expect(await claim()).toBeNull()
		const late = await waits({ token: olga, query: '?priority=urgent' })
		expect(await claim()).toBeNull()
		const next = await finishAndTakeNext(lease)
		if (!next) throw new Error('there should be more')
		expect(await finish(next, { more: true })).toEqual({ verdict: 'go on', next: null })
		expect((await statusOf(begun)).status).toBe('completed')
		// To say it again changes nothing, not even since when.
		expect((await queue('pause')).paused).toEqual(paused.paused)
		expect((await queue('resume')).paused).toBeNull()
		expect(await convertWaiting()).toEqual([late, waiting])
	})

	test('is said to those who wait', async () => {
		const id = await waits()
		expect((await standing(id)).message).not.toMatch(/paused/i)
		await queue('pause')
		const came = await arrives()
		expect((await standing(came.document.id)).message).toMatch(/paused/i)
		later(31 * SECOND)
		await ring(id)
		await expect.poll(async () => (await statusOf(id)).message).toMatch(/paused/i)
		expect(await statusOf(id)).toMatchObject({ status: 'queued', queuePosition: 1, estimatedTimeRemaining: null })
		await queue('resume')
		later(31 * SECOND)
		await ring(id)
		await expect.poll(async () => (await statusOf(id)).message).not.toMatch(/paused/i)
	})

	test('is pushed to those who look on, and so is its end', async () => {
		const id = await waits()
		const { snapshots, socket } = await watch(id)
		later(6 * SECOND)
		await queue('pause')
		await expect.poll(() => snapshots.at(-1)?.message).toMatch(/paused/i)
		later(6 * SECOND)
		await queue('resume')
		await expect.poll(() => snapshots.at(-1)?.message).not.toMatch(/paused/i)
		socket.close()
	})

	test('outlives the object that holds it', async () => {
		const id = await waits()
		const { paused } = await queue('pause')
		await evictDurableObject(lineup())
		expect(await claim()).toBeNull()
		expect((await queue()).paused).toEqual(paused)
		await queue('resume')
		await evictDurableObject(lineup())
		expect(await claim()).toMatchObject({ documentId: id })
	})

	test('nudges nobody, and its end nudges for everybody who waits', async () => {
		await queue('pause')
		const send = vi.spyOn(Object.getPrototypeOf(env.NUDGES), 'sendBatch')
		await waits()
		await waits()
		await lineupRings(MINUTE)
		expect(send).not.toHaveBeenCalled()
		await queue('resume')
		const nudges = send.mock.calls.flatMap(([messages]) => [...(messages as Iterable<unknown>)])
		expect(nudges).toHaveLength(2)
	})
})

describe('a priority', () => {
	test('above what the caller may have is lowered to it, and both are said', async () => {
		const high = await tokenFor({ sub: 'helen', maxPriority: 'high' })
		const low = await tokenFor({ sub: 'lou', maxPriority: 'low' })
		for (const [token, asked, given] of [
			[alice, 'urgent', 'normal'],
			[alice, 'low', 'low'],
			[high, 'urgent', 'high'],
			[high, 'normal', 'normal'],
			[low, 'normal', 'low'],
			[olga, 'urgent', 'urgent'],
		] as const) {
			const { document, conversion } = await arrives({ token, query: `?priority=${asked}` })
			expect(conversion).toMatchObject({ priority: given, requestedPriority: asked })
			await expect.poll(() => waitingOf(document.id)).toMatchObject({ priority: given })
		}
	})

	test('of a start or a retry is lowered as well', async () => {
		const { document } = await arrives({ query: '?convert=false' })
		const started = await commanded(document.id, { action: 'start', priority: 'urgent' })
		expect(started.snapshot).toMatchObject({ priority: 'normal', requestedPriority: 'urgent' })
		await commanded(document.id, { action: 'cancel' })
		const retried = await commanded(document.id, { action: 'retry', priority: 'high' })
		expect(retried.snapshot).toMatchObject({ priority: 'normal', requestedPriority: 'high' })
		await commanded(document.id, { action: 'cancel' })
		const token = await tokenFor({ sub: 'alice', scope: 'converter operator' })
		const byOperator = await commanded(document.id, { action: 'retry', priority: 'urgent' }, { token })
		expect(byOperator.snapshot).toMatchObject({ priority: 'urgent', requestedPriority: 'urgent' })
		await expect.poll(() => waitingOf(document.id)).toMatchObject({ priority: 'urgent' })
		// What an operator has given is not everybody's to give again.
		await commanded(document.id, { action: 'cancel' })
		const again = await commanded(document.id, { action: 'retry' })
		expect(again.snapshot).toMatchObject({ priority: 'normal', requestedPriority: 'urgent' })
	})

	test('that nobody knows is malformed', async () => {
		const { document } = await arrives({ query: '?convert=false' })
		const response = await command(document.id, { action: 'start', priority: 'at once' })
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
	})

	test('urgent is next, though fifty wait, and they all have their turn', { timeout: 60_000 }, async () => {
		const low = await Promise.all(Array.from({ length: 50 }, () => waits({ query: '?priority=low' })))
		const urgent = await waits({ token: olga, query: '?priority=urgent' })
		expect((await queue()).depth).toEqual({ low: 50, normal: 0, high: 0, urgent: 1, total: 51 })
		const order = await convertWaiting()
		expect(order[0]).toBe(urgent)
		expect(order.slice(1).toSorted()).toEqual(low.toSorted())
		expect((await Promise.all(low.map(statusOf))).map(({ status }) => status)).toEqual(Array(50).fill('completed'))
		expect((await queue()).depth.total).toBe(0)
	})
})

test('one document of one owner is not pushed aside by the twenty of another', async () => {
	const crowd: string[] = []
	for (let count = 0; count < 20; count++) crowd.push(await waits())
	const alone = await waits({ token: bob })
	const order = await convertWaiting()
	expect(order.indexOf(alone)).toBe(1)
	expect(order.filter((id) => id !== alone)).toEqual(crowd)
})

describe('a position', () => {
	test('is in the snapshot of who waits, changes, and is gone when the work begins', async () => {
		const [first, second, third] = [await waits(), await waits(), await waits()]
		const positions = await Promise.all([first, second, third].map(standing))
		expect(positions.map(({ queuePosition }) => queuePosition)).toEqual([1, 2, 3])
		// The first is worked on, and the second is cancelled.
		const lease = await leaseOf(first)
		expect((await statusOf(first)).queuePosition).toBeNull()
		await commanded(second, { action: 'cancel' })
		await expect.poll(() => waitingOf(second)).toBeNull()
		expect((await statusOf(second)).queuePosition).toBeNull()
		// Nobody looks at the third, so it hears with its next word.
		expect((await statusOf(third)).queuePosition).toBe(3)
		later(31 * SECOND)
		await ring(third)
		await expect.poll(async () => (await statusOf(third)).queuePosition).toBe(1)
		await gate.fail({ documentId: first, fence: lease.fence, code: 'invalid_document' })
	})

	// On a machine that is very busy the runtime puts the lineup away in between, which then hears anew who is watched, later.
	test('is pushed to those who look on when those before leave, and to nobody else', { retry: 2 }, async () => {
		const before = [await waits(), await waits(), await waits(), await waits()]
		const [watched, unwatched] = [await waits(), await waits()]
		await Promise.all([watched, unwatched].map(standing))
		const { snapshots, socket } = await watch(watched)
		expect(snapshots.at(-1)?.queuePosition).toBe(5)
		// What the lineup says to the one that has just begun to be watched is over.
		await lineupRings(6 * SECOND)
		const placed = vi.spyOn(DocumentObject.prototype, 'placed')
		for (const id of before) {
			await commanded(id, { action: 'cancel' })
			await expect.poll(() => waitingOf(id)).toBeNull()
		}
		await lineupRings(6 * SECOND)
		await expect.poll(() => snapshots.at(-1)?.queuePosition).toBe(1)
		const versions = snapshots.map(({ version }) => version)
		expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other))
		const unwatchedJob = (await statusOf(unwatched)).jobId
		expect(placed.mock.calls.filter(([jobId]) => jobId === unwatchedJob)).toEqual([])
		expect((await statusOf(unwatched)).queuePosition).toBe(6)
		socket.close()
	})

	test('is pushed no more to whom nobody looks at any more', async () => {
		const before = [await waits(), await waits()]
		const id = await waits()
		await standing(id)
		const { socket } = await watch(id)
		await lineupRings(6 * SECOND)
		socket.close()
		const placed = vi.spyOn(DocumentObject.prototype, 'placed')
		await expect.poll(async () => await closedSockets(id)).toBe(true)
		for (const each of before) {
			await commanded(each, { action: 'cancel' })
			await expect.poll(() => waitingOf(each)).toBeNull()
			await lineupRings(6 * SECOND)
		}
		// It is asked once, and says that nobody looks on.
		const { jobId } = await statusOf(id)
		const asked = placed.mock.calls.filter(([each]) => each === jobId)
		expect(asked.length).toBeLessThanOrEqual(1)
	})

	test('survives that its object forgets it: it asks again', async () => {
		const id = await waits()
		const { version } = await standing(id)
		await evict(id)
		const after = await standing(id)
		expect(after).toMatchObject({ queuePosition: 1 })
		expect(after.version).toBeGreaterThan(version)
	})
})

async function closedSockets(id: string): Promise<boolean> {
	const stub = env.DOCUMENTS.get(env.DOCUMENTS.idFromName(id))
	return await runInDurableObject(stub, (_, state) => state.getWebSockets().length === 0)
}

describe('what a document said', () => {
	test('is forgotten when it knows nothing of it, and the next is found', async () => {
		const ghost = { documentId: crypto.randomUUID(), jobId: crypto.randomUUID() }
		await lineup().want({ ...ghost, priority: 'urgent', want: 1, seq: 1 })
		const id = await waits()
		expect(await claim()).toEqual(ghost)
		expect(await gate.lease(ghost)).toBeNull()
		expect(await waitingOf(ghost.documentId)).toBeNull()
		expect(await claim()).toMatchObject({ documentId: id })
	})

	test('of an older job is forgotten when that is claimed, and what it says now stays', async () => {
		const { document, conversion } = await arrives()
		await standing(document.id)
		const claimed = await claim()
		expect(claimed).toEqual({ documentId: document.id, jobId: conversion.jobId })
		const { snapshot } = await commanded(document.id, { action: 'start', onActive: 'replace' })
		expect(claimed && (await gate.lease(claimed))).toBeNull()
		await expect.poll(() => waitingOf(document.id)).toMatchObject({ job_id: snapshot.jobId })
		expect(await claim()).toEqual({ documentId: document.id, jobId: snapshot.jobId })
	})

	test('is gone with the document', async () => {
		const [first, second] = [await waits(), await waits()]
		await erase(first)
		await expect.poll(() => waitingOf(first)).toBeNull()
		expect((await queue()).depth.total).toBe(1)
		expect(await claim()).toMatchObject({ documentId: second })
	})

	test('a thousand times over is written down once', async () => {
		const id = await waits()
		const entry = await waitingOf(id)
		const word = {
			documentId: id,
			jobId: String(entry?.job_id),
			owner: String(entry?.owner),
			priority: 'normal',
			want: 1,
			firstPageOut: false,
			watched: false,
		}
		const written: unknown[] = []
		await runInDurableObject(lineup(), (_, { storage }) => {
			const sql = Object.getPrototypeOf(storage.sql)
			const exec = sql.exec
			vi.spyOn(sql, 'exec').mockImplementation(function (this: unknown, ...parameters: unknown[]) {
				if (!/^SELECT/.test(String(parameters[0]))) written.push(parameters[0])
				return exec.apply(this, parameters)
			})
			vi.spyOn(Object.getPrototypeOf(storage), 'setAlarm').mockImplementation(async () => {
				written.push('an alarm')
			})
		})
		for (let count = 0; count < 1_000; count++) {
			await lineup().want({ ...word, seq: Number(entry?.seq) + Math.floor(count / 2) })
		}
		expect(written).toEqual([])
		await lineup().want({ ...word, seq: Number(entry?.seq) + 1_000, want: 2 })
		expect(written).toHaveLength(1)
	})

	test('in the table of the release before is taken over, in its order', async () => {
		const now = Date.now()
		const rows = [
			['low', now + 600_000 - 3_000],
			['normal', now - 1_000],
			['urgent', now - 600_000],
			['high', now - 120_000],
		] as const
		const ids = rows.map(() => [crypto.randomUUID(), crypto.randomUUID()] as const)
		await runInDurableObject(lineup(), (_, { storage }) => {
			storage.sql.exec(`CREATE TABLE waiting (
				document_id TEXT PRIMARY KEY, job_id TEXT NOT NULL, priority TEXT NOT NULL, want INTEGER NOT NULL,
				seq INTEGER NOT NULL, sort_key REAL NOT NULL
			) STRICT, WITHOUT ROWID`)
			for (const [index, [priority, key]] of rows.entries()) {
				storage.sql.exec('INSERT INTO waiting VALUES (?, ?, ?, 2, 7, ?)', ...(ids[index] ?? []), priority, key)
			}
		})
		await evictDurableObject(lineup())
		const { waiting, depth, wanted } = await queue()
		expect({ depth, wanted }).toEqual({ depth: { low: 1, normal: 1, high: 1, urgent: 1, total: 4 }, wanted: 8 })
		expect(waiting.map(({ priority }) => priority)).toEqual(['urgent', 'high', 'normal', 'low'])
		expect(await waitingOf(ids[0]?.[0] ?? '')).toMatchObject({
			job_id: ids[0]?.[1],
			priority: 'low',
			want: 2,
			seq: 7,
			arrival: now - 3_000,
		})
		const tables = await runInDurableObject(lineup(), (_, { storage }) =>
			storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'waiting'").toArray(),
		)
		expect(tables).toEqual([])
		// An old word means the same, and a newer one counts.
		const word = { documentId: ids[1]?.[0], jobId: ids[1]?.[1], priority: 'normal' }
		await lineup().want({ ...word, want: 1, seq: 6 })
		expect((await queue()).wanted).toBe(8)
		await lineup().want({ ...word, want: 1, seq: 8 })
		expect((await queue()).wanted).toBe(7)
		for (const [documentId, jobId] of ids) await lineup().forget(documentId, jobId)
	})
})

describe('a converter', () => {
	test('that claims and dies takes nothing away: its place is free after a while', async () => {
		const id = await waits()
		later(0)
		expect(await claim({ converter: 'doomed' })).toMatchObject({ documentId: id })
		later(RESERVATION_DURATION - 1)
		expect(await claim({ converter: 'another' })).toBeNull()
		later(1)
		expect(await claim({ converter: 'another' })).toMatchObject({ documentId: id })
	})

	test('yields when its turn is over, and whoever waits for a first page is next', async () => {
		later(0)
		const long = await waits()
		const claimed = await claim()
		const lease = claimed && (await gate.lease(claimed))
		if (!lease) throw new Error('there was nothing to lease')
		await gate.opened({ documentId: long, fence: lease.fence, pageCount: 17 })
		const other = await waits({ token: bob })
		later(5 * SECOND)
		expect(await finish(lease, { more: true })).toEqual({ verdict: 'yield' })
		expect(await statusOf(long)).toMatchObject({ status: 'processing', readyPages: '1' })
		await expect.poll(() => waitingOf(long)).toMatchObject({ want: 1, first_page_out: 1 })
		expect(await standing(long)).toMatchObject({ queuePosition: 2 })
		const next = await claim()
		expect(next).toMatchObject({ documentId: other })
		if (next) await convert(next)
		const again = await claim()
		expect(again).toMatchObject({ documentId: long })
		const second = again && (await gate.lease(again))
		expect(second?.pages).toEqual({ first: 2, last: 17 })
		if (second) expect(await finish(second, { more: true })).toEqual({ verdict: 'go on', next: null })
		expect(await statusOf(long)).toMatchObject({ status: 'completed', retryCount: 0 })
	})

	test('that goes is replaced at once when somebody waits', async () => {
		await waits()
		const claimed = await claim({ converter: 'tired', nudged: true })
		await waits()
		const send = vi.spyOn(Object.getPrototypeOf(env.NUDGES), 'sendBatch')
		if (claimed) await convert(claimed)
		await gate.leave({ converter: 'tired' })
		expect(send).toHaveBeenCalledTimes(1)
		expect((await queue()).running).toBe(0)
	})

	test('of the first release says only whether it was nudged, and is given work during a deploy', async () => {
		const documentId = await waits()
		expect(await gate.claim(true)).toMatchObject({ documentId })
	})

	test.each([
		['nudged'],
		[{ nudged: true }],
		[{ converter: '', nudged: true }],
		[{ converter: 'x'.repeat(101), nudged: false }],
	])('is not taken for one that says %j', async (said) => {
		await waits()
		await expect(async () => await gate.claim(said)).rejects.toThrow()
		expect(await claim()).not.toBeNull()
	})
})

describe('an estimate', () => {
	/** One converter has had so many turns of two seconds, the last of which lasts still. */
	async function turns(count: number): Promise<void> {
		for (let turn = 0; turn < count; turn++) await waits()
		for (let turn = 0; turn < count; turn++) {
			const claimed = await claim()
			later(2 * SECOND)
			if (claimed) await convert(claimed)
		}
		const last = await waits()
		expect(await claim()).toMatchObject({ documentId: last })
		await leaseOf(last)
		await expect.poll(() => waitingOf(last)).toBeNull()
	}

	test('is given to who waits when it can be trusted, and held against the truth in the history', async () => {
		later(0)
		const early = await waits()
		expect(await standing(early)).toMatchObject({ queuePosition: 1, estimatedTimeRemaining: null })
		await commanded(early, { action: 'cancel' })
		await turns(12)
		const { document } = await arrives({ token: bob })
		const id = document.id
		left.push({ id, token: bob })
		const token = bob
		const snapshot = await vi.waitUntil(async () => {
			const response = await call(`/api/documents/${id}/conversion-status`, { token })
			const read = snapshotSchema.parse(await response.json())
			return read.queuePosition === null ? null : read
		})
		// One converter is at work, in the middle of its turn, and one turn more is this one's own.
		expect(snapshot).toMatchObject({ queuePosition: 1, estimatedTimeRemaining: 3_000 })
		expect(Date.parse(snapshot.estimatedCompletion ?? '')).toBe(Date.now() + 3_000)
		expect(await queue()).toMatchObject({ running: 1, turnDuration: 2_000, turnsPerMinute: 30 })
		later(5 * SECOND)
		const claimed = await claim({ converter: 'another' })
		expect(claimed).toMatchObject({ documentId: id })
		if (claimed) await convert(claimed)
		await expect
			.poll(() => jobRows(id))
			.toMatchObject([
				{
					status: 'completed',
					waiting_estimate: 3_000,
					waiting_estimate_error: 2_000,
					processing_estimate: null,
					processing_estimate_error: null,
				},
			])
	})

	test('is made of its own pages while it is worked on, and held against the truth in the history', async () => {
		later(0)
		const id = await waits()
		const claimed = await claim()
		const lease = claimed && (await gate.lease(claimed))
		if (!lease) throw new Error('there was nothing to lease')
		await gate.opened({ documentId: id, fence: lease.fence, pageCount: 17 })
		later(200)
		const next = await finishAndTakeNext(lease)
		if (!next) throw new Error('there should be more')
		for (let rendered = 1; rendered <= 16; rendered++) {
			later(200)
			expect(await gate.report({ documentId: id, fence: next.fence, rendered })).toBe('go on')
			const { estimatedTimeRemaining } = await statusOf(id)
			expect(estimatedTimeRemaining).toBe(rendered < 2 ? null : (16 - rendered) * 200)
		}
		later(300)
		expect(await finish(next, { more: true })).toEqual({ verdict: 'go on', next: null })
		expect(await statusOf(id)).toMatchObject({ status: 'completed', estimatedTimeRemaining: null })
		await expect
			.poll(() => jobRows(id))
			.toMatchObject([{ status: 'completed', processing_estimate: 2_800, processing_estimate_error: 300 }])
	})

	test('that comes true is no news: who waits for some is not woken by it', async () => {
		later(0)
		await turns(12)
		const id = await waits()
		const { version, estimatedTimeRemaining } = await standing(id)
		expect(estimatedTimeRemaining).not.toBeNull()
		later(100)
		// Whoever waits for news is a watcher, of whom the lineup is told; it says what it said before.
		const begun = performance.now()
		const response = await call(`/api/documents/${id}/conversion-status?since=${version}&wait=1`)
		expect(await response.json()).toMatchObject({ version })
		expect(performance.now() - begun).toBeGreaterThan(900)
	})
})
