import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { DocumentRecord } from '../../src/api/document/store.ts'
import { DocumentHistory } from '../../src/api/history/documents.ts'
import { documentIdFor } from '../../src/api/idempotency.ts'
import type { Event } from '../../src/core/job/event.ts'
import { type Conversion, reserved, versionOf } from '../../src/core/job/job.ts'
import { defaultRetryPolicy } from '../../src/core/job/retry.ts'
import { transition } from '../../src/core/job/transition.ts'
import { alarmOf, documentRow, evict, HOUR, jobRows, later, loseLeases, MINUTE, ring, SECOND } from './inside.ts'
import {
	call,
	commanded,
	convertAll,
	erase,
	finish,
	finishAndGoOn,
	gate,
	leaseOf,
	open,
	statusOf,
	uploaded,
} from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

const database = Object.getPrototypeOf(env.HISTORY)

function time(iso: string | null): number | null {
	return iso === null ? null : Date.parse(iso)
}

describe('the row of a job', () => {
	test('is there when it was accepted, with every field', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const options = { quality: 'high', pages: '1-5,9' }
		const start = { action: 'start', priority: 'low', maxRetries: 7, options }
		const { snapshot } = await commanded(document.id, start)
		await expect
			.poll(() => jobRows(document.id))
			.toEqual([
				{
					document_id: document.id,
					number: 1,
					id: snapshot.jobId,
					version: snapshot.version,
					status: 'queued',
					stage: 'queued',
					progress: 0,
					priority: 'low',
					quality: 'high',
					pages: '1-5,9',
					total_pages: null,
					processed_pages: 0,
					failed_pages: 0,
					retry_count: 0,
					max_retries: 7,
					failure_code: null,
					error_message: null,
					estimated_completion: null,
					waiting_estimate: null,
					waiting_estimate_error: null,
					processing_estimate: null,
					processing_estimate_error: null,
					created_at: time(snapshot.createdAt),
					started_at: null,
					first_page_at: null,
					completed_at: null,
					updated_at: time(snapshot.updatedAt),
				},
			])
		expect(await documentRow(document.id)).toMatchObject({ status: 'queued', total_pages: null })
	})

	test('is there when it was completed, with every field', async () => {
		later(0)
		const { document } = await uploaded()
		const first = await open(document.id, 17)
		later(SECOND)
		const second = await finishAndGoOn(first)
		await gate.fail({ documentId: document.id, fence: second.fence, code: 'internal' })
		later(MINUTE)
		const third = await leaseOf(document.id)
		await finish(third, { through: 16 })
		const last = await leaseOf(document.id)
		await gate.finish(
			{
				documentId: document.id,
				fence: last.fence,
				through: 17,
				failed: [{ page: 17, code: 'out_of_memory' }],
				pack: null,
				more: false,
			},
			null,
		)
		const snapshot = await statusOf(document.id)
		expect(snapshot).toMatchObject({ status: 'completed', failedPageCount: 1, retryCount: 1 })
		await expect
			.poll(() => jobRows(document.id))
			.toEqual([
				{
					document_id: document.id,
					number: 1,
					id: snapshot.jobId,
					version: snapshot.version,
					status: 'completed',
					stage: 'completed',
					progress: 100,
					priority: 'normal',
					quality: 'medium',
					pages: null,
					total_pages: 17,
					processed_pages: 17,
					failed_pages: 1,
					retry_count: 1,
					max_retries: 3,
					failure_code: null,
					error_message: null,
					estimated_completion: null,
					waiting_estimate: null,
					waiting_estimate_error: null,
					// A page took a second and fifteen took none, so what is left of the second is an e-th to the power of 1.5.
					processing_estimate: 223,
					processing_estimate_error: -223,
					created_at: time(snapshot.createdAt),
					started_at: time(snapshot.startedAt),
					first_page_at: time(snapshot.firstPageAt),
					completed_at: time(snapshot.completedAt),
					updated_at: time(snapshot.updatedAt),
				},
			])
		const [row] = await jobRows(document.id)
		expect(row?.first_page_at).toBe(Number(row?.started_at) + SECOND)
		expect(row?.completed_at).toBe(Number(row?.started_at) + SECOND + MINUTE)
		expect(await documentRow(document.id)).toMatchObject({ status: 'completed', total_pages: 17 })
	})

	test('says why it failed, and how far it was', async () => {
		const { document } = await uploaded()
		const { fence } = await leaseOf(document.id)
		await gate.fail({ documentId: document.id, fence, code: 'password_required' })
		const { failure } = await statusOf(document.id)
		await expect
			.poll(() => jobRows(document.id))
			.toMatchObject([
				{
					status: 'failed',
					stage: 'initializing',
					progress: 10,
					failure_code: 'password_required',
					error_message: failure?.message,
				},
			])
		expect(await documentRow(document.id)).toMatchObject({ status: 'failed' })
	})

	test('of a replaced job ends as cancelled', async () => {
		const { document, conversion } = await uploaded()
		await leaseOf(document.id)
		const { snapshot } = await commanded(document.id, { action: 'start', onActive: 'replace' })
		await expect
			.poll(() => jobRows(document.id))
			.toMatchObject([
				{ id: conversion.jobId, number: 1, status: 'cancelled', completed_at: time(snapshot.createdAt) },
				{ id: snapshot.jobId, number: 2, status: 'queued', completed_at: null },
			])
		const [old, fresh] = await jobRows(document.id)
		expect(Number(old?.version)).toBeLessThan(Number(fresh?.version))
	})

	test('stays when the next job begins, one for each', async () => {
		const { document } = await uploaded()
		await commanded(document.id, { action: 'cancel' })
		await commanded(document.id, { action: 'retry' })
		await convertAll(document.id, 1)
		await commanded(document.id, { action: 'start', forceReconvert: true })
		await expect
			.poll(async () => (await jobRows(document.id)).map(({ number, status }) => [number, status]))
			.toEqual([
				[1, 'cancelled'],
				[2, 'completed'],
				[3, 'queued'],
			])
	})

	test('is not there for a document that was never converted', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		await expect.poll(() => documentRow(document.id)).toMatchObject({ status: 'none' })
		expect(await jobRows(document.id)).toEqual([])
	})
})

