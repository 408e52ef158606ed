import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DocumentObject } from '../../src/api/document/object.ts'
import type { Lease } from '../../src/core/gate.ts'
import { LEASE_DURATION, LONGEST_LEASE } from '../../src/core/job/rules/work.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import {
	alarmOf,
	evict,
	filesOf,
	jobRows,
	later,
	lineup,
	loseLeases,
	MINUTE,
	objectOf,
	ring,
	rowsOf,
	waitingOf,
} from './inside.ts'
import {
	bytesAt,
	claim,
	command,
	commanded,
	convertAll,
	erase,
	finish,
	finishAndGoOn,
	finishAndTakeNext,
	gate,
	leaseOf,
	manifestOf,
	open,
	packFor,
	standing,
	statusOf,
	streamOf,
	uploaded,
} from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

describe('a thousand starts at once', () => {
	test('of one document are one job', { timeout: 60_000 }, async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const answers = await Promise.all(
			Array.from({ length: 1_000 }, async () => {
				const response = await command(document.id, { action: 'start' })
				return { status: response.status, jobId: (await response.json<Snapshot>()).jobId }
			}),
		)
		expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(999)
		expect(new Set(answers.map(({ jobId }) => jobId)).size).toBe(1)
		expect(await rowsOf(document.id, 'job')).toEqual([0, 1])
		await expect.poll(() => jobRows(document.id)).toHaveLength(1)
		await expect.poll(() => waitingOf(document.id)).toMatchObject({ want: 1, job_id: answers[0]?.jobId })
	})
})

