import { expect, test } from 'vitest'
import { pause, want } from '../../../src/core/lineup/lineup.ts'
import { overviewOf, queueSchema } from '../../../src/core/lineup/overview.ts'
import { placeOf } from '../../../src/core/lineup/watch.ts'
import { prioritySchema } from '../../../src/core/snapshot.ts'
import { asking, claimed, lineupWith, measured, NOW } from './words.ts'

test('an empty lineup says so, and nothing that cannot be told', () => {
	expect(overviewOf(lineupWith(), 50, NOW)).toEqual({
		paused: null,
		depth: { low: 0, normal: 0, high: 0, urgent: 0, total: 0 },
		wanted: 0,
		running: 0,
		turnDuration: null,
		turnsPerMinute: null,
		expectedWait: null,
		waiting: [],
	})
})

test('it says who waits, how many of each priority, and how many converters they want', () => {
	const lineup = lineupWith(
		asking('a', { want: 8, firstPageOut: true }),
		asking('b', { priority: 'low' }),
		asking('c', { priority: 'urgent', want: 2 }),
		asking('d'),
	)
	claimed(lineup, NOW + 10)
	const queue = overviewOf(lineup, 50, NOW + 10)
	expect(queueSchema.parse(queue)).toEqual({ ...queue, others: [] })
	expect(queue).toMatchObject({
		depth: { low: 1, normal: 2, high: 0, urgent: 1, total: 4 },
		wanted: 12,
		running: 1,
	})
	const row = (position: number, jobId: string, rest: object) => ({
		position,
		jobId,
		documentId: `document of ${jobId}`,
		firstPageOut: false,
		expectedWait: null,
		...rest,
	})
	expect(queue.waiting).toEqual([
		row(1, 'c', { priority: 'urgent', wanted: 2 }),
		row(2, 'd', { priority: 'normal', wanted: 1 }),
		row(3, 'a', { priority: 'normal', wanted: 8, firstPageOut: true }),
		row(4, 'b', { priority: 'low', wanted: 1 }),
	])
})

test('it says how long they wait, and how long one would that came now', () => {
	const lineup = lineupWith(
		asking('urgent', { priority: 'urgent', want: 2 }),
		asking('normal', { want: 2 }),
		asking('low', { priority: 'low', want: 8 }),
	)
	const now = measured(lineup.turns, 1_000)
	const queue = overviewOf(lineup, 50, now)
	expect(queue).toMatchObject({ running: 1, turnDuration: 1_000, turnsPerMinute: 60 })
	expect(queue.waiting.map(({ expectedWait }) => expectedWait)).toEqual([500, 2_500, 4_500])
	// Those who came with a lower priority are not before it.
	expect(queue.expectedWait).toBe(4_500)
})

test('with more converters more is done', () => {
	const lineup = lineupWith(asking('a', { want: 4 }), asking('b', { want: 4 }))
	const now = measured(lineup.turns, 1_000)
	for (let count = 0; count < 3; count++) claimed(lineup, now)
	const queue = overviewOf(lineup, 50, now)
	expect(queue).toMatchObject({ running: 4, turnDuration: 1_000, turnsPerMinute: 240 })
	// Two of the one and one of the other are on their way, and the other has gone back by a turn less.
	expect(queue.waiting.map(({ jobId, expectedWait }) => [jobId, expectedWait])).toEqual([
		['b', 125],
		['a', 875],
	])
	expect(queue.expectedWait).toBe(875)
})

test('it says of everybody what they are told themselves', () => {
	const priorities = prioritySchema.options
	const words = Array.from({ length: 40 }, (_, index) =>
		asking(`${index}`, { want: 1 + (index % 3), priority: priorities[index % 4] ?? 'normal' }),
	)
	const lineup = lineupWith(...words)
	const now = measured(lineup.turns, 3_000)
	for (let count = 0; count < 5; count++) claimed(lineup, now)
	for (const { documentId, position, expectedWait } of overviewOf(lineup, 50, now).waiting) {
		const word = words.find((each) => each.documentId === documentId) ?? asking('nobody')
		expect(placeOf(lineup, word, now)).toMatchObject({ position, wait: expectedWait })
	}
	const expected = overviewOf(lineup, 50, now).expectedWait
	want(lineup, asking('newcomer'), now)
	expect(placeOf(lineup, asking('newcomer'), now)?.wait).toBe(expected)
})

test('it names only so many, and counts all', () => {
	const lineup = lineupWith(...Array.from({ length: 100 }, (_, index) => asking(`${index}`)))
	const queue = overviewOf(lineup, 3, NOW + 100)
	expect(queue.waiting.map(({ jobId }) => jobId)).toEqual(['0', '1', '2'])
	expect(queue.depth.total).toBe(100)
	expect(queue.wanted).toBe(100)
})

test('a pause is seen, and during it no wait can be told', () => {
	const lineup = lineupWith(asking('a', { want: 8 }), asking('b'))
	const now = measured(lineup.turns, 1_000)
	pause(lineup, 'olga', now)
	const queue = overviewOf(lineup, 50, now)
	expect(queue.paused).toEqual({ since: new Date(now).toISOString(), by: 'olga' })
	expect(queue.expectedWait).toBeNull()
	expect(queue.waiting.map(({ expectedWait }) => expectedWait)).toEqual([null, null])
	// What was measured before stays true.
	expect(queue.turnDuration).toBe(1_000)
})
