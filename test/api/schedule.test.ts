import { createScheduledController, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DocumentObject } from '../../src/api/document/object.ts'
import { DocumentHistory } from '../../src/api/history/documents.ts'
import { pokeTheStuck } from '../../src/api/schedule.ts'
import worker from '../../src/api/worker.ts'
import { alarmOf, documentRow, evict, jobRows, later, lineup, MINUTE, objectOf, tablesOf, waitingOf } from './inside.ts'
import { claim, commanded, convertAll, finish, leaseOf, open, statusOf, uploaded } from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

async function cron(): Promise<void> {
	await worker.scheduled(createScheduledController({ cron: '*/5 * * * *' }), env)
}

function dropAlarm(stub: DurableObjectStub): Promise<void> {
	return runInDurableObject(stub, (_, state) => state.storage.deleteAlarm())
}

function lineupAlarm(): Promise<number | null> {
	return runInDurableObject(lineup(), (_, state) => state.storage.getAlarm())
}

/** A document whose converter is lost, and whose alarm is as well. */
async function stuck(): Promise<string> {
	const { document } = await uploaded()
	await expect.poll(() => jobRows(document.id)).toHaveLength(1)
	await open(document.id, 2)
	// The converter at work takes the second page as well, so nobody else is waited for.
	await expect.poll(() => waitingOf(document.id)).toBeNull()
	await dropAlarm(objectOf(document.id))
	return document.id
}