describe('a page that kills its converters', () => {
	/** A converter that dies over one page, and renders the others of its lease one after another. */
	async function work(lease: Lease, poison: number): Promise<Lease | null> {
		if (lease.pages.first <= poison && poison <= lease.pages.last) return null
		const finished = await finish(lease, { more: true })
		return finished.verdict === 'go on' ? finished.next : null
	}

	test('is all that is lost of its document: its chunk is taken apart', async () => {
		later(0)
		const { document, conversion } = await uploaded()
		let lease: Lease | null = await open(document.id, 17)
		const taken: string[] = []
		let percent = 0
		for (let turn = 0; turn < 100; turn++) {
			if (lease) {
				taken.push(`${lease.pages.first}-${lease.pages.last}`)
				lease = await work(lease, 7)
			} else {
				await loseLeases(document.id)
				lease = await gate.lease({ documentId: document.id, jobId: conversion.jobId })
			}
			const { status, progress } = await statusOf(document.id)
			expect(progress).toBeGreaterThanOrEqual(percent)
			percent = progress
			if (status !== 'processing') break
		}
		const ended = await statusOf(document.id)
		expect(ended).toMatchObject({
			status: 'completed',
			readyPages: '1-6,8-17',
			failedPages: [{ page: 7, code: 'converter_lost' }],
			failedPageCount: 1,
		})
		expect(ended.retryCount).toBeLessThanOrEqual(ended.maxRetries)
		// Twice as a whole, then each by itself, and the one as often as its retries allow.
		expect(taken.filter((range) => range === '2-17')).toHaveLength(2)
		expect(taken.filter((range) => range === '7-7')).toHaveLength(2)
		expect(taken.filter((range) => range === '8-8')).toHaveLength(1)
		const { pages } = await manifestOf(document.id)
		expect(pages.filter(({ state }) => state === 'failed').map(({ page }) => page)).toEqual([7])
		for (const { page, imageUrl } of pages) {
			if (page !== 7) expect(await bytesAt(imageUrl)).toMatch(`image of page ${page} by`)
		}
	})

	test('ends its document when it is the first, within its retries', async () => {
		later(0)
		const { document } = await uploaded()
		for (let loss = 0; loss <= 3; loss++) {
			await leaseOf(document.id)
			await loseLeases(document.id)
		}
		expect(await statusOf(document.id)).toMatchObject({
			status: 'failed',
			retryCount: 3,
			failure: { code: 'converter_lost', retryable: true },
		})
	})

	test('does not hold up the hundred documents beside it', { timeout: 120_000 }, async () => {
		later(0)
		const poison = (await uploaded({ query: '?priority=normal' })).document.id
		const healthy: string[] = []
		for (let batch = 0; batch < 10; batch++) {
			const some = await Promise.all(Array.from({ length: 10 }, () => uploaded()))
			healthy.push(...some.map(({ document }) => document.id))
		}
		const unfinished = new Set([poison, ...healthy])
		await expect.poll(() => waitingOf(healthy.at(-1) ?? '')).not.toBeNull()
		let deaths = 0
		// Converters come by the lineup, in its order; each dies over the poison.
		for (let turn = 0; unfinished.size > 0 && turn < 500; turn++) {
			const claimed = await claim({ nudged: true })
			if (!claimed) {
				later(LEASE_DURATION + 1)
				await Promise.all([...unfinished].map((id) => ring(id)))
				later(MINUTE)
				await Promise.all([...unfinished].map((id) => ring(id)))
				if ((await statusOf(poison)).status === 'failed') unfinished.delete(poison)
				continue
			}
			const lease = await gate.lease(claimed)
			if (!lease) continue
			if (lease.documentId === poison) {
				deaths += 1
				continue
			}
			await gate.opened({ documentId: lease.documentId, fence: lease.fence, pageCount: 1 })
			expect(await finish(lease, { more: true })).toEqual({ verdict: 'go on', next: null })
			unfinished.delete(lease.documentId)
		}
		expect([...unfinished]).toEqual([])
		expect(deaths).toBe(4)
		expect(await statusOf(poison)).toMatchObject({ status: 'failed', failure: { code: 'converter_lost' } })
		const ended = await Promise.all(healthy.map((id) => statusOf(id)))
		expect(ended.filter(({ status, retryCount }) => status === 'completed' && retryCount === 0)).toHaveLength(100)
		await expect.poll(() => waitingOf(poison)).toBeNull()
	})

	test('that reports for ever, as one that goes round in circles, is lost as well', async () => {
		later(0)
		const { document } = await uploaded({ query: '?convert=false' })
		await commanded(document.id, { action: 'start', maxRetries: 0 })
		const { fence } = await leaseOf(document.id)
		const begun = Date.now()
		let turns = 0
		while ((await gate.report({ documentId: document.id, fence, rendered: 0 })) === 'go on' && turns++ < 100) {
			later(LEASE_DURATION / 3)
			await ring(document.id)
		}
		expect(Date.now() - begun).toBeGreaterThanOrEqual(LONGEST_LEASE)
		expect(Date.now() - begun).toBeLessThanOrEqual(LONGEST_LEASE + LEASE_DURATION)
		expect(await statusOf(document.id)).toMatchObject({ status: 'failed', failure: { code: 'deadline_exceeded' } })
	})
})

