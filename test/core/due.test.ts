import { expect, test } from 'vitest'
import { dueAt, historyIsDue, wantOf, wantToTell } from '../../src/core/job/due.ts'
import { LEASE_DURATION, MAX_CONVERTERS } from '../../src/core/job/rules/work.ts'
import { opened, Scenario, START } from './scenario.ts'

test('a document that waits wants one converter, and one with many pages eight', () => {
	const scenario = new Scenario()
	expect(wantOf(scenario.conversion, scenario.now)).toBe(0)
	scenario.do(START)
	expect(wantOf(scenario.conversion, scenario.now)).toBe(1)
	const fence = scenario.lease()
	expect(wantOf(scenario.conversion, scenario.now)).toBe(0)
	scenario.do({ type: 'opened', fence, pageCount: 1_000 })
	expect(wantOf(scenario.conversion, scenario.now)).toBe(MAX_CONVERTERS - 1)
})

test('nine pages behind the first are left to the converter that is there already', () => {
	const { scenario } = opened(10)
	expect(wantOf(scenario.conversion, scenario.now)).toBe(0)
})

test('what the lineup was told is told again only after a while', () => {
	const scenario = new Scenario()
	scenario.do(START)
	expect(wantToTell(scenario.conversion, scenario.now)).toBe(1)
	scenario.do({ type: 'wantTold', jobId: 'job-1', want: 1, answered: true, place: null })
	expect(wantToTell(scenario.conversion, scenario.now)).toBeNull()
	expect(wantToTell(scenario.conversion, scenario.now + 30_000)).toBe(1)
})

test('a lineup that does not answer is told again, later each time', () => {
	const scenario = new Scenario()
	scenario.do(START)
	const waits: number[] = []
	for (let miss = 0; miss < 4; miss++) {
		scenario.do({ type: 'wantTold', jobId: 'job-1', want: 1, answered: false, place: null })
		const due = dueAt(scenario.conversion, scenario.now) ?? Number.NaN
		waits.push(due - scenario.now)
		scenario.now = due
		expect(wantToTell(scenario.conversion, scenario.now)).toBe(1)
	}
	expect(waits).toEqual([1_000, 2_000, 4_000, 8_000])
})

test('an active job has something due at every step, at the latest when its lease ends', () => {
	const { scenario, fence } = opened(3)
	scenario.do({ type: 'historyTold', sequence: scenario.conversion.sequence, answered: true, hasWebhook: false })
	expect(dueAt(scenario.conversion, scenario.now)).toBeLessThanOrEqual(scenario.now + LEASE_DURATION)
	scenario.finish(fence)
	expect(dueAt(scenario.conversion, scenario.now)).not.toBeNull()
})

test('a job that has ended and told everybody has nothing due', () => {
	const { scenario, fence } = opened(1)
	scenario.finish(fence)
	expect(historyIsDue(scenario.conversion, scenario.now)).toBe(true)
	expect(dueAt(scenario.conversion, scenario.now)).not.toBeNull()
	scenario.do({ type: 'historyTold', sequence: scenario.conversion.sequence, answered: true, hasWebhook: false })
	scenario.do({ type: 'wantTold', jobId: 'job-1', want: 0, answered: true, place: null })
	expect(historyIsDue(scenario.conversion, scenario.now)).toBe(false)
	expect(dueAt(scenario.conversion, scenario.now)).toBeNull()
	expect(scenario.saved).toBe(scenario.conversion)
})
