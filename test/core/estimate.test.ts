import { describe, expect, test } from 'vitest'
import { estimateErrors } from '../../src/core/job/estimate.ts'
import type { Job } from '../../src/core/job/job.ts'
import { LEASE_DURATION } from '../../src/core/job/rules/work.ts'
import type { Place } from '../../src/core/lineup/entry.ts'
import { opened, Scenario, START } from './scenario.ts'

function jobOf({ conversion }: Scenario): Job {
	if (!conversion.job) throw new Error('there is no job')
	return conversion.job
}

function place(said: Partial<Place> = {}): Place {
	return { position: 3, wait: 10_000, turn: 2_000, isPaused: false, ...said }
}

/** What is said of the end, as of now. */
function remaining(scenario: Scenario): number | null {
	return scenario.snapshot().estimatedTimeRemaining
}

function report(scenario: Scenario, fence: number, rendered: number): void {
	scenario.do({ type: 'report', fence, rendered })
}

/** The first page has taken so long, and the next sixteen are leased to the same converter. */
function afterFirst(pageCount: number, duration: number): { scenario: Scenario; fence: number } {
	const { scenario, fence } = opened(pageCount)
	const finished = scenario.after(duration).finish(fence, { more: true })
	if (finished.outcome !== 'accepted' || !finished.next) throw new Error('there should be more')
	return { scenario, fence: finished.next.fence }
}

function placed(scenario: Scenario, said: Place): void {
	scenario.do({ type: 'placed', jobId: 'job-1', place: said })
}

/** Nobody else waits, so its turns follow each other. */
function alone(scenario: Scenario): void {
	placed(scenario, place({ position: 1, wait: 0 }))
}

describe('while it waits, what is left', () => {
	test('is its wait and a turn', () => {
		const scenario = new Scenario()
		scenario.do(START)
		expect(remaining(scenario)).toBeNull()
		placed(scenario, place())
		expect(scenario.snapshot()).toMatchObject({
			queuePosition: 3,
			estimatedTimeRemaining: 12_000,
			estimatedCompletion: new Date(scenario.now + 12_000).toISOString(),
		})
	})

	test('is as of the last change, so that a version always says the same', () => {
		const scenario = new Scenario()
		scenario.do(START)
		placed(scenario, place())
		const said = scenario.snapshot()
		expect(scenario.after(4_000).snapshot()).toEqual(said)
	})

	test.each([
		['it has no wait', { wait: null }],
		['too few turns were measured', { wait: null, turn: null }],
		['there is a pause', { wait: null, isPaused: true }],
	])('cannot be told when %s', (_, said) => {
		const scenario = new Scenario()
		scenario.do(START)
		placed(scenario, place())
		placed(scenario, place(said))
		expect(scenario.snapshot()).toMatchObject({
			queuePosition: 3,
			estimatedTimeRemaining: null,
			estimatedCompletion: null,
		})
	})

	test('is forgotten with the object, and so is the position', () => {
		const scenario = new Scenario()
		scenario.do(START)
		placed(scenario, place())
		const seen = scenario.version()
		scenario.crash()
		expect(scenario.snapshot()).toMatchObject({ queuePosition: null, estimatedTimeRemaining: null })
		expect(scenario.version()).toBeGreaterThan(seen)
	})

	test('is forgotten with the object also when a row has it', () => {
		const { scenario, fence } = opened(17)
		placed(scenario, place())
		scenario.finish(fence)
		expect(scenario.saved).toBe(scenario.conversion)
		expect(scenario.snapshot().queuePosition).toBe(3)
		expect(scenario.after(60_000).crash().snapshot().queuePosition).toBeNull()
	})

	test('costs no row, however often it is said', () => {
		const scenario = new Scenario()
		scenario.do(START)
		const { writes } = scenario
		for (let position = 50; position > 0; position--) placed(scenario, place({ position, wait: position * 100 }))
		expect(scenario.snapshot().queuePosition).toBe(1)
		expect(scenario.writes).toBe(writes)
	})
})

test('a pause is said to those who wait for it, and to nobody else', () => {
	const scenario = new Scenario()
	scenario.do(START)
	placed(scenario, place({ wait: null, isPaused: true }))
	expect(scenario.snapshot().message).toMatch(/paused/i)
	placed(scenario, place())
	expect(scenario.snapshot().message).not.toMatch(/paused/i)
	placed(scenario, place({ wait: null, isPaused: true }))
	scenario.lease()
	// Where it would stand if it came back now concerns nobody while it is worked on.
	placed(scenario, place({ wait: null, isPaused: true }))
	expect(scenario.snapshot().message).not.toMatch(/paused/i)
	expect(scenario.snapshot().queuePosition).toBeNull()
})