describe('an alarm that meets an error', () => {
	/** Writing fails in the object, so many times. */
	async function failWrites(id: string, times: number): Promise<{ left: () => number }> {
		let left = times
		await runInDurableObject(objectOf(id), (_, state) => {
			const own = state.storage.sql
			const prototype = Object.getPrototypeOf(own)
			const exec = prototype.exec
			vi.spyOn(prototype, 'exec').mockImplementation(function (this: SqlStorage, ...parameters) {
				if (this === own && left > 0 && String(parameters[0]).startsWith('INSERT INTO record')) {
					left -= 1
					throw new Error('the disk is full')
				}
				return exec.apply(this, parameters)
			})
		})
		return { left: () => left }
	}

	test('is set again, and nothing is lost', async () => {
		const error = vi.spyOn(console, 'error').mockReturnValue()
		later(0)
		const { document } = await uploaded()
		await finishAndGoOn(await open(document.id, 3))
		later(LEASE_DURATION + 1)
		const before = await statusOf(document.id)
		const failing = await failWrites(document.id, 1)
		await ring(document.id)
		expect(failing.left()).toBe(0)
		expect(error).toHaveBeenCalledWith('The alarm of a document failed', {
			documentId: document.id,
			error: 'Error: the disk is full',
		})
		// What could not be written down was not said either.
		expect(await statusOf(document.id)).toEqual(before)
		expect(await alarmOf(document.id)).toBe(Date.now() + MINUTE)
		later(MINUTE)
		await ring(document.id)
		expect(await statusOf(document.id)).toMatchObject({ status: 'processing', retryCount: 1, readyPages: '1' })
		later(MINUTE)
		await finish(await leaseOf(document.id), { more: true })
		expect(await statusOf(document.id)).toMatchObject({ status: 'completed', readyPages: '1-3' })
	})

	test('comes again as often as it must', async () => {
		vi.spyOn(console, 'error').mockReturnValue()
		later(0)
		const { document } = await uploaded()
		await leaseOf(document.id)
		const failing = await failWrites(document.id, 20)
		for (let count = 1; count <= 20; count++) {
			later(MINUTE)
			await ring(document.id)
			expect(failing.left()).toBe(20 - count)
			expect(await alarmOf(document.id)).toBe(Date.now() + MINUTE)
		}
		later(MINUTE)
		await ring(document.id)
		expect((await statusOf(document.id)).retryCount).toBe(1)
	})

	test('in what it cannot even begin is set again as well', async () => {
		vi.spyOn(console, 'error').mockReturnValue()
		later(0)
		const { document } = await uploaded()
		const own = await runInDurableObject(objectOf(document.id), (instance) => instance)
		const poke = DocumentObject.prototype.poke
		vi.spyOn(DocumentObject.prototype, 'poke').mockImplementation(function (this: DocumentObject) {
			if (this === own) throw new Error('a bug')
			poke.call(this)
		})
		later(MINUTE)
		await ring(document.id)
		expect(await alarmOf(document.id)).toBe(Date.now() + MINUTE)
	})

	test('is not the only one: a call that meets it is refused, and can be repeated', async () => {
		vi.spyOn(console, 'error').mockReturnValue()
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		await failWrites(document.id, 1)
		expect((await command(document.id, { action: 'cancel' })).status).toBe(500)
		expect(await statusOf(document.id)).toEqual(conversion)
		expect((await commanded(document.id, { action: 'cancel' })).snapshot.status).toBe('cancelled')
		await evict(document.id)
		expect((await statusOf(document.id)).status).toBe('cancelled')
	})
})

