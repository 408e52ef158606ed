import { expect, test } from 'vitest'
import { sweepIsDue } from '../../src/core/job/due.ts'
import { reserved } from '../../src/core/job/job.ts'
import { RESERVED_FOR, TOMBSTONE_KEPT } from '../../src/core/job/rules/life.ts'
import { UNREFERENCED_KEPT } from '../../src/core/job/rules/ruling.ts'
import { LEASE_DURATION } from '../../src/core/job/rules/work.ts'
import { unreferencedFences } from '../../src/core/job/sweep.ts'
import { transition } from '../../src/core/job/transition.ts'
import { opened, type Scenario, START } from './scenario.ts'

function swept(scenario: Scenario, answered = true) {
	const { sweepAt: due, fence: through } = scenario.conversion
	scenario.do({ type: 'swept', due, through, answered })
}

test('a job whose every lease was finished leaves nothing to delete', () => {
	const { scenario, fence } = opened(30)
	scenario.finish(fence)
	scenario.finish(scenario.lease())
	scenario.finish(scenario.lease())
	expect(scenario.snapshot().status).toBe('completed')
	expect(scenario.conversion.sweepAt).toBeNull()
})

test('a pack under a lost lease is deleted an hour after, and not while the job is active', () => {
	const { scenario, fence: lost } = opened(1)
	scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0 })
	const at = scenario.now + UNREFERENCED_KEPT
	const fence = scenario.lease()
	expect(sweepIsDue(scenario.conversion, at)).toBe(false)
	scenario.finish(fence)
	expect(sweepIsDue(scenario.conversion, at - 1)).toBe(false)
	expect(sweepIsDue(scenario.conversion, at)).toBe(true)
	expect(unreferencedFences(scenario.conversion, scenario.conversion, [{ fence, job: 1 }])).toEqual([lost])
	swept(scenario)
	expect(scenario.conversion.sweepAt).toBeNull()
	expect(unreferencedFences(scenario.conversion, scenario.conversion, [{ fence, job: 1 }])).toEqual([])
})

test('a pack that comes after all has been swept is swept once more', () => {
	const { scenario, fence: late } = opened(1)
	scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0 })
	const fence = scenario.lease()
	scenario.finish(fence)
	scenario.after(UNREFERENCED_KEPT)
	swept(scenario)
	scenario.finish(late)
	expect(scenario.conversion.sweepAt).toBe(scenario.now + UNREFERENCED_KEPT)
	expect(unreferencedFences(scenario.conversion, scenario.conversion, [{ fence, job: 1 }])).toEqual([late])
})

test('packs of the served and of the current job stay, and those between go', () => {
	const { scenario, fence } = opened(1)
	scenario.finish(fence)
	const served = scenario.conversion
	scenario.do({ ...START, jobId: 'job-2', options: { quality: 'low' } })
	scenario.do({ type: 'cancel' })
	scenario.do({ ...START, jobId: 'job-3', options: { quality: 'high' } })
	const packs = [1, 2, 3].map((job) => ({ fence: job, job }))
	expect(unreferencedFences({ ...scenario.conversion, fence: 3 }, served, packs)).toEqual([2])
})

test('a retry refers to the packs of the job that it goes on with', () => {
	const { scenario, fence } = opened(2)
	scenario.finish(fence)
	scenario.do({ type: 'cancel' })
	scenario.do({ type: 'retry', jobId: 'job-2', priority: null, maxPriority: 'urgent', maxRetries: null, options: null })
	expect(unreferencedFences(scenario.conversion, null, [{ fence, job: 1 }])).toEqual([])
})

test('a sweep that fails is tried again', () => {
	const { scenario } = opened(1)
	scenario.do({ type: 'cancel' })
	scenario.after(UNREFERENCED_KEPT)
	swept(scenario, false)
	expect(sweepIsDue(scenario.conversion, scenario.now)).toBe(false)
	expect(sweepIsDue(scenario.conversion, scenario.now + 60_000)).toBe(true)
})

test('what was erased is swept at once, once more an hour later, and its tombstone outlives every queue', () => {
	const { scenario, fence } = opened(3)
	scenario.finish(fence)
	expect(scenario.do({ type: 'erase' })).toEqual({ outcome: 'erased' })
	expect(scenario.do({ type: 'erase' })).toEqual({ outcome: 'gone' })
	expect(scenario.do(START)).toEqual({ outcome: 'gone' })
	expect(scenario.do({ type: 'create', start: null })).toEqual({ outcome: 'gone' })
	expect(sweepIsDue(scenario.conversion, scenario.now)).toBe(true)
	expect(unreferencedFences(scenario.conversion, null, [])).toEqual([1])
	swept(scenario)
	expect(scenario.conversion.sweepAt).toBe(scenario.now + UNREFERENCED_KEPT)
	scenario.after(UNREFERENCED_KEPT)
	swept(scenario)
	expect(scenario.conversion.sweepAt).toBeNull()
	scenario.after(TOMBSTONE_KEPT - UNREFERENCED_KEPT - 1).do({ type: 'tick', random: 0 })
	expect(scenario.conversion.life.state).toBe('erased')
	scenario.after(1).do({ type: 'tick', random: 0 })
	expect(scenario.conversion.life.state).toBe('forgotten')
})

test('a file whose document never came is deleted when no upload can be under way, and no document comes of it', () => {
	const tick = { type: 'tick', random: 0 } as const
	const early = transition(reserved(0), tick, RESERVED_FOR - 1)
	expect(sweepIsDue(early.conversion, RESERVED_FOR)).toBe(false)
	const late = transition(reserved(0), tick, RESERVED_FOR)
	// Written down first: a create that comes while the file is being deleted must not succeed, after a crash either.
	expect(late.write).toBe(true)
	expect(sweepIsDue(late.conversion, RESERVED_FOR)).toBe(true)
	expect(transition(late.conversion, { type: 'create', start: null }, RESERVED_FOR).outcome).toEqual({
		outcome: 'gone',
	})
	const swept = (answered: boolean) => ({ type: 'swept', due: RESERVED_FOR, through: 0, answered }) as const
	const failed = transition(late.conversion, swept(false), RESERVED_FOR).conversion
	expect(sweepIsDue(failed, RESERVED_FOR)).toBe(false)
	expect(sweepIsDue(failed, RESERVED_FOR + 60_000)).toBe(true)
	expect(transition(failed, swept(true), RESERVED_FOR).conversion.life.state).toBe('forgotten')
})