test('what is said of a job says nothing of the one that took its place', () => {
	const scenario = new Scenario()
	scenario.do(START)
	scenario.do({ ...START, jobId: 'job-2', onActive: 'replace' })
	placed(scenario, place())
	expect(scenario.snapshot().queuePosition).toBeNull()
})

describe('while it is worked on, what is left', () => {
	test('is what its own pages have cost, once there are three', () => {
		const { scenario, fence } = afterFirst(17, 200)
		expect(remaining(scenario)).toBeNull()
		report(scenario.after(200), fence, 1)
		expect(remaining(scenario)).toBeNull()
		report(scenario.after(200), fence, 2)
		expect(scenario.snapshot()).toMatchObject({
			queuePosition: null,
			estimatedTimeRemaining: 14 * 200,
			estimatedCompletion: new Date(scenario.now + 14 * 200).toISOString(),
		})
		report(scenario.after(200), fence, 3)
		expect(remaining(scenario)).toBe(13 * 200)
	})

	test('follows pages that take longer, without jumping', () => {
		const { scenario, fence } = afterFirst(17, 200)
		alone(scenario)
		report(scenario.after(400), fence, 2)
		// After ten pages about two thirds are theirs.
		report(scenario.after(10 * 1_200), fence, 12)
		const cost = 200 + (1 - Math.exp(-1)) * 1_000
		expect(remaining(scenario)).toBe(Math.round(4 * cost))
		const { scenario: other, fence: one } = afterFirst(17, 200)
		alone(other)
		report(other.after(400), one, 2)
		report(other.after(1_200), one, 3)
		expect(remaining(other)).toBeLessThan(13 * 300)
	})

	test('is shared by those who work on it', () => {
		const { scenario, fence } = afterFirst(49, 400)
		const other = scenario.lease()
		alone(scenario)
		for (let rendered = 1; rendered <= 4; rendered++) {
			report(scenario.after(200), fence, rendered)
			report(scenario.after(200), other, rendered)
		}
		expect(remaining(scenario)).toBe((40 * 400) / 2)
		// One of them is lost, and what it had rendered with it.
		scenario.do({ type: 'fail', fence: other, code: 'internal', random: 0 })
		expect(remaining(scenario)).toBe(44 * 400)
	})

	test('cannot be told while nobody works on it and nobody knows when somebody will', () => {
		const { scenario, fence } = afterFirst(17, 200)
		report(scenario.after(400), fence, 2)
		scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0 })
		expect(scenario.snapshot()).toMatchObject({ status: 'processing', estimatedTimeRemaining: null })
		placed(scenario, place({ wait: 7_000 }))
		// It has one page, and sixteen to go.
		expect(scenario.snapshot()).toMatchObject({ queuePosition: 3, estimatedTimeRemaining: 7_000 + 16 * 200 })
		scenario.lease()
		expect(scenario.snapshot()).toMatchObject({ queuePosition: null, estimatedTimeRemaining: 16 * 200 })
	})

	test('does not count the time in which nobody worked', () => {
		const { scenario, fence } = afterFirst(17, 200)
		report(scenario.after(400), fence, 2)
		scenario.after(3_600_000).do({ type: 'tick', random: 0 })
		const again = scenario.after(3_600_000).lease()
		report(scenario.after(200), again, 1)
		expect(remaining(scenario)).toBe(15 * 200)
	})

	test('does not count the time in which its object was gone', () => {
		const { scenario, fence } = afterFirst(17, 200)
		for (let rendered = 1; rendered <= 8; rendered++) report(scenario.after(200), fence, rendered)
		const finished = scenario.finish(fence, { through: 9, more: true })
		if (finished.outcome !== 'accepted' || !finished.next) throw new Error('there should be more')
		scenario.after(25_000).crash()
		alone(scenario)
		report(scenario.after(200), finished.next.fence, 1)
		expect(remaining(scenario)).toBe(7 * 200)
	})

	test('counts the waits between its turns', () => {
		const { scenario, fence } = afterFirst(33, 500)
		report(scenario.after(1_000), fence, 2)
		// It needs further turns, and when they come only the lineup can say.
		expect(remaining(scenario)).toBeNull()
		alone(scenario)
		expect(remaining(scenario)).toBe(30 * 500)
		scenario.do({ type: 'wantTold', jobId: 'job-1', want: 0, answered: true, place: place({ wait: 4_000 }) })
		// Of its 15 seconds a part fits into this turn; the rest needs two or three more, as chunks come to their ends.
		const turns = ((remaining(scenario) ?? 0) - 30 * 500) / 4_000
		expect([2, 3]).toContain(turns)
	})

	test('is never less than nothing, also with a clock that is put back', () => {
		const { scenario, fence } = afterFirst(17, 200)
		for (let rendered = 1; rendered <= 16; rendered++) {
			report(scenario.after(rendered === 8 ? -3_600_000 : 200), fence, rendered)
			expect(remaining(scenario) ?? 0).toBeGreaterThanOrEqual(0)
			expect(remaining(scenario) ?? 0).toBeLessThanOrEqual(16 * 200)
		}
		expect(remaining(scenario)).toBe(0)
	})
})

