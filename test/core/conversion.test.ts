import { describe, expect, test } from 'vitest'
import { versionOf } from '../../src/core/job/job.ts'
import { LEASE_DURATION, MAX_CONVERTERS } from '../../src/core/job/rules/work.ts'
import { MAX_PAGES } from '../../src/core/pages.ts'
import { opened, Scenario, START } from './scenario.ts'

describe('a conversion', () => {
	test('goes from queued through processing to completed, and 100 comes last', () => {
		const scenario = new Scenario()
		expect(scenario.snapshot().status).toBe('none')
		scenario.do(START)
		expect(scenario.snapshot()).toMatchObject({ status: 'queued', stage: 'queued', progress: 0, jobId: 'job-1' })
		const first = scenario.lease()
		expect(scenario.snapshot()).toMatchObject({ status: 'processing', stage: 'initializing', progress: 10 })
		scenario.do({ type: 'opened', fence: first, pageCount: 10 })
		expect(scenario.snapshot()).toMatchObject({ stage: 'extracting_pages', progress: 25, totalPages: 10 })
		scenario.finish(first)
		expect(scenario.snapshot()).toMatchObject({ stage: 'processing_pages', readyPages: '1', processedPages: 1 })
		const rest = scenario.lease()
		scenario.do({ type: 'report', fence: rest, rendered: 9 })
		expect(scenario.snapshot()).toMatchObject({ stage: 'uploading_pages', progress: 85, readyPages: '1' })
		scenario.finish(rest)
		expect(scenario.snapshot()).toMatchObject({
			status: 'completed',
			stage: 'completed',
			progress: 100,
			readyPages: '1-10',
			failure: null,
		})
	})

	test('of ten pages takes two packs', () => {
		const { scenario, fence } = opened(10)
		scenario.finish(fence)
		scenario.finish(scenario.lease())
		expect(scenario.snapshot().status).toBe('completed')
	})

	test('of selected pages converts only those that exist', () => {
		const scenario = new Scenario()
		scenario.do({ ...START, options: { quality: 'medium', pages: '3,7-9,50' } })
		const fence = scenario.lease()
		scenario.do({ type: 'opened', fence, pageCount: 8 })
		scenario.finish(fence)
		scenario.finish(scenario.lease())
		expect(scenario.snapshot()).toMatchObject({ status: 'completed', totalPages: 3, readyPages: '3,7-8' })
	})

	test('of pages that the document does not have fails', () => {
		const scenario = new Scenario()
		scenario.do({ ...START, options: { quality: 'medium', pages: '20' } })
		scenario.do({ type: 'opened', fence: scenario.lease(), pageCount: 8 })
		expect(scenario.snapshot()).toMatchObject({ status: 'failed', failure: { code: 'no_page_converted' } })
	})

	test('of more pages than can be converted fails with a code that says so', () => {
		const { scenario } = opened(MAX_PAGES + 1)
		expect(scenario.snapshot()).toMatchObject({ status: 'failed', failure: { code: 'too_many_pages' } })
	})

	test('is one at a time: a start while one is active, or done with the same options, gives the existing one', () => {
		const { scenario, fence } = opened(1)
		expect(scenario.do({ ...START, jobId: 'job-2' })).toEqual({ outcome: 'existing' })
		scenario.finish(fence)
		expect(scenario.do({ ...START, jobId: 'job-2' })).toEqual({ outcome: 'existing' })
		expect(scenario.snapshot().jobId).toBe('job-1')
		expect(scenario.do({ ...START, jobId: 'job-2', forceReconvert: true })).toEqual({ outcome: 'accepted' })
		expect(scenario.snapshot()).toMatchObject({ jobId: 'job-2', status: 'queued' })
	})

	test('with other options is a new job', () => {
		const { scenario, fence } = opened(1)
		scenario.finish(fence)
		const outcome = scenario.do({ ...START, jobId: 'job-2', options: { quality: 'high' } })
		expect(outcome).toEqual({ outcome: 'accepted' })
	})

	test('with some failed pages is completed and names them', () => {
		const { scenario, fence } = opened(4)
		scenario.finish(fence)
		scenario.finish(scenario.lease(), { failed: [3] })
		expect(scenario.snapshot()).toMatchObject({
			status: 'completed',
			readyPages: '1-2,4',
			failedPages: [{ page: 3, code: 'internal' }],
			failedPageCount: 1,
		})
	})

	test('without any page fails', () => {
		const { scenario, fence } = opened(3)
		scenario.finish(fence, { failed: [1] })
		scenario.finish(scenario.lease(), { failed: [2, 3] })
		expect(scenario.snapshot()).toMatchObject({ status: 'failed', failure: { code: 'no_page_converted' } })
	})

	test('of a damaged document fails at once, with the code of the damage', () => {
		const scenario = new Scenario()
		scenario.do(START)
		scenario.do({ type: 'fail', fence: scenario.lease(), code: 'invalid_document', random: 0.5 })
		expect(scenario.snapshot()).toMatchObject({
			status: 'failed',
			progress: 10,
			retryCount: 0,
			failure: { code: 'invalid_document', retryable: false },
			failedPages: [],
		})
	})
})

