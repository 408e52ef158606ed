import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Looks, looked, noLooks, SHOWN_FOR, shownElsewhereFor } from '../../../src/core/crowd/looks.ts'

test('nobody shows anything before somebody looked', () => {
	expect(shownElsewhereFor(noLooks, 'a', 1_000)).toBe(0)
})

test('the isolate that looked is no other to itself', () => {
	const looks = looked(noLooks, 'a', 1_000)
	expect(shownElsewhereFor(looks, 'a', 1_001)).toBe(0)
	expect(shownElsewhereFor(looks, 'b', 1_001)).toBe(999)
	expect(shownElsewhereFor(looks, 'b', 2_001)).toBe(0)
})

test('a clock that was put back makes nobody wait for longer than a second', () => {
	expect(shownElsewhereFor(looked(noLooks, 'a', 90_000), 'b', 1_000)).toBe(1_000)
})

test('whoever looked, a change waits until no other isolate shows what was before it', () => {
	const isolates = fc.constantFrom('a', 'b', 'c', 'd')
	const step = fc.record({ isolate: isolates, after: fc.integer({ min: 0, max: 700 }) })
	fc.assert(
		fc.property(fc.array(step, { maxLength: 20 }), isolates, (steps, isolate) => {
			let now = 1_000
			let looks: Looks = noLooks
			const shownUntil = new Map<string, number>()
			for (const step of steps) {
				now += step.after
				looks = looked(looks, step.isolate, now)
				// At the latest: it asked before it was answered.
				shownUntil.set(step.isolate, now + SHOWN_FOR)
			}
			const answered = now + shownElsewhereFor(looks, isolate, now)
			for (const [other, until] of shownUntil) if (other !== isolate) expect(answered).toBeGreaterThanOrEqual(until)
		}),
	)
})
