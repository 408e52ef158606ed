import { describe, expect, test } from 'vitest'
import {
	alarmToSet,
	leave,
	lookAgainAt,
	pause,
	RESERVATION_DURATION,
	resume,
	takeDueNudges,
	want,
} from '../../../src/core/lineup/lineup.ts'
import { MAX_NUDGES, NUDGE_DURATION, nudgeHandedBack } from '../../../src/core/lineup/nudges.ts'
import { asking, claimed, lineupWith, NOW } from './words.ts'

describe('nudges', () => {
	test('are sent one for each converter that is wanted, and not twice', () => {
		const lineup = lineupWith(asking('a', { want: 3 }), asking('b'))
		expect(takeDueNudges(lineup, NOW)).toBe(4)
		expect(takeDueNudges(lineup, NOW)).toBe(0)
	})

	test('that get lost are replaced', () => {
		const lineup = lineupWith(asking('a'))
		takeDueNudges(lineup, NOW)
		expect(lookAgainAt(lineup, NOW)).toBe(NOW + NUDGE_DURATION)
		expect(takeDueNudges(lineup, NOW + NUDGE_DURATION - 1)).toBe(0)
		expect(takeDueNudges(lineup, NOW + NUDGE_DURATION)).toBe(1)
	})

	test('that brought a converter are not counted any more', () => {
		const lineup = lineupWith(asking('a'))
		takeDueNudges(lineup, NOW)
		claimed(lineup, NOW, true)
		expect(takeDueNudges(lineup, NOW)).toBe(0)
		expect(takeDueNudges(lineup, NOW + RESERVATION_DURATION)).toBe(1)
	})

	test('are still on their way when a converter comes of itself', () => {
		const lineup = lineupWith(asking('a', { want: 2 }))
		takeDueNudges(lineup, NOW)
		claimed(lineup, NOW)
		expect(takeDueNudges(lineup, NOW + RESERVATION_DURATION)).toBe(0)
	})

	test('are no more than converters could be had', () => {
		const lineup = lineupWith(...Array.from({ length: 100 }, (_, index) => asking(`${index}`, { want: 8 })))
		expect(takeDueNudges(lineup, NOW)).toBe(MAX_NUDGES)
	})

	test('from before a clock was put back are not waited for', () => {
		const lineup = lineupWith(asking('a'))
		takeDueNudges(lineup, NOW)
		expect(takeDueNudges(lineup, NOW - 3_600_000)).toBe(1)
	})

	test('are not sent during a pause, and all are when it is over', () => {
		const lineup = lineupWith(asking('a', { want: 2 }))
		pause(lineup, 'olga', NOW)
		expect(takeDueNudges(lineup, NOW)).toBe(0)
		expect(lookAgainAt(lineup, NOW)).toBeNull()
		want(lineup, asking('b'), NOW + 1)
		expect(takeDueNudges(lineup, NOW + NUDGE_DURATION)).toBe(0)
		resume(lineup)
		expect(takeDueNudges(lineup, NOW + NUDGE_DURATION)).toBe(3)
	})
})

describe('a nudge that is handed back', () => {
	test('is replaced, but only once a second, however many copies come', () => {
		const lineup = lineupWith(asking('a'))
		takeDueNudges(lineup, NOW)
		const replaced = [0, 10, 20, 999, 1_000].map((after) => nudgeHandedBack(lineup.nudges, NOW + after))
		expect(replaced).toEqual([true, false, false, false, true])
	})

	test('makes room for another', () => {
		const lineup = lineupWith(asking('a'))
		takeDueNudges(lineup, NOW)
		nudgeHandedBack(lineup.nudges, NOW)
		expect(takeDueNudges(lineup, NOW)).toBe(1)
	})
})

describe('a converter that goes', () => {
	test('makes room for a nudge, since it may have found it busy', () => {
		const lineup = lineupWith(asking('a'))
		takeDueNudges(lineup, NOW)
		leave(lineup, 'c', NOW + 1)
		expect(takeDueNudges(lineup, NOW + 1)).toBe(1)
		expect(takeDueNudges(lineup, NOW + 1)).toBe(0)
	})

	test('calls nobody when nobody waits', () => {
		const lineup = lineupWith()
		leave(lineup, 'c', NOW)
		expect(takeDueNudges(lineup, NOW)).toBe(0)
	})
})

describe('the alarm', () => {
	test('is set anew only when it would ring too late, or was lost', () => {
		const lineup = lineupWith(asking('a'))
		takeDueNudges(lineup, NOW)
		const due = NOW + NUDGE_DURATION
		expect(alarmToSet(lineup, null, NOW)).toBe(due)
		expect(alarmToSet(lineup, due, NOW)).toBeNull()
		expect(alarmToSet(lineup, due - 1, NOW)).toBeNull()
		expect(alarmToSet(lineup, due + 1, NOW)).toBe(due)
		expect(alarmToSet(lineup, NOW - 3_600_000, NOW)).toBe(due)
	})

	test('rings when a reservation ends, which may be before a nudge does', () => {
		const lineup = lineupWith(asking('a'))
		takeDueNudges(lineup, NOW)
		claimed(lineup, NOW + 5, true)
		expect(lookAgainAt(lineup, NOW + 5)).toBe(NOW + 5 + RESERVATION_DURATION)
	})

	test('is not needed when nobody waits', () => {
		expect(alarmToSet(lineupWith(), null, NOW)).toBeNull()
	})
})
