import { describe, expect, test } from 'vitest'
import { claim, leave } from '../../../src/core/lineup/lineup.ts'
import {
	atWork,
	noTurns,
	turnBegan,
	turnDuration,
	turnEnded,
	waitComingBack,
	waitInLine,
} from '../../../src/core/lineup/turns.ts'
import { asking, lineupWith, measured, NOW } from './words.ts'

describe('how long a turn takes', () => {
	test('is not said before ten were measured', () => {
		const turns = noTurns()
		const now = measured(turns, 4_000, { count: 9 })
		expect(turnDuration(turns, now)).toBeNull()
		expect(waitInLine(turns, 5, now)).toBeNull()
		turnEnded(turns, 'c', false, now + 4_000)
		expect(turnDuration(turns, now + 4_000)).toBe(4_000)
	})

	test('is an average at first, and follows slowly what changes', () => {
		const turns = noTurns()
		let now = measured(turns, 3_000, { count: 15 })
		now = measured(turns, 6_000, { count: 5, from: now })
		expect(turnDuration(turns, now)).toBeCloseTo(3_750)
		now = measured(turns, 3_750, { count: 80, from: now })
		now = measured(turns, 13_750, { count: 1, from: now })
		expect(turnDuration(turns, now)).toBeCloseTo(3_950)
	})

	test('is what lies between two claims of the same converter', () => {
		const turns = noTurns()
		const converters = Array.from({ length: 10 }, (_, index) => `${index}`)
		for (const [index, converter] of converters.entries()) turnBegan(turns, converter, NOW + index * 100)
		for (const [index, converter] of converters.entries()) {
			turnEnded(turns, converter, false, NOW + index * 100 + 5_000)
		}
		expect(turnDuration(turns, NOW + 5_900)).toBe(5_000)
	})

	test('is not measured on a converter that was idle in between, and came by a nudge', () => {
		const turns = noTurns()
		const now = measured(turns, 1_000)
		turnEnded(turns, 'c', true, now + 50_000)
		expect(turnDuration(turns, now + 50_000)).toBe(1_000)
	})

	test('is not said when the last one is long ago, or lies ahead since a clock was put back', () => {
		const turns = noTurns()
		const now = measured(turns, 1_000)
		expect(turnDuration(turns, now + 599_999)).toBe(1_000)
		expect(turnDuration(turns, now + 600_000)).toBeNull()
		expect(turnDuration(turns, now - 1)).toBeNull()
	})

	test('is not measured when a clock was put back within it', () => {
		const turns = noTurns()
		const now = measured(turns, 1_000)
		turnEnded(turns, 'c', false, now - 10_000)
		expect(turnDuration(turns, now)).toBe(1_000)
	})
})

describe('who is at work', () => {
	test('are those who claimed, until they claim in vain', () => {
		const lineup = lineupWith(asking('a', { want: 3 }))
		for (const converter of ['a', 'b', 'c']) claim(lineup, { converter, nudged: true }, NOW)
		expect(atWork(lineup.turns, NOW)).toBe(3)
		claim(lineup, { converter: 'b', nudged: false }, NOW + 5_000)
		expect(atWork(lineup.turns, NOW + 5_000)).toBe(2)
	})

	test('is nobody who was not heard of for a minute, or began after now', () => {
		const turns = noTurns()
		turnBegan(turns, 'a', NOW)
		expect(atWork(turns, NOW + 59_999)).toBe(1)
		expect(atWork(turns, NOW + 60_000)).toBe(0)
		turnBegan(turns, 'b', NOW)
		expect(atWork(turns, NOW - 1)).toBe(0)
	})
})

describe('a converter that goes', () => {
	test('has ended its turn, which counts, and is not at work any more', () => {
		const lineup = lineupWith(asking('a', { want: 3 }))
		const now = measured(lineup.turns, 1_000, { count: 9 })
		claim(lineup, { converter: 'a', nudged: true }, now)
		leave(lineup, 'c', now + 1_000)
		expect(turnDuration(lineup.turns, now + 1_000)).toBe(1_000)
		expect(atWork(lineup.turns, now + 1_000)).toBe(1)
	})
})

describe('a wait in line', () => {
	test('is the turns of those before, shared by those at work, and half a share for what they have begun', () => {
		const turns = noTurns()
		const now = measured(turns, 4_000)
		expect(waitInLine(turns, 0, now)).toBe(2_000)
		expect(waitInLine(turns, 3, now)).toBe(14_000)
		for (const converter of ['d', 'e', 'f']) turnBegan(turns, converter, now)
		expect(waitInLine(turns, 3, now)).toBe(3_500)
	})

	test('cannot be told while nobody is at work', () => {
		const turns = noTurns()
		const now = measured(turns, 4_000) + 4_000
		turnEnded(turns, 'c', false, now)
		expect(turnDuration(turns, now)).toBe(4_000)
		expect(waitInLine(turns, 0, now)).toBeNull()
		expect(waitComingBack(turns, 1, now)).toBeNull()
	})
})

describe('a wait of somebody who comes back with its converter', () => {
	test('is the turns of those before alone, as that converter is free', () => {
		const turns = noTurns()
		const now = measured(turns, 4_000)
		expect(waitComingBack(turns, 3, now)).toBe(12_000)
		for (const converter of ['d', 'e', 'f']) turnBegan(turns, converter, now)
		expect(waitComingBack(turns, 3, now)).toBe(3_000)
	})

	test('is none when nobody is before it, whatever was measured', () => {
		expect(waitComingBack(noTurns(), 0, NOW)).toBe(0)
		expect(waitComingBack(noTurns(), 1, NOW)).toBeNull()
	})
})