describe('an older word', () => {
	/** A document and its conversion after each of some events, without any object. */
	function story(...events: Event[]): { document: DocumentRecord; states: Conversion[] } {
		const id = crypto.randomUUID()
		const owner = { tenant: 'default', sub: 'historian' }
		const labels = { externalId: null, metadata: null, uploadKey: null }
		const file = { ...labels, name: 'a.pdf', contentType: 'application/pdf', size: 1 }
		let now = Date.now()
		const document = { id, owner, ...file, createdAt: now }
		let conversion = reserved(now)
		const states = events.map((event) => {
			now += SECOND
			conversion = transition(conversion, event, now).conversion
			return conversion
		})
		return { document, states }
	}

	const start = {
		jobId: crypto.randomUUID(),
		priority: 'normal',
		maxPriority: 'urgent',
		maxRetries: 3,
		retryPolicy: defaultRetryPolicy,
		options: { quality: 'medium' },
		onActive: 'return',
		forceReconvert: false,
	} as const
	const work = [
		{ type: 'create', start },
		{ type: 'lease', jobId: start.jobId },
		{ type: 'opened', fence: 1, pageCount: 1 },
		{ type: 'finish', fence: 1, through: 1, converted: [1], failed: [], more: false },
	] as const satisfies Event[]

	test('never overwrites a newer one, in whatever order they come', async () => {
		const { document, states } = story(...work, { type: 'erase' })
		const history = new DocumentHistory(env.HISTORY)
		const said: { version: unknown; status: unknown; erased: boolean }[] = []
		for (const index of [1, 0, 3, 2, 4, 3, 0, 1]) {
			await history.record(document, states.slice(index, index + 1))
			const [job] = await jobRows(document.id)
			const row = await documentRow(document.id)
			said.push({ version: job?.version, status: row?.status, erased: row?.erased_at !== null })
		}
		const versions = states.map((state) => versionOf(state))
		expect(said.map(({ version }) => version)).toEqual([1, 1, 3, 3, 4, 4, 4, 4].map((index) => versions[index]))
		expect(said.map(({ status }) => status)).toEqual(['processing', 'processing', ...Array(6).fill('completed')])
		expect(said.map(({ erased }) => erased)).toEqual([false, false, false, false, true, true, true, true])
		expect(await documentRow(document.id)).toMatchObject({ name: '', sequence: states[4]?.sequence })
	})

	test('brings what is missing all the same: a job before, whose row is not there', async () => {
		const { document, states } = story(...work, {
			type: 'start',
			...start,
			jobId: crypto.randomUUID(),
			forceReconvert: true,
		})
		const history = new DocumentHistory(env.HISTORY)
		const current = states.at(-1)
		if (!current) throw new Error('no story')
		await history.record(document, [current])
		expect(await jobRows(document.id)).toMatchObject([{ number: 2 }])
		await history.record(document, [...states.slice(3, 4), current])
		expect(await jobRows(document.id)).toMatchObject([
			{ number: 1, status: 'completed' },
			{ number: 2, status: 'queued' },
		])
	})
})