describe('what converters say', () => {
	test('twice, late or out of order never takes anything back', async () => {
		const { document } = await uploaded()
		const first = await open(document.id, 33)
		const second = await finishAndGoOn(first)
		const third = await leaseOf(document.id)
		const versions: number[] = []
		const percents: number[] = []
		const look = async () => {
			const { version, progress } = await statusOf(document.id)
			versions.push(version)
			percents.push(progress)
		}
		const report = async ({ fence }: Lease, rendered: number) => {
			const verdict = await gate.report({ documentId: document.id, fence, rendered })
			await look()
			return verdict
		}
		for (const rendered of [5, 3, 5, 0, 9, 1_000, 2]) expect(await report(second, rendered)).toBe('go on')
		expect((await statusOf(document.id)).processedPages).toBe(17)
		// The later chunk is finished first, and opened is said once more.
		expect((await finish(third)).verdict).toBe('go on')
		await look()
		expect(await gate.opened({ documentId: document.id, fence: second.fence, pageCount: 99 })).toBe('go on')
		await look()
		expect(await report(third, 16)).toBe('stop')
		expect(await report(first, 1)).toBe('stop')
		const answers = await Promise.all([finish(second), finish(second), finish(second)])
		expect(answers.map(({ verdict }) => verdict)).toEqual(['go on', 'go on', 'go on'])
		await look()
		const done = await statusOf(document.id)
		expect(done).toMatchObject({ status: 'completed', readyPages: '1-33', totalPages: 33, failedPageCount: 0 })
		for (const late of [first, second, third]) {
			expect((await finish(late)).verdict).toBe('go on')
			expect(await report(late, 16)).toBe('stop')
			expect(await gate.fail({ documentId: document.id, fence: late.fence, code: 'internal' })).toBe('stop')
			expect(await gate.opened({ documentId: document.id, fence: late.fence, pageCount: 1 })).toBe('stop')
		}
		expect(await statusOf(document.id)).toEqual(done)
		expect(versions).toEqual(versions.toSorted((one, other) => one - other))
		expect(percents).toEqual(percents.toSorted((one, other) => one - other))
		expect(await filesOf(document.id)).toHaveLength(4)
		await expect.poll(() => jobRows(document.id)).toHaveLength(1)
	})

	test('under one fence counts once, whichever finish comes first', async () => {
		const { document } = await uploaded()
		const lease = await finishAndGoOn(await open(document.id, 17))
		const { documentId, fence } = lease
		const whole = packFor(lease)
		const half = packFor(lease, 9)
		const say = ({ bytes, pack }: typeof whole, through: number) =>
			gate.finish({ documentId, fence, through, failed: [], pack, more: false }, streamOf(bytes))
		const answers = await Promise.all([say(half, 9), say(whole, 17)])
		expect(answers.filter(({ verdict }) => verdict === 'go on')).toHaveLength(1)
		const { readyPages } = await statusOf(document.id)
		expect(['1-9', '1-17']).toContain(readyPages)
		const { pages } = await manifestOf(document.id)
		for (const { page, imageUrl } of pages) expect(await bytesAt(imageUrl)).toMatch(`image of page ${page} by`)
	})

	test('is nothing while they hold no lease', async () => {
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		for (const fence of [1, 2, 1_000]) {
			const holder = { documentId: document.id, fence }
			expect(await gate.report({ ...holder, rendered: 1 })).toBe('stop')
			expect(await gate.opened({ ...holder, pageCount: 5 })).toBe('stop')
			expect(await gate.fail({ ...holder, code: 'internal' })).toBe('stop')
			expect(await gate.source(holder)).toBeNull()
		}
		expect(await statusOf(document.id)).toEqual(conversion)
	})

	test('of a document that there is not stores nothing', async () => {
		const documentId = crypto.randomUUID()
		const holder = { documentId, fence: 1 }
		expect(await gate.report({ ...holder, rendered: 1 })).toBe('stop')
		expect(await gate.lease({ documentId, jobId: crypto.randomUUID() })).toBeNull()
		const { bytes, pack } = packFor({
			...holder,
			jobId: crypto.randomUUID(),
			pages: { first: 1, last: 1 },
			options: { quality: 'medium' },
			pageCount: 1,
			source: { size: 1, contentType: 'application/pdf' },
			password: null,
		})
		const finished = await gate.finish({ ...holder, through: 1, failed: [], pack, more: false }, streamOf(bytes))
		expect(finished).toEqual({ verdict: 'stop' })
		expect(await filesOf(documentId)).toEqual([])
	})
})

