import { expect, test } from 'vitest'
import { conversionListSchema } from '../../src/core/conversions.ts'
import { MAX_INCIDENTS } from '../../src/core/job/incidents.ts'
import { conversionSchema, type Job } from '../../src/core/job/job.ts'
import { eventsOf, pastOf } from '../../src/core/job/past.ts'
import { LEASE_DURATION } from '../../src/core/job/rules/work.ts'
import { transition } from '../../src/core/job/transition.ts'
import { opened, Scenario, START } from './scenario.ts'

function jobOf({ conversion }: Pick<Scenario, 'conversion'>): Job {
	if (!conversion.job) throw new Error('there is no job')
	return conversion.job
}

/** Without the times. */
function said(scenario: Scenario) {
	return eventsOf(jobOf(scenario)).map(({ at, ...event }) => event)
}

test('a job that goes well has five events, at the times that its snapshot says', () => {
	const { scenario, fence } = opened(17)
	scenario.after(100).finish(fence)
	scenario.after(100).finish(scenario.lease())
	const { createdAt, startedAt, firstPageAt, completedAt } = scenario.snapshot()
	const openedAt = new Date(Date.parse(startedAt ?? '') + 10).toISOString()
	expect(eventsOf(jobOf(scenario))).toEqual([
		{ type: 'accepted', at: createdAt },
		{ type: 'started', at: startedAt },
		{ type: 'opened', at: openedAt, pageCount: 17 },
		{ type: 'first_page_ready', at: firstPageAt },
		{ type: 'completed', at: completedAt },
	])
})

test('events cost no row of their own', () => {
	const { scenario, fence } = opened(17)
	const before = scenario.writes
	scenario.finish(fence, { more: true })
	expect(scenario.writes).toBe(before + 1)
	scenario.do({ type: 'fail', fence: fence + 1, code: 'internal', random: 0 })
	expect(scenario.writes).toBe(before + 2)
	scenario.crash()
	expect(said(scenario)).toContainEqual({ type: 'chunk_lost', pages: '2-17', code: 'internal' })
})

test('what happens in one moment is told in the order in which it can have happened', () => {
	const scenario = new Scenario()
	scenario.do(START)
	const fence = scenario.lease()
	scenario.do({ type: 'opened', fence, pageCount: 2 })
	scenario.finish(fence)
	scenario.finish(scenario.lease(), { failed: [2] })
	expect(said(scenario).map(({ type }) => type)).toEqual([
		'accepted',
		'started',
		'opened',
		'pages_failed',
		'first_page_ready',
		'completed',
	])
})

test('a lease that runs out is a loss with its cause, and pages that fail alike are told together', () => {
	const { scenario, fence } = opened(5)
	scenario.finish(fence)
	scenario.lease()
	scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0 })
	const lease = scenario.after(60_000).lease()
	scenario.do({
		type: 'finish',
		fence: lease,
		through: 5,
		converted: [4],
		failed: [
			{ page: 2, code: 'internal' },
			{ page: 3, code: 'internal' },
			{ page: 5, code: 'out_of_memory' },
		],
		more: false,
	})
	expect(said(scenario).slice(4, -1)).toEqual([
		{ type: 'chunk_lost', pages: '2-5', code: 'converter_lost' },
		{ type: 'pages_failed', pages: '2-3', code: 'internal' },
		{ type: 'pages_failed', pages: '5', code: 'out_of_memory' },
	])
})

test('a job that goes as badly as can be keeps its first events, counts the rest, and ends with how it ended', () => {
	const { scenario, fence } = opened(400)
	scenario.do({ type: 'fail', fence, code: 'invalid_document', random: 0 })
	for (let turn = 0; turn < 5_000 && jobOf(scenario).phase.status === 'processing'; turn++) {
		scenario.after(60_000).do({ type: 'fail', fence: scenario.lease(), code: 'internal', random: 0 })
	}
	const job = jobOf(scenario)
	expect(job.phase.status).toBe('failed')
	expect(job.incidents).toHaveLength(MAX_INCIDENTS)
	expect(JSON.stringify(job.incidents).length).toBeLessThan(4_096)
	expect(job.incidentsOmitted).toBeGreaterThan(100)
	const events = said(scenario)
	expect(events[3]).toEqual({ type: 'pages_failed', pages: '1', code: 'invalid_document' })
	expect(events.at(-1)).toEqual({ type: 'failed', code: 'no_page_converted' })
	expect(pastOf(scenario.conversion)?.eventsOmitted).toBe(job.incidentsOmitted)
})