describe('while D1 is away', () => {
	/** D1 answers other documents, and this one like that; what was asked for it is counted. */
	function awayFor(id: string, answer: (ask: () => Promise<D1Result[]>) => Promise<unknown>) {
		const real = database.batch
		const away = { asked: 0, isBack: false }
		vi.spyOn(database, 'batch').mockImplementation(function (this: unknown, ...parameters) {
			const ask = (): Promise<D1Result[]> => real.apply(this, parameters)
			if (!JSON.stringify(parameters).includes(id)) return ask()
			away.asked += 1
			return away.isBack ? ask() : answer(ask)
		})
		return away
	}

	/** A document whose id is known before it is there. */
	function keyed(headers: Record<string, string> = {}) {
		const key = crypto.randomUUID()
		const id = documentIdFor(env.AUTH_JWT_SECRET, { tenant: 'default', sub: 'alice' }, key)
		return { id, options: { headers: { ...headers, 'Idempotency-Key': key } } }
	}

	const refuses = () => Promise.reject(new Error('D1 is away'))

	test.each([
		['refuses', refuses],
		['does not answer', () => new Promise(() => undefined)],
	])('and %s, starts, reads, reports and finishes are answered', async (_, answer) => {
		const { id, options } = keyed()
		const away = awayFor(id, answer)
		await uploaded({ ...options, query: '?convert=false' })
		expect((await commanded(id, { action: 'start' })).status).toBe(202)
		const lease = await open(id, 17)
		expect(await gate.report({ documentId: id, fence: lease.fence, rendered: 1 })).toBe('go on')
		const next = await finishAndGoOn(lease)
		expect((await statusOf(id)).readyPages).toBe('1')
		expect((await commanded(id, { action: 'start', onActive: 'replace' })).status).toBe(202)
		expect(await finish(next)).toEqual({ verdict: 'stop' })
		await convertAll(id, 3)
		expect((await statusOf(id)).status).toBe('completed')
		expect((await call(`/api/documents/${id}/pages`)).status).toBe(200)
		expect(away.asked).toBeGreaterThan(0)
		expect(await documentRow(id)).toBeNull()
	})

	test('it is asked again by the alarm, ever less often, and has everything when it is back', async () => {
		later(0)
		const { id, options } = keyed()
		const away = awayFor(id, refuses)
		await uploaded(options)
		for (let count = 0; count < 3; count++) await commanded(id, { action: 'start', onActive: 'replace' })
		await convertAll(id, 2)
		for (const [index, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
			await expect.poll(() => away.asked).toBe(index + 1)
			await expect.poll(async () => ((await alarmOf(id)) ?? 0) - Date.now()).toBe(seconds * SECOND)
			later(seconds * SECOND - 1)
			await ring(id)
			expect(away.asked).toBe(index + 1)
			later(1)
			if (index < 7) await ring(id)
		}
		expect(await documentRow(id)).toBeNull()
		away.isBack = true
		await evict(id)
		await ring(id)
		await expect
			.poll(async () => (await jobRows(id)).map(({ status }) => status))
			.toEqual(['cancelled', 'cancelled', 'cancelled', 'completed'])
		expect(await documentRow(id)).toMatchObject({ status: 'completed', total_pages: 2 })
		// Then it is left alone.
		later(2 * HOUR)
		await ring(id)
		const { asked } = away
		later(MINUTE)
		await ring(id)
		expect(await alarmOf(id)).toBeNull()
		expect(away.asked).toBe(asked)
	})

	test('an answer that does not come is not waited for for ever', async () => {
		const wait = globalThis.setTimeout
		// The ten seconds that it is given pass at once.
		vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, milliseconds?: number) =>
			wait(run, milliseconds === 10 * SECOND ? 1 : milliseconds)) as typeof setTimeout)
		later(0)
		const { id, options } = keyed()
		const away = awayFor(id, () => new Promise(() => undefined))
		await uploaded(options)
		await expect.poll(() => away.asked).toBe(1)
		await expect.poll(async () => (await alarmOf(id)) ?? 0).toBe(Date.now() + SECOND)
		vi.mocked(globalThis.setTimeout).mockRestore()
		away.isBack = true
		later(SECOND)
		await ring(id)
		await expect.poll(() => jobRows(id)).toMatchObject([{ status: 'queued' }])
	})

	test('an answer that got lost costs nothing but to say it again', async () => {
		const { id, options } = keyed()
		const away = awayFor(id, async (ask) => {
			await ask()
			throw new Error('the answer got lost')
		})
		await uploaded(options)
		await expect.poll(() => away.asked).toBe(1)
		await expect.poll(async () => ((await alarmOf(id)) ?? 0) - Date.now()).toBeLessThan(2 * SECOND)
		away.isBack = true
		later(2 * SECOND)
		await ring(id)
		await expect.poll(() => away.asked).toBe(2)
		expect(await jobRows(id)).toMatchObject([{ status: 'queued' }])
	})

	test('a document that is erased is a tombstone when it is back, with its jobs', async () => {
		const { id, options } = keyed({ 'X-Filename': 'secret.pdf' })
		const away = awayFor(id, refuses)
		await uploaded(options)
		await leaseOf(id)
		await erase(id)
		await expect.poll(() => away.asked).toBeGreaterThan(0)
		away.isBack = true
		later(MINUTE)
		await evict(id)
		await ring(id)
		await expect.poll(() => documentRow(id)).toMatchObject({ name: '', status: 'cancelled' })
		expect((await documentRow(id))?.erased_at).not.toBeNull()
		expect(await jobRows(id)).toMatchObject([{ status: 'cancelled' }])
	})

	test('a job whose leases are lost asks nothing of it', async () => {
		const { id, options } = keyed()
		const away = awayFor(id, (ask) => ask())
		await uploaded(options)
		await expect.poll(() => jobRows(id)).toHaveLength(1)
		await open(id, 3)
		await loseLeases(id)
		await leaseOf(id)
		await loseLeases(id)
		expect(away.asked).toBe(1)
		expect(await jobRows(id)).toMatchObject([{ status: 'queued', retry_count: 0 }])
	})
})

