import { describe, expect, test } from 'vitest'
import {
	claim,
	emptyLineup,
	handBack,
	lookAgainAt,
	NUDGE_DURATION,
	nudgeArrived,
	RESERVATION_DURATION,
	takeDueNudges,
	want,
} from '../../src/core/lineup.ts'
import type { Priority } from '../../src/core/snapshot.ts'

const NOW = 1_000_000_000

function asking(jobId: string, seq = 1, count = 1, priority: Priority = 'normal') {
	return { jobId, documentId: `document of ${jobId}`, priority, want: count, seq }
}

describe('the order', () => {
	test('is first come, first served among equals', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a'), NOW)
		want(lineup, asking('b'), NOW + 1)
		expect([claim(lineup, NOW + 2)?.jobId, claim(lineup, NOW + 2)?.jobId]).toEqual(['a', 'b'])
	})

	test('lets urgent pass, and low wait', () => {
		const lineup = emptyLineup()
		want(lineup, asking('low', 1, 1, 'low'), NOW)
		want(lineup, asking('normal'), NOW + 1)
		want(lineup, asking('urgent', 1, 1, 'urgent'), NOW + 2)
		const order = [1, 2, 3].map(() => claim(lineup, NOW + 3)?.jobId)
		expect(order).toEqual(['urgent', 'normal', 'low'])
	})
})

describe('a claim', () => {
	test('takes nothing away: what nobody confirmed can be claimed again', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a'), NOW)
		expect(claim(lineup, NOW)?.jobId).toBe('a')
		expect(claim(lineup, NOW)).toBeNull()
		expect(claim(lineup, NOW + RESERVATION_DURATION)?.jobId).toBe('a')
	})

	test('is possible as often as converters are wanted', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a', 1, 3), NOW)
		const claims = [1, 2, 3, 4].map(() => claim(lineup, NOW)?.jobId ?? null)
		expect(claims).toEqual(['a', 'a', 'a', null])
	})

	test('that the document confirmed frees its place for what is still wanted', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a', 1, 2), NOW)
		claim(lineup, NOW)
		want(lineup, asking('a', 2, 1), NOW)
		expect(claim(lineup, NOW)?.jobId).toBe('a')
		expect(claim(lineup, NOW)).toBeNull()
	})
})

describe('a nudge that is handed back', () => {
	test('is replaced, but only once a second, however many copies come', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a'), NOW)
		takeDueNudges(lineup, NOW)
		const replaced = [0, 10, 20, 999, 1_000].map((after) => handBack(lineup, NOW + after))
		expect(replaced).toEqual([true, false, false, false, true])
	})
})

test('a clock that is put back holds neither reservations nor nudges', () => {
	const lineup = emptyLineup()
	want(lineup, asking('a'), NOW)
	takeDueNudges(lineup, NOW)
	claim(lineup, NOW)
	const anHourAgo = NOW - 3_600_000
	expect(takeDueNudges(lineup, anHourAgo)).toBe(1)
	expect(claim(lineup, anHourAgo)?.jobId).toBe('a')
})

describe('a word of a document', () => {
	test('that is late or comes twice changes nothing', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a', 5, 2), NOW)
		expect(want(lineup, asking('a', 4, 8), NOW)).toBe('unchanged')
		expect(want(lineup, asking('a', 5, 2), NOW)).toBe('unchanged')
		expect(lineup.entries.get('document of a')?.want).toBe(2)
	})

	test('with the same version counts when more is wanted, since only time can have passed', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a', 5, 1), NOW)
		expect(want(lineup, asking('a', 5, 2), NOW)).toMatchObject({ want: 2, seq: 5 })
		expect(want(lineup, asking('a', 5, 1), NOW)).toBe('unchanged')
	})

	test('of another job takes a new place, and what was reserved for the old one is free', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a'), NOW)
		want(lineup, asking('b'), NOW + 1)
		claim(lineup, NOW + 2)
		want(lineup, { ...asking('a', 2), jobId: 'another' }, NOW + 3)
		expect([claim(lineup, NOW + 4)?.jobId, claim(lineup, NOW + 4)?.jobId]).toEqual(['b', 'another'])
	})

	test('that nobody is wanted ends its wait', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a'), NOW)
		expect(want(lineup, asking('a', 2, 0), NOW)).toBeNull()
		expect(claim(lineup, NOW)).toBeNull()
		expect(lookAgainAt(lineup, NOW)).toBeNull()
	})

	test('keeps its place in line', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a'), NOW)
		want(lineup, asking('b'), NOW + 1)
		want(lineup, asking('a', 2, 3), NOW + 2)
		expect(claim(lineup, NOW + 3)?.jobId).toBe('a')
	})
})

describe('nudges', () => {
	test('are sent one for each converter that is wanted, and not twice', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a', 1, 3), NOW)
		expect(takeDueNudges(lineup, NOW)).toBe(3)
		expect(takeDueNudges(lineup, NOW)).toBe(0)
	})

	test('that get lost are replaced', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a'), NOW)
		takeDueNudges(lineup, NOW)
		expect(lookAgainAt(lineup, NOW)).toBe(NOW + NUDGE_DURATION)
		expect(takeDueNudges(lineup, NOW + NUDGE_DURATION)).toBe(1)
	})

	test('that brought a converter are not counted any more', () => {
		const lineup = emptyLineup()
		want(lineup, asking('a'), NOW)
		takeDueNudges(lineup, NOW)
		nudgeArrived(lineup)
		claim(lineup, NOW)
		expect(takeDueNudges(lineup, NOW)).toBe(0)
		expect(takeDueNudges(lineup, NOW + RESERVATION_DURATION)).toBe(1)
	})
})
