import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/core/job/event.ts'
import { LEASE_DURATION } from '../../src/core/job/rules/work.ts'
import type { Priority } from '../../src/core/snapshot.ts'
import { opened, Scenario, START } from './scenario.ts'

const RETRY = {
	type: 'retry',
	jobId: 'job-2',
	priority: null,
	maxPriority: 'urgent',
	maxRetries: null,
	options: null,
} as const satisfies Event

/** A job of 40 pages that was cancelled when 17 of them were ready. */
function cancelled(): Scenario {
	const { scenario, fence } = opened(40)
	scenario.finish(fence)
	scenario.finish(scenario.lease())
	scenario.do({ type: 'cancel' })
	return scenario
}

describe('a start while a job is active', () => {
	test('gives that one back, unless told otherwise', () => {
		const { scenario } = opened(3)
		expect(scenario.do({ ...START, jobId: 'job-2' })).toEqual({ outcome: 'existing' })
		expect(scenario.do({ ...START, jobId: 'job-2', onActive: 'reject' })).toEqual({ outcome: 'active' })
		expect(scenario.snapshot().jobId).toBe('job-1')
	})

	test('can take its place: the one ends cancelled, the other begins, and both are written down at once', () => {
		const { scenario, fence } = opened(3)
		const [version, writes] = [scenario.version(), scenario.writes]
		expect(scenario.do({ ...START, jobId: 'job-2', onActive: 'replace' })).toEqual({ outcome: 'accepted' })
		expect(scenario.writes).toBe(writes + 1)
		expect(scenario.closed?.job).toMatchObject({
			id: 'job-1',
			phase: { status: 'cancelled', progress: 25 },
			chunks: [],
		})
		expect(scenario.closed?.milestone).toBeGreaterThan(version / 1000)
		expect(scenario.conversion.milestone).toBeGreaterThan(scenario.closed?.milestone ?? Number.NaN)
		expect(scenario.snapshot()).toMatchObject({ jobId: 'job-2', status: 'queued', progress: 0 })
		expect(scenario.do({ type: 'report', fence, rendered: 1 })).toEqual({ outcome: 'stale' })
	})
})

describe('a cancel', () => {
	test('ends the job at once, which keeps its percent and its pages', () => {
		const scenario = cancelled()
		expect(scenario.snapshot()).toMatchObject({ status: 'cancelled', readyPages: '1-17', progress: 50, failure: null })
	})

	test('changes nothing when there is nothing to cancel', () => {
		const scenario = new Scenario()
		expect(scenario.do({ type: 'cancel' })).toEqual({ outcome: 'unchanged' })
		const { scenario: done, fence } = opened(1)
		done.finish(fence)
		const before = done.conversion
		expect(done.do({ type: 'cancel' })).toEqual({ outcome: 'unchanged' })
		expect(done.conversion).toBe(before)
	})
})

describe('a retry', () => {
	test('is another job that goes on where the last one ended', () => {
		const scenario = cancelled()
		expect(scenario.do(RETRY)).toEqual({ outcome: 'accepted' })
		expect(scenario.snapshot()).toMatchObject({
			jobId: 'job-2',
			status: 'queued',
			progress: 0,
			readyPages: '1-17',
			totalPages: 40,
		})
		expect(scenario.conversion.job?.packsFrom).toBe(1)
		let fence: number | null = scenario.lease()
		while (fence) {
			const finished = scenario.finish(fence, { more: true })
			fence = finished.outcome === 'accepted' ? (finished.next?.fence ?? null) : null
		}
		expect(scenario.snapshot()).toMatchObject({ status: 'completed', readyPages: '1-40' })
	})

	test('of a retry still begins with the packs of the first', () => {
		const scenario = cancelled()
		scenario.do(RETRY)
		scenario.do({ type: 'cancel' })
		scenario.do({ ...RETRY, jobId: 'job-3' })
		expect(scenario.conversion.job).toMatchObject({ id: 'job-3', packsFrom: 1 })
	})

	test('of a document that was never opened begins anew', () => {
		const scenario = new Scenario()
		scenario.do(START)
		scenario.do({ type: 'fail', fence: scenario.lease(), code: 'invalid_document', random: 0 })
		expect(scenario.do(RETRY)).toEqual({ outcome: 'accepted' })
		expect(scenario.conversion.job).toMatchObject({ id: 'job-2', packsFrom: null, totalPages: null })
		expect(scenario.lease()).toBe(2)
	})

	test('is refused when there is nothing to try again, or with other options', () => {
		const scenario = new Scenario()
		expect(scenario.do(RETRY)).toEqual({ outcome: 'nothing_to_retry' })
		scenario.do(START)
		expect(scenario.do(RETRY)).toEqual({ outcome: 'nothing_to_retry' })
		scenario.do({ type: 'cancel' })
		expect(scenario.do({ ...RETRY, options: { quality: 'high' } })).toEqual({ outcome: 'options_differ' })
		expect(scenario.do({ ...RETRY, options: { quality: 'medium' } })).toEqual({ outcome: 'accepted' })
	})

	test('page 1 is still alone and first when it is missing', () => {
		const { scenario, fence } = opened(20)
		scenario.finish(scenario.lease())
		scenario.do({ type: 'fail', fence, code: 'internal', random: 0 })
		scenario.do({ type: 'cancel' })
		scenario.do(RETRY)
		expect(scenario.conversion.job?.chunks.map(({ pages }) => pages)).toEqual([
			{ first: 1, last: 1 },
			{ first: 18, last: 20 },
		])
	})
})