describe('the tables', () => {
	test('know no job without its document', async () => {
		const { document } = await uploaded()
		await expect.poll(() => jobRows(document.id)).toHaveLength(1)
		const [row] = await jobRows(document.id)
		const columns = Object.keys(row ?? {})
		const insert = (documentId: string) =>
			env.HISTORY.prepare(
				`INSERT INTO conversion_jobs (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
			)
				.bind(...Object.values({ ...row, document_id: documentId, number: 2 }))
				.run()
		await expect(insert(crypto.randomUUID())).rejects.toThrow(/FOREIGN KEY/)
		expect((await insert(document.id)).success).toBe(true)
		await expect(env.HISTORY.prepare('DELETE FROM documents WHERE id = ?').bind(document.id).run()).rejects.toThrow(
			/FOREIGN KEY/,
		)
	})

	test('answer what is stuck from an index that holds active jobs only', async () => {
		const { document: active } = await uploaded()
		const { document: completed } = await uploaded()
		await convertAll(completed.id, 1)
		await expect.poll(() => jobRows(completed.id)).toMatchObject([{ status: 'completed' }])
		await expect.poll(() => jobRows(active.id)).toHaveLength(1)
		const asked: string[] = []
		const spied = new Proxy(env.HISTORY, {
			get(target, name) {
				if (name === 'prepare') {
					return (query: string) => {
						asked.push(query)
						return target.prepare(query)
					}
				}
				const value = Reflect.get(target, name)
				return typeof value === 'function' ? value.bind(target) : value
			},
		})
		const now = Date.now() + MINUTE
		const found = await new DocumentHistory(spied).activeSince(now, now, '80000000', 100)
		expect(found).toContain(active.id)
		expect(found).not.toContain(completed.id)
		expect(asked.length).toBeGreaterThan(0)
		for (const query of asked) {
			const bindings = Array.from({ length: query.split('?').length - 1 }, () => 1)
			const plan = await env.HISTORY.prepare(`EXPLAIN QUERY PLAN ${query}`)
				.bind(...bindings)
				.all<{ detail: string }>()
			const details = plan.results.map(({ detail }) => detail)
			expect(details).toEqual([expect.stringMatching(/^SEARCH conversion_jobs USING INDEX conversion_jobs_active/)])
		}
	})
})
