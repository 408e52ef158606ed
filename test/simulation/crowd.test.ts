import { expect, test } from 'vitest'
import { liveThrough } from './crowd.ts'
import { batch, hundredAndOne, lowAndUrgent, steady } from './crowds.ts'

const SECOND = 1_000
const MINUTE = 60_000

test('an urgent document begins within a turn, before all that wait with low priority, and those all finish', () => {
	const fates = liveThrough(lowAndUrgent(), 1)
	const urgent = fates.at(-1)
	expect(fates.filter(({ status }) => status !== 'completed')).toEqual([])
	expect((urgent?.startedAt ?? 0) - (urgent?.at ?? 0)).toBeLessThan(6 * SECOND)
	const next = fates
		.filter(({ startedAt }) => (startedAt ?? 0) > (urgent?.at ?? 0))
		.sort((one, other) => (one.startedAt ?? 0) - (other.startedAt ?? 0))
	expect(next[0]?.priority).toBe('urgent')
	expect(next.length).toBeGreaterThan(30)
})

test.each([1, 8])("an owner's hundred documents do not push aside another's one, with %i converters", (converters) => {
	const fates = liveThrough(hundredAndOne(), converters)
	const one = fates.at(-1)
	const others = fates.slice(0, -1)
	const last = Math.max(...others.map(({ completedAt }) => completedAt ?? 0))
	expect(fates.filter(({ status }) => status !== 'completed')).toEqual([])
	expect((one?.startedAt ?? 0) - (one?.at ?? 0)).toBeLessThan(6 * SECOND)
	// Come first, served first would have made it wait for nearly all of them.
	expect(one?.completedAt ?? 0).toBeLessThan(last / 4)
})

test('with steady arrivals nobody starves: not those of low priority, and not for page 2', { timeout: 60_000 }, () => {
	const fates = liveThrough(steady(1.45, 20 * MINUTE), 2)
	expect(fates.length).toBeGreaterThan(1_500)
	expect(fates.filter(({ status }) => status !== 'completed')).toEqual([])
	const longest = (values: number[]) => Math.max(...values)
	const first = (priority: string) =>
		longest(fates.filter((fate) => fate.priority === priority).map(({ firstPageAt, at }) => (firstPageAt ?? 0) - at))
	expect(first('urgent')).toBeLessThan(20 * SECOND)
	expect(first('urgent')).toBeLessThan(first('low'))
	const pageTwo = fates
		.filter(({ pages }) => pages > 1)
		.map((fate) => (fate.secondPageAt ?? 0) - (fate.firstPageAt ?? 0))
	expect(longest(pageTwo)).toBeLessThan(10 * SECOND)
})

test('what is said of how long it takes is held against the truth, and is not far off', () => {
	const fates = liveThrough(batch(), 4)
	for (const kind of ['waiting', 'processing'] as const) {
		const errors = fates.flatMap(({ estimates }) => estimates[kind] ?? [])
		expect(errors.length).toBeGreaterThan(50)
		const relative = errors
			.map(({ estimate, error }) => Math.abs(error) / Math.max(SECOND, estimate + error))
			.sort((one, other) => one - other)
		expect(relative[Math.floor(relative.length / 2)]).toBeLessThan(0.6)
	}
})