describe('a lease', () => {
	test('that is finished in part leaves the rest to another', () => {
		const { scenario, fence } = opened(10)
		scenario.finish(fence)
		scenario.finish(scenario.lease(), { through: 6 })
		expect(scenario.snapshot().readyPages).toBe('1-6')
		scenario.finish(scenario.lease())
		expect(scenario.snapshot()).toMatchObject({ status: 'completed', readyPages: '1-10' })
	})

	test('without reports is lost after its time, and its pages go to another after a pause', () => {
		const { scenario, fence } = opened(1)
		scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0.5 })
		expect(scenario.snapshot()).toMatchObject({ status: 'processing', retryCount: 1 })
		expect(scenario.snapshot().nextRetryAt).not.toBeNull()
		expect(scenario.finish(fence)).toEqual({ outcome: 'stale' })
		expect(() => scenario.lease()).toThrow()
		scenario.after(500).finish(scenario.lease())
		expect(scenario.snapshot()).toMatchObject({ status: 'completed', nextRetryAt: null })
	})

	test('lives on while its converter reports', () => {
		const { scenario, fence } = opened(1)
		for (let count = 0; count < 5; count++) {
			scenario.after(LEASE_DURATION - 1).do({ type: 'report', fence, rendered: 0 })
			scenario.do({ type: 'tick', random: 0.5 })
		}
		expect(scenario.finish(fence)).toEqual({ outcome: 'accepted', next: null })
	})

	test('that is lost too often fails its pages, and the job when no page is left', () => {
		const { scenario } = opened(1)
		for (let losses = 0; losses < 4; losses++) {
			scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0 })
			if (losses < 3) scenario.lease()
		}
		expect(scenario.snapshot()).toMatchObject({
			status: 'failed',
			retryCount: 3,
			failure: { code: 'converter_lost', retryable: true },
		})
	})

	test('that was superseded changes nothing, whatever its converter says', () => {
		const { scenario, fence } = opened(2)
		scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0 })
		const second = scenario.lease()
		expect(second).toBeGreaterThan(fence)
		const before = scenario.conversion
		expect(scenario.do({ type: 'report', fence, rendered: 1 })).toEqual({ outcome: 'stale' })
		expect(scenario.do({ type: 'opened', fence, pageCount: 5 })).toEqual({ outcome: 'stale' })
		expect(scenario.do({ type: 'fail', fence, code: 'internal', random: 0 })).toEqual({ outcome: 'stale' })
		expect(scenario.finish(fence)).toEqual({ outcome: 'stale' })
		expect(scenario.conversion.job).toBe(before.job)
		expect(scenario.version()).toBe(versionOf(before))
	})

	test('is refused when its pack does not hold exactly the pages it claims', () => {
		const { scenario, fence } = opened(1)
		const finish = { type: 'finish', fence, through: 1, failed: [], more: false } as const
		expect(scenario.do({ ...finish, converted: [] })).toEqual({ outcome: 'stale' })
		expect(scenario.do({ ...finish, converted: [1, 2] })).toEqual({ outcome: 'stale' })
		expect(scenario.do({ ...finish, converted: [1] })).toEqual({ outcome: 'accepted', next: null })
	})

	test('is not finished by a converter that never said how many pages there are: the job would end with the first', () => {
		const scenario = new Scenario()
		scenario.do(START)
		const fence = scenario.lease()
		expect(scenario.finish(fence)).toEqual({ outcome: 'stale' })
		scenario.do({ type: 'opened', fence, pageCount: 40 })
		expect(scenario.finish(fence)).toEqual({ outcome: 'accepted', next: null })
		expect(scenario.snapshot()).toMatchObject({ status: 'processing', readyPages: '1', totalPages: 40 })
	})

	test('is finished and the next begun in one step, and one write', () => {
		const { scenario, fence } = opened(30)
		const before = scenario.writes
		const outcome = scenario.finish(fence, { more: true })
		expect(outcome).toMatchObject({ outcome: 'accepted', next: { fence: fence + 1, pages: { first: 2, last: 17 } } })
		expect(scenario.writes - before).toBe(1)
		expect(scenario.snapshot()).toMatchObject({ readyPages: '1', status: 'processing' })
	})
})