describe('what the release before wrote down', () => {
	const createdAt = Date.now() - MINUTE

	/** A job's row as the release before wrote it: without number, life, sweepAt, packsFrom, retryPolicy or endsAt. */
	function oldConversion(jobId: string, job: object, rest: object = {}) {
		return {
			sequence: 1,
			tick: 0,
			fence: 0,
			milestone: 1,
			told: { want: 0, wantAt: 0, wantMisses: 0, history: 0, historyAt: 0, historyMisses: 0 },
			updatedAt: createdAt,
			...rest,
			job: {
				id: jobId,
				options: { quality: 'medium' },
				priority: 'normal',
				maxRetries: 3,
				createdAt,
				phase: { status: 'queued' },
				pageCount: null,
				totalPages: null,
				chunks: [{ state: 'waiting', pages: { first: 1, last: 1 }, losses: 0, notBefore: 0 }],
				ready: [],
				failedPages: [],
				retryCount: 0,
				firstPageAt: null,
				progress: { floor: 0, ceiling: 0 },
				...job,
			},
		}
	}

	type Row = [kind: string, number: number, content: object]

	/** A document that the release before has left, as it finds itself after the deploy. */
	async function left(jobs: (jobId: string) => Row[]): Promise<{ id: string; jobId: string }> {
		const [id, jobId] = [crypto.randomUUID(), crypto.randomUUID()]
		await env.FILES.put(`${id}/source`, '%PDF-1.7 old')
		const owner = { tenant: 'default', sub: 'alice' }
		const file = { externalId: null, name: 'old.pdf', contentType: 'application/pdf', size: 12, createdAt }
		await runInDurableObject(objectOf(id), (_, { storage }) => {
			storage.sql.exec(`CREATE TABLE record (
				kind TEXT NOT NULL, number INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (kind, number)
			) STRICT, WITHOUT ROWID`)
			for (const [kind, number, content] of [['document', 0, { id, owner, ...file }] as Row, ...jobs(jobId)]) {
				storage.sql.exec('INSERT INTO record VALUES (?, ?, ?)', kind, number, JSON.stringify(content))
			}
			return storage.setAlarm(Date.now() + MINUTE)
		})
		await evict(id)
		return { id, jobId }
	}

	test('that waits goes on to completion', async () => {
		const { id, jobId } = await left((job) => [['job', 1, oldConversion(job, {})]])
		const before = await statusOf(id)
		expect(before).toMatchObject({ jobId, status: 'queued', version: 2_000, maxRetries: 3 })
		await ring(id)
		await expect.poll(() => waitingOf(id)).toMatchObject({ want: 1, job_id: jobId })
		await convertAll(id, 20)
		expect(await statusOf(id)).toMatchObject({ status: 'completed', readyPages: '1-20' })
		await expect.poll(() => jobRows(id)).toMatchObject([{ id: jobId, number: 1, status: 'completed' }])
	})

	test('in the middle of the work goes on to completion, and neither percent nor version fall', async () => {
		const expiresAt = Date.now() + LEASE_DURATION
		const first = packFor({ fence: 1, pages: { first: 1, last: 1 } } as Lease)
		const { id, jobId } = await left((job) => [
			[
				'job',
				1,
				oldConversion(
					job,
					{
						phase: { status: 'processing', startedAt: createdAt },
						pageCount: 33,
						totalPages: 33,
						ready: [{ first: 1, last: 1 }],
						chunks: [
							{ state: 'leased', pages: { first: 2, last: 17 }, losses: 1, fence: 3, expiresAt, rendered: 4 },
							{ state: 'waiting', pages: { first: 18, last: 33 }, losses: 0, notBefore: 0 },
						],
						retryCount: 1,
						firstPageAt: createdAt,
						progress: { floor: 34, ceiling: 54 },
					},
					{ sequence: 9, fence: 3 },
				),
			],
			['pack', 1, { job: 1, digest: first.pack.digest, index: first.pack.index }],
		])
		await env.FILES.put(`${id}/pack-1.zip`, first.bytes)
		const seen: Snapshot[] = [await statusOf(id)]
		expect(seen[0]).toMatchObject({ jobId, status: 'processing', readyPages: '1', retryCount: 1 })
		expect(seen[0]?.version).toBeGreaterThan(9_000)
		expect(seen[0]?.progress).toBeGreaterThanOrEqual(54)
		// Its converter has lived through the deploy.
		expect(await gate.report({ documentId: id, fence: 3, rendered: 5 })).toBe('go on')
		seen.push(await statusOf(id))
		await evict(id)
		const half = packFor({ fence: 3, pages: { first: 2, last: 17 } } as Lease, 9)
		const finished = await gate.finish(
			{ documentId: id, fence: 3, through: 9, failed: [], pack: half.pack, more: true },
			streamOf(half.bytes),
		)
		if (finished.verdict === 'stop') throw new Error('the old lease was lost')
		let lease = finished.verdict === 'yield' ? await leaseOf(id) : finished.next
		while (lease) {
			expect(lease.fence).toBeGreaterThan(3)
			seen.push(await statusOf(id))
			lease = await finishAndTakeNext(lease)
		}
		seen.push(await statusOf(id))
		expect(seen.at(-1)).toMatchObject({ status: 'completed', progress: 100, readyPages: '1-33', retryCount: 1 })
		const versions = seen.map(({ version }) => version)
		const percents = seen.map(({ progress }) => progress)
		expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other))
		expect(percents).toEqual(percents.toSorted((one, other) => one - other))
		const { pages } = await manifestOf(id)
		expect(pages).toHaveLength(33)
		for (const { page, imageUrl } of pages) expect(await bytesAt(imageUrl)).toMatch(`image of page ${page} by`)
	})

	test('with a lease that has expired meanwhile goes to another converter', async () => {
		const { id } = await left((job) => [
			[
				'job',
				1,
				oldConversion(
					job,
					{
						phase: { status: 'processing', startedAt: createdAt },
						chunks: [
							{
								state: 'leased',
								pages: { first: 1, last: 1 },
								losses: 0,
								fence: 1,
								expiresAt: Date.now() - 1,
								rendered: 0,
							},
						],
						progress: { floor: 10, ceiling: 10 },
					},
					{ sequence: 2, fence: 1 },
				),
			],
		])
		await ring(id)
		expect(await statusOf(id)).toMatchObject({ status: 'processing', retryCount: 1 })
		later(MINUTE)
		await convertAll(id, 2)
		expect((await statusOf(id)).status).toBe('completed')
	})

	test('and is over can be seen, converted again, retried and erased', async () => {
		const first = packFor({ fence: 1, pages: { first: 1, last: 1 } } as Lease)
		const ended = { pageCount: 1, totalPages: 1, chunks: [], firstPageAt: createdAt }
		const completed = { status: 'completed', startedAt: createdAt, completedAt: createdAt }
		const cancelled = { status: 'cancelled', startedAt: null, completedAt: createdAt, progress: 10 }
		const { id } = await left((job) => [
			['job', 1, oldConversion(job, { ...ended, ready: [{ first: 1, last: 1 }], phase: completed })],
			[
				'job',
				2,
				oldConversion(crypto.randomUUID(), { chunks: [], phase: cancelled }, { sequence: 20, fence: 5, milestone: 20 }),
			],
			['pack', 1, { job: 1, digest: first.pack.digest, index: first.pack.index }],
		])
		await env.FILES.put(`${id}/pack-1.zip`, first.bytes)
		expect(await statusOf(id)).toMatchObject({ status: 'cancelled', version: 20_000 })
		expect((await manifestOf(id)).pages).toHaveLength(1)
		await expect
			.poll(() => jobRows(id))
			.toMatchObject([
				{ number: 1, status: 'completed' },
				{ number: 2, status: 'cancelled' },
			])
		const { snapshot } = await commanded(id, { action: 'retry' })
		expect(snapshot.version).toBeGreaterThan(20_000)
		const fences = await convertAll(id, 2)
		expect(fences[0]).toBe(6)
		expect((await manifestOf(id)).pages).toHaveLength(2)
		expect((await erase(id)).status).toBe(204)
		await expect.poll(() => filesOf(id)).toEqual([])
	})

	test('of a document that was never converted is one that can be', async () => {
		const { id } = await left(() => [['job', 0, { ...oldConversion('', {}), job: null }]])
		expect((await statusOf(id)).status).toBe('none')
		const { status, snapshot } = await commanded(id, { action: 'start' })
		expect(status).toBe(202)
		expect(snapshot.version).toBeGreaterThan(1_000)
		await convertAll(id, 1)
		expect((await statusOf(id)).status).toBe('completed')
	})

	test('of the lineup, in its old table, is no loss: whoever waits says so again', async () => {
		const { id, jobId } = await left((job) => [
			['job', 1, oldConversion(job, {}, { told: { ...oldConversion('', {}).told, want: 1, wantAt: createdAt } })],
		])
		await runInDurableObject(lineup(), (_, { storage }) => {
			storage.sql.exec(`CREATE TABLE IF NOT EXISTS entry (
				job_id TEXT PRIMARY KEY, document_id TEXT NOT NULL, priority TEXT NOT NULL, want INTEGER NOT NULL,
				seq INTEGER NOT NULL, sort_key REAL NOT NULL
			) STRICT, WITHOUT ROWID`)
			storage.sql.exec("INSERT INTO entry VALUES (?, ?, 'normal', 1, 1, ?)", jobId, id, createdAt)
		})
		await evictDurableObject(lineup())
		await ring(id)
		await expect.poll(() => waitingOf(id)).toMatchObject({ want: 1, job_id: jobId })
		const claims: unknown[] = []
		for (let claimed = await claim(); claimed; claimed = await claim()) claims.push(claimed)
		expect(claims).toContainEqual({ documentId: id, jobId })
	})
})