describe('what was first said of the end', () => {
	test('is kept, one for each kind, and held against the truth', () => {
		const scenario = new Scenario()
		scenario.do(START)
		const waitingSince = scenario.now
		placed(scenario, place())
		placed(scenario.after(1_000), place({ wait: 50_000 }))
		const first = scenario.after(20_000).lease()
		scenario.do({ type: 'opened', fence: first, pageCount: 17 })
		const finished = scenario.after(200).finish(first, { more: true })
		if (finished.outcome !== 'accepted' || !finished.next) throw new Error('there should be more')
		report(scenario.after(400), finished.next.fence, 2)
		const workingSince = scenario.now
		report(scenario.after(9_000), finished.next.fence, 15)
		scenario.after(500).finish(finished.next.fence)
		expect(scenario.snapshot()).toMatchObject({ status: 'completed', estimatedTimeRemaining: null })
		expect(estimateErrors(jobOf(scenario))).toEqual({
			waiting: { estimate: 12_000, error: scenario.now - (waitingSince + 12_000) },
			processing: { estimate: 2_800, error: scenario.now - (workingSince + 2_800) },
		})
		expect(scenario.now - workingSince).toBe(9_500)
	})

	test('is nothing when nothing was said', () => {
		const { scenario, fence } = opened(1)
		scenario.after(200).finish(fence)
		expect(scenario.snapshot().status).toBe('completed')
		expect(estimateErrors(jobOf(scenario))).toEqual({ waiting: null, processing: null })
	})

	test('is held against nothing when the job did not come to its end', () => {
		const scenario = new Scenario()
		scenario.do(START)
		placed(scenario, place())
		expect(estimateErrors(jobOf(scenario))).toEqual({ waiting: null, processing: null })
		scenario.do({ type: 'cancel' })
		expect(estimateErrors(jobOf(scenario))).toEqual({ waiting: null, processing: null })
	})

	test('is not handed down to a retry', () => {
		const scenario = new Scenario()
		scenario.do(START)
		placed(scenario, place())
		scenario.do({ type: 'cancel' })
		const retry = { jobId: 'job-2', priority: null, maxPriority: 'urgent', maxRetries: null, options: null } as const
		scenario.do({ type: 'retry', ...retry })
		expect(jobOf(scenario)).toMatchObject({ place: null, pace: null, promises: { waiting: null, processing: null } })
	})
})

describe('a place that is said again', () => {
	const standing = (said: Partial<Place>) => {
		const scenario = new Scenario()
		scenario.do(START)
		placed(scenario, place(said))
		return scenario
	}

	test('is no news when it cannot be told how long it waits', () => {
		const scenario = standing({ wait: null })
		const version = scenario.version()
		placed(scenario.after(30_000), place({ wait: null }))
		expect(scenario.version()).toBe(version)
	})

	test('is no news when the wait has only passed as it was said to', () => {
		const scenario = standing({ wait: 60_000 })
		const version = scenario.version()
		placed(scenario.after(20_000), place({ wait: 40_100 }))
		expect(scenario.version()).toBe(version)
		placed(scenario, place({ wait: 20_000 }))
		expect(scenario.version()).toBeGreaterThan(version)
		expect(scenario.snapshot().estimatedTimeRemaining).toBe(22_000)
	})
})