describe('the cron', () => {
	test('sets a lost alarm again, and a lease that had expired goes to another converter', async () => {
		const id = await stuck()
		later(11 * MINUTE)
		expect(await alarmOf(id)).toBeNull()
		await cron()
		expect(await alarmOf(id)).toBeGreaterThan(Date.now())
		expect(await statusOf(id)).toMatchObject({ status: 'processing', retryCount: 1 })
		later(MINUTE)
		let finished = await finish(await leaseOf(id), { more: true })
		while (finished.verdict === 'go on' && finished.next) finished = await finish(finished.next, { more: true })
		expect(await statusOf(id)).toMatchObject({ status: 'completed', readyPages: '1-2' })
	})

	test('does so for an object that sleeps', async () => {
		const id = await stuck()
		await evict(id)
		later(11 * MINUTE)
		await cron()
		expect(await alarmOf(id)).toBeGreaterThan(Date.now())
		expect(await statusOf(id)).toMatchObject({ status: 'processing', retryCount: 1 })
	})

	test('finds who waits for the lineup, which has forgotten it', async () => {
		const { document } = await uploaded()
		await expect.poll(() => jobRows(document.id)).toHaveLength(1)
		await expect.poll(() => waitingOf(document.id)).not.toBeNull()
		await dropAlarm(objectOf(document.id))
		await runInDurableObject(lineup(), (_, state) => state.storage.sql.exec('DELETE FROM line'))
		await evictDurableObject(lineup())
		later(11 * MINUTE)
		await cron()
		await expect.poll(() => waitingOf(document.id)).toMatchObject({ want: 1 })
	})

	test('leaves alone what has ended, and what began a moment ago', async () => {
		const completed = (await uploaded()).document.id
		await convertAll(completed, 1)
		await expect.poll(() => jobRows(completed)).toMatchObject([{ status: 'completed' }])
		await dropAlarm(objectOf(completed))
		later(11 * MINUTE)
		const young = await stuck()
		await cron()
		expect(await alarmOf(completed)).toBeNull()
		expect(await alarmOf(young)).toBeNull()
	})

	test('finds everybody, wherever it begins to look', async () => {
		const ids = await Promise.all([stuck(), stuck(), stuck()])
		for (const random of [0, 0.5, 0.999_999_999]) {
			later(11 * MINUTE)
			await Promise.all(ids.map((id) => dropAlarm(objectOf(id))))
			await pokeTheStuck(env, Date.now(), random)
			for (const id of ids) expect(await alarmOf(id)).not.toBeNull()
		}
	})

	test('begins at random, so that a few who stay stuck are not all that it ever sees', async () => {
		const ids = await Promise.all([stuck(), stuck(), stuck()])
		const now = Date.now() + 11 * MINUTE
		const history = new DocumentHistory(env.HISTORY)
		for (const id of ids) expect(await history.activeSince(now, now, id, 1)).toEqual([id])
	})

	test('reaches the others when one does not answer', async () => {
		const ids = await Promise.all([stuck(), stuck(), stuck()])
		later(11 * MINUTE)
		const warn = vi.spyOn(console, 'warn').mockReturnValue()
		const [first = ''] = ids.toSorted()
		const poke = DocumentObject.prototype.poke
		vi.spyOn(DocumentObject.prototype, 'poke').mockImplementation(function (this: DocumentObject) {
			if (Reflect.get(this, 'ctx').id.name === first) throw new Error('broken')
			poke.call(this)
		})
		await pokeTheStuck(env, Date.now(), 0)
		for (const id of ids) expect((await alarmOf(id)) !== null).toBe(id !== first)
		expect(warn).toHaveBeenCalledWith('A poke was not answered', { error: 'Error: broken' })
	})

	test('says so and ends when the history does not answer', async () => {
		const error = vi.spyOn(console, 'error').mockReturnValue()
		vi.spyOn(Object.getPrototypeOf(env.HISTORY), 'batch').mockRejectedValue(new Error('D1 is away'))
		await cron()
		expect(error).toHaveBeenCalledWith('The sweep for what is stuck failed', { error: 'Error: D1 is away' })
	})

	test('finds what a clock wrote down that has been put back since', async () => {
		later(60 * MINUTE)
		const id = await stuck()
		vi.useRealTimers()
		await cron()
		expect(await alarmOf(id)).not.toBeNull()
		expect(await statusOf(id)).toMatchObject({ status: 'processing', retryCount: 1 })
	})

	test('makes no document of a row that is left of one', async () => {
		const id = await stuck()
		const ghost = crypto.randomUUID()
		const [document, [job]] = await Promise.all([documentRow(id), jobRows(id)])
		const rows = [
			['documents', { ...document, id: ghost }],
			['conversion_jobs', { ...job, document_id: ghost }],
		] as const
		for (const [table, row] of rows) {
			const columns = Object.keys(row)
			const marks = columns.map(() => '?').join(', ')
			await env.HISTORY.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`)
				.bind(...Object.values(row))
				.run()
		}
		later(11 * MINUTE)
		await cron()
		expect(await alarmOf(id)).not.toBeNull()
		expect(await tablesOf(ghost)).toEqual([])
		expect(await alarmOf(ghost)).toBeNull()
	})
})

describe('the lineup', () => {
	/** Somebody waits, the nudge is lost, and so is the alarm that would send another; nobody is suspicious yet. */
	async function stuckLineup(): Promise<void> {
		while (await claim());
		const { document } = await uploaded({ query: '?priority=urgent' })
		await expect.poll(() => waitingOf(document.id)).not.toBeNull()
		await dropAlarm(lineup())
		expect(await lineupAlarm()).toBeNull()
	}

	test('sends its nudges again when the cron comes, and rings again', async () => {
		await stuckLineup()
		await evictDurableObject(lineup())
		later(2 * MINUTE)
		const send = vi.spyOn(Object.getPrototypeOf(env.NUDGES), 'sendBatch')
		await cron()
		await expect.poll(() => send.mock.calls.length).toBeGreaterThan(0)
		expect(await lineupAlarm()).toBeGreaterThan(Date.now())
	})

	test('does so as well when it was awake all the time', async () => {
		await stuckLineup()
		later(2 * MINUTE)
		const send = vi.spyOn(Object.getPrototypeOf(env.NUDGES), 'sendBatch')
		await cron()
		await expect.poll(() => send.mock.calls.length).toBeGreaterThan(0)
		expect(await lineupAlarm()).toBeGreaterThan(Date.now())
	})

	test('is left alone when nobody waits', async () => {
		await runInDurableObject(lineup(), (_, state) => state.storage.sql.exec('DELETE FROM line'))
		await dropAlarm(lineup())
		await evictDurableObject(lineup())
		const { document } = await uploaded({ query: '?convert=false' })
		expect((await commanded(document.id, { action: 'cancel' })).status).toBe(200)
		await lineup().poke()
		expect(await lineupAlarm()).toBeNull()
	})
})
