import { describe, expect, test } from 'vitest'
import { wantOf } from '../../src/core/job/due.ts'
import { conversionSchema } from '../../src/core/job/job.ts'
import { TURN_DURATION } from '../../src/core/job/rules/work.ts'
import { opened, Scenario, START } from './scenario.ts'

describe('the turn of a converter', () => {
	test('goes on while it lasts: what it finishes brings the next', () => {
		const { scenario, fence } = opened(40)
		scenario.after(TURN_DURATION - 11)
		const outcome = scenario.finish(fence, { more: true })
		expect(outcome).toMatchObject({ outcome: 'accepted', next: { pages: { first: 2, last: 17 } } })
	})

	test('ends when it is over: what was finished counts, and what is left waits for whoever is next', () => {
		const { scenario, fence } = opened(40)
		scenario.after(TURN_DURATION - 10)
		expect(scenario.finish(fence, { more: true })).toEqual({ outcome: 'yield' })
		expect(scenario.snapshot()).toMatchObject({ status: 'processing', readyPages: '1', retryCount: 0 })
		expect(scenario.conversion.job?.chunks.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting'])
		expect(wantOf(scenario.conversion, scenario.now)).toBe(3)
		expect(scenario.saved).toBe(scenario.conversion)
	})

	test('is one turn, however many leases it has', () => {
		const { scenario, fence } = opened(100)
		let finished = scenario.finish(fence, { more: true })
		let leases = 1
		while (finished.outcome === 'accepted' && finished.next && leases < 20) {
			leases += 1
			finished = scenario.after(1_000).finish(finished.next.fence, { more: true })
		}
		expect(finished).toEqual({ outcome: 'yield' })
		expect(leases).toBe(TURN_DURATION / 1_000 + 1)
	})

	test('begins anew with a new lease', () => {
		const { scenario, fence } = opened(40)
		scenario.after(TURN_DURATION).finish(fence, { more: true })
		const again = scenario.lease()
		expect(scenario.after(TURN_DURATION - 1).finish(again, { more: true })).toMatchObject({ outcome: 'accepted' })
	})

	test('is its own, whoever else works on the document', () => {
		const { scenario, fence } = opened(100)
		scenario.finish(fence)
		const early = scenario.lease()
		const late = scenario.after(TURN_DURATION - 1_000).lease()
		scenario.after(1_000)
		expect(scenario.finish(early, { more: true })).toEqual({ outcome: 'yield' })
		expect(scenario.finish(late, { more: true })).toMatchObject({ outcome: 'accepted', next: { fence: late + 1 } })
	})

	test('does not matter when nothing is left, or when the converter wants no more', () => {
		const { scenario, fence } = opened(1)
		scenario.after(TURN_DURATION)
		expect(scenario.finish(fence, { more: true })).toEqual({ outcome: 'accepted', next: null })
		const { scenario: other, fence: only } = opened(40)
		other.after(TURN_DURATION)
		expect(other.finish(only)).toEqual({ outcome: 'accepted', next: null })
	})

	test('is over when a clock was put back within it', () => {
		const { scenario, fence } = opened(40)
		scenario.after(-60_000)
		expect(scenario.finish(fence, { more: true })).toEqual({ outcome: 'yield' })
		expect(scenario.snapshot().readyPages).toBe('1')
	})

	test('is over for whoever has a lease of the release before', () => {
		const { scenario, fence } = opened(40)
		const row = JSON.stringify(scenario.conversion)
		expect(row).toContain('"turnEndsAt"')
		scenario.conversion = conversionSchema.parse(JSON.parse(row.replace(/,"turnEndsAt":\d+/, '')))
		expect(scenario.finish(fence, { more: true })).toEqual({ outcome: 'yield' })
	})
})

test('a lease of a document that waits begins a turn', () => {
	const scenario = new Scenario()
	scenario.do(START)
	scenario.after(3_600_000)
	const fence = scenario.lease()
	scenario.do({ type: 'opened', fence, pageCount: 2 })
	expect(scenario.finish(fence, { more: true })).toMatchObject({ outcome: 'accepted', next: { pages: { first: 2 } } })
})