/** What the simulation found, as short as it gets. */
describe('a running job', () => {
	test('keeps its percent when a lease is lost that had brought it', () => {
		const { scenario, fence } = opened(15)
		scenario.finish(fence)
		const lost = scenario.lease()
		scenario.do({ type: 'report', fence: lost, rendered: 8 })
		const { progress, processedPages } = scenario.snapshot()
		scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0 })
		expect(scenario.snapshot()).toMatchObject({ progress, retryCount: 1 })
		expect(scenario.snapshot().processedPages).toBeLessThan(processedPages)
	})

	test('keeps its percent when the lost lease was its last try', () => {
		const scenario = new Scenario()
		scenario.do({ ...START, maxRetries: 0 })
		const fence = scenario.lease()
		scenario.do({ type: 'opened', fence, pageCount: 1 })
		scenario.do({ type: 'report', fence, rendered: 1 })
		const { progress } = scenario.snapshot()
		scenario.do({ type: 'fail', fence, code: 'internal', random: 0 })
		expect(scenario.snapshot()).toMatchObject({ status: 'failed', progress })
	})

	test('has eight converters at most, whoever asks', () => {
		const { scenario } = opened(400)
		for (let converters = 1; converters < MAX_CONVERTERS; converters++) scenario.lease()
		expect(scenario.do({ type: 'lease', jobId: 'job-1' })).toEqual({ outcome: 'nothing' })
	})

	test('loses leases that a clock gave which was put back since', () => {
		const { scenario, fence } = opened(2)
		scenario.now -= 3_600_000
		scenario.do({ type: 'tick', random: 0 })
		expect(scenario.do({ type: 'report', fence, rendered: 1 })).toEqual({ outcome: 'stale' })
		expect(scenario.snapshot().retryCount).toBe(1)
	})

	test('writes down that a lease goes on, so that a crash does not end it', () => {
		const { scenario, fence } = opened(2)
		for (let second = 5; second <= 40; second += 5) scenario.after(5_000).do({ type: 'report', fence, rendered: 0 })
		scenario.crash()
		scenario.do({ type: 'tick', random: 0 })
		expect(scenario.do({ type: 'report', fence, rendered: 0 })).toEqual({ outcome: 'current' })
	})
})

describe('a job that has ended', () => {
	test('never changes again', () => {
		const { scenario, fence } = opened(1)
		scenario.finish(fence)
		const before = scenario.conversion
		scenario.finish(fence)
		scenario.do({ type: 'report', fence, rendered: 1 })
		scenario.do({ type: 'fail', fence, code: 'internal', random: 0 })
		scenario.after(LEASE_DURATION * 10).do({ type: 'tick', random: 0 })
		scenario.do({ type: 'lease', jobId: 'job-1' })
		expect(scenario.conversion.job).toBe(before.job)
		expect(scenario.version()).toBe(versionOf(before))
	})
})