describe('a priority', () => {
	const started = (priority: Priority, maxPriority: Priority) => {
		const scenario = new Scenario()
		scenario.do({ ...START, priority, maxPriority })
		return scenario
	}

	test.each([
		['urgent', 'normal', 'normal'],
		['urgent', 'high', 'high'],
		['high', 'low', 'low'],
		['urgent', 'urgent', 'urgent'],
		['low', 'high', 'low'],
	] as const)('%s of a caller who may have %s is %s, and what was asked for is said', (asked, most, given) => {
		expect(started(asked, most).snapshot()).toMatchObject({ priority: given, requestedPriority: asked })
	})

	test('of a retry is the one before, unless it says another, and no more than its caller may have', () => {
		const retried = (priority: Priority | null, maxPriority: Priority) => {
			const scenario = started('urgent', 'urgent')
			scenario.do({ type: 'cancel' })
			scenario.do({ ...RETRY, priority, maxPriority })
			const { priority: given, requestedPriority } = scenario.snapshot()
			return [given, requestedPriority]
		}
		expect(retried(null, 'urgent')).toEqual(['urgent', 'urgent'])
		expect(retried(null, 'normal')).toEqual(['normal', 'urgent'])
		expect(retried('high', 'normal')).toEqual(['normal', 'high'])
		expect(retried('low', 'normal')).toEqual(['low', 'low'])
	})
})

describe('a chunk that is lost', () => {
	test('twice is taken apart, so that one page fails and the others do not', () => {
		const { scenario, fence } = opened(5)
		scenario.finish(fence)
		const poison = 4
		for (let round = 0; round < 60 && scenario.snapshot().status === 'processing'; round++) {
			const outcome = scenario.do({ type: 'lease', jobId: 'job-1' })
			if (outcome.outcome === 'leased') {
				const { fence, pages } = outcome.grant
				if (pages.first > poison || pages.last < poison) scenario.finish(fence)
			}
			scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0.5 })
		}
		expect(scenario.snapshot()).toMatchObject({
			status: 'completed',
			readyPages: '1-3,5',
			failedPages: [{ page: poison, code: 'converter_lost' }],
		})
	})

	test('gives each page a try of its own, also when nothing may be tried again', () => {
		const scenario = new Scenario()
		scenario.do({ ...START, maxRetries: 0 })
		const first = scenario.lease()
		scenario.do({ type: 'opened', fence: first, pageCount: 3 })
		scenario.finish(first)
		scenario.do({ type: 'fail', fence: scenario.lease(), code: 'internal', random: 0 })
		expect(scenario.conversion.job?.chunks).toHaveLength(2)
		scenario.do({ type: 'fail', fence: scenario.lease(), code: 'internal', random: 0 })
		scenario.finish(scenario.lease())
		expect(scenario.snapshot()).toMatchObject({
			status: 'completed',
			readyPages: '1,3',
			failedPages: [{ page: 2, code: 'internal' }],
		})
	})

	test('waits longer each time, up to the most, and for a random part of it', () => {
		const scenario = new Scenario()
		scenario.do({ ...START, maxRetries: 10, retryPolicy: { baseDelay: 100, maxDelay: 400 } })
		const waits = [0.999, 0.999, 0.999, 0.999, 0.5].map((random) => {
			scenario.do({ type: 'fail', fence: scenario.lease(), code: 'internal', random })
			const [chunk] = scenario.conversion.job?.chunks ?? []
			const wait = chunk?.state === 'waiting' ? chunk.notBefore - scenario.now : Number.NaN
			scenario.after(400)
			return wait
		})
		expect(waits).toEqual([99, 199, 399, 399, 200])
	})

	test('is lost at last also to a converter that reports for ever', () => {
		const { scenario, fence } = opened(3)
		let verdict = 'current'
		for (let second = 0; second < 1_200 && verdict === 'current'; second += 10) {
			scenario.after(10_000).do({ type: 'tick', random: 0 })
			verdict = scenario.do({ type: 'report', fence, rendered: 0 }).outcome
		}
		expect(verdict).toBe('stale')
		expect(scenario.snapshot()).toMatchObject({ status: 'processing', retryCount: 1 })
	})
})