test('a cancelled job and one that another took the place of say so', () => {
	const { scenario } = opened(5)
	scenario.do({ ...START, jobId: 'job-2', onActive: 'replace' })
	expect(said({ conversion: scenario.closed } as Scenario).at(-1)).toEqual({ type: 'cancelled' })
	expect(said(scenario)).toEqual([{ type: 'accepted' }])
})

test('a retry begins its events anew, with the first page there at once', () => {
	const { scenario, fence } = opened(17)
	scenario.finish(fence)
	scenario.do({ type: 'cancel' })
	const retry = { jobId: 'job-2', priority: null, maxPriority: 'urgent', maxRetries: null, options: null } as const
	scenario.after(10).do({ type: 'retry', ...retry })
	scenario.after(10).lease()
	expect(said(scenario).map(({ type }) => type)).toEqual(['accepted', 'first_page_ready', 'started'])
})

test('a job of an older release has the events that its times tell', () => {
	const { scenario, fence } = opened(1)
	scenario.finish(fence)
	const { incidents, incidentsOmitted, ...older } = jobOf(scenario)
	const conversion = conversionSchema.parse({ ...scenario.conversion, job: older })
	expect(eventsOf(jobOf({ conversion })).map(({ type }) => type)).toEqual([
		'accepted',
		'started',
		'first_page_ready',
		'completed',
	])
})

test('estimates are told as they were given, and by how much they were wrong once that is known', () => {
	const { scenario, fence } = opened(17)
	scenario.after(100).finish(fence)
	const lease = scenario.lease()
	for (let rendered = 1; rendered <= 8; rendered++) {
		scenario.after(100).do({ type: 'report', fence: lease, rendered })
	}
	const given = pastOf(scenario.conversion)?.estimates
	expect(given).toEqual({ waiting: null, processing: { estimate: expect.any(Number), error: null } })
	scenario.after(5_000).finish(lease)
	const after = pastOf(scenario.conversion)?.estimates.processing
	expect(after?.estimate).toBe(given?.processing?.estimate)
	expect(after?.error).toBeGreaterThan(3_000)
})

test('what is shown fits the contract', () => {
	const { scenario, fence } = opened(3)
	scenario.do({ type: 'fail', fence, code: 'internal', random: 0.5 })
	const items = [pastOf(scenario.conversion)]
	expect(conversionListSchema.parse({ items, nextCursor: null }).items).toEqual(items)
	expect(pastOf(new Scenario().conversion)).toBeNull()
})

test('a tombstone that another generation comes after stays, and says the same to all', () => {
	const { scenario } = opened(3)
	expect(scenario.do({ type: 'succeed', after: 0 })).toEqual({ outcome: 'gone' })
	scenario.do({ type: 'erase' })
	expect(scenario.do({ type: 'succeed', after: 0 })).toEqual({ outcome: 'succeeded', generation: 1 })
	expect(scenario.saved.life).toMatchObject({ successor: 1 })
	const step = transition(scenario.conversion, { type: 'succeed', after: 0 }, scenario.now)
	expect(step).toMatchObject({ outcome: { generation: 1 }, write: false })
	expect(scenario.do({ type: 'succeed', after: 1 })).toEqual({ outcome: 'succeeded', generation: 2 })
	// Somebody who has not heard of the last is not sent back before it.
	expect(scenario.do({ type: 'succeed', after: 0 })).toEqual({ outcome: 'succeeded', generation: 2 })
})
