import { expect, test } from 'vitest'
import { LEASE_DURATION } from '../../src/core/job/rules/work.ts'
import { opened } from './scenario.ts'

test('percent and version only rise, through losses and crashes at every step', () => {
	for (let crashAt = 0; crashAt < 40; crashAt++) {
		const { scenario } = opened(40)
		let percent = scenario.snapshot().progress
		let version = scenario.version()
		let step = 0
		const check = () => {
			if (step++ === crashAt) scenario.crash()
			const snapshot = scenario.snapshot()
			expect(snapshot.progress).toBeGreaterThanOrEqual(percent)
			expect(snapshot.progress).toBeLessThanOrEqual(100)
			expect(scenario.version()).toBeGreaterThanOrEqual(version)
			percent = snapshot.progress
			version = scenario.version()
		}
		scenario.after(LEASE_DURATION).do({ type: 'tick', random: 0 })
		check()
		while (scenario.snapshot().status === 'processing') {
			const fence = scenario.lease()
			check()
			for (let rendered = 1; rendered <= 16; rendered++) {
				scenario.after(50).do({ type: 'report', fence, rendered })
				check()
			}
			scenario.finish(fence)
			check()
		}
		expect(percent).toBe(100)
	}
})

test('every visible change has a version of its own, also what only memory knows', () => {
	const { scenario, fence } = opened(30)
	scenario.finish(fence)
	const lease = scenario.lease()
	const versions = [scenario.version()]
	for (let rendered = 1; rendered <= 5; rendered++) {
		scenario.do({ type: 'report', fence: lease, rendered })
		versions.push(scenario.version())
	}
	expect(new Set(versions).size).toBe(versions.length)
	expect(versions.toSorted((one, other) => one - other)).toEqual(versions)
})

test('a version that a crash forgot is never given out again', () => {
	const { scenario, fence } = opened(30)
	scenario.finish(fence)
	scenario.do({ type: 'report', fence: scenario.lease(), rendered: 1 })
	const published = scenario.version()
	expect(scenario.crash().version()).toBeGreaterThan(published)
})

test('a thousand reports cost a handful of writes', () => {
	const { scenario, fence } = opened(16)
	scenario.finish(fence)
	const lease = scenario.lease()
	const before = scenario.writes
	for (let count = 0; count < 900; count++) {
		scenario.after(10).do({ type: 'report', fence: lease, rendered: Math.floor(count / 60) })
	}
	expect(scenario.writes - before).toBeLessThanOrEqual(6)
	expect(scenario.snapshot().processedPages).toBe(1 + 14)
})

test('a failed job keeps the percent it had', () => {
	const { scenario, fence } = opened(2)
	scenario.finish(fence, { failed: [1] })
	const { progress } = scenario.snapshot()
	scenario.finish(scenario.lease(), { failed: [2] })
	expect(scenario.snapshot().status).toBe('failed')
	expect(scenario.snapshot().progress).toBeGreaterThanOrEqual(progress)
	expect(scenario.snapshot().progress).toBeLessThan(100)
})
