import { describe, expect, test } from 'vitest'
import { forget, lookAgainAt, pause, RESERVATION_DURATION, resume, want } from '../../../src/core/lineup/lineup.ts'
import { SPACING } from '../../../src/core/lineup/order.ts'
import { asking, claimed, lineupWith, NOW, orderOf } from './words.ts'

describe('a claim', () => {
	test('takes nothing away: what nobody confirmed can be claimed again', () => {
		const lineup = lineupWith(asking('a'))
		expect(claimed(lineup, NOW)).toBe('a')
		expect(claimed(lineup, NOW + RESERVATION_DURATION - 1)).toBeNull()
		expect(claimed(lineup, NOW + RESERVATION_DURATION)).toBe('a')
	})

	test('is possible as often as converters are wanted, but for each the document goes back by a turn', () => {
		const lineup = lineupWith(asking('a', { want: 3 }), asking('b'))
		expect(Array.from({ length: 5 }, () => claimed(lineup, NOW))).toEqual(['a', 'b', 'a', 'a', null])
		expect(lineup.line.of('document of a')?.arrival).toBe(NOW + 3 * SPACING)
	})

	test('that the document confirmed frees its place for what is still wanted', () => {
		const lineup = lineupWith(asking('a', { want: 2 }))
		claimed(lineup, NOW)
		want(lineup, asking('a', { seq: 2, want: 1 }), NOW)
		expect(claimed(lineup, NOW)).toBe('a')
		expect(claimed(lineup, NOW)).toBeNull()
	})

	test('is held for a document that only says something else, one at a time', () => {
		const lineup = lineupWith(asking('a', { want: 3 }))
		for (let count = 0; count < 3; count++) claimed(lineup, NOW)
		want(lineup, asking('a', { seq: 2, want: 2 }), NOW)
		expect(claimed(lineup, NOW)).toBeNull()
		want(lineup, asking('a', { seq: 3, want: 3 }), NOW)
		expect(claimed(lineup, NOW)).toBe('a')
	})

	test('from before a clock was put back holds nothing', () => {
		const lineup = lineupWith(asking('a'))
		expect(claimed(lineup, NOW)).toBe('a')
		expect(claimed(lineup, NOW - 3_600_000)).toBe('a')
	})

	test('passes over nobody but those who are reserved to the full', () => {
		const lineup = lineupWith(asking('a'), asking('b'), asking('c'))
		expect([claimed(lineup, NOW), claimed(lineup, NOW), claimed(lineup, NOW)]).toEqual(['a', 'b', 'c'])
		// It alone was not confirmed, and is first still.
		want(lineup, asking('b', { seq: 2, want: 0 }), NOW + 1)
		want(lineup, asking('c', { seq: 2, want: 0 }), NOW + 1)
		expect(claimed(lineup, NOW + RESERVATION_DURATION)).toBe('a')
	})
})

describe('a word of a document', () => {
	test('that is late or comes twice changes nothing', () => {
		const lineup = lineupWith(asking('a', { seq: 5, want: 2 }))
		expect(want(lineup, asking('a', { seq: 4, want: 8 }), NOW)).toBe('unchanged')
		expect(want(lineup, asking('a', { seq: 5, want: 2 }), NOW)).toBe('unchanged')
		expect(want(lineup, asking('a', { seq: 4, want: 0 }), NOW)).toBe('unchanged')
		expect(lineup.line.of('document of a')?.want).toBe(2)
	})

	test('that is late changes nothing either when the document has left meanwhile', () => {
		const lineup = lineupWith(asking('a', { seq: 5 }))
		expect(want(lineup, asking('a', { seq: 6, want: 0 }), NOW)).toBeNull()
		expect(want(lineup, asking('a', { seq: 5 }), NOW + 1)).toBe('unchanged')
		expect(want(lineup, asking('a', { seq: 4, want: 3 }), NOW + 1)).toBe('unchanged')
		expect(orderOf(lineup)).toEqual([])
		expect(want(lineup, asking('a', { seq: 7 }), NOW + 2)).toMatchObject({ want: 1, seq: 7 })
	})

	test('of an older job that comes late changes nothing either, as its document has said more since', () => {
		const lineup = lineupWith(asking('a', { seq: 5 }))
		want(lineup, asking('another', { documentId: 'document of a', seq: 7 }), NOW)
		want(lineup, asking('another', { documentId: 'document of a', seq: 8, want: 0 }), NOW)
		expect(want(lineup, asking('a', { seq: 6, want: 3 }), NOW + 1)).toBe('unchanged')
		expect(orderOf(lineup)).toEqual([])
	})

	test('that says the same again is not worth a row, and is remembered all the same', () => {
		const lineup = lineupWith(asking('a', { seq: 5, want: 2 }))
		expect(want(lineup, asking('a', { seq: 9, want: 2 }), NOW)).toBe('unchanged')
		expect(want(lineup, asking('a', { seq: 7, want: 4 }), NOW)).toBe('unchanged')
		expect(lineup.line.of('document of a')).toMatchObject({ seq: 9, want: 2 })
	})

	test.each([
		['its first page is out', { firstPageOut: true }],
		['it wants more', { want: 3 }],
		['it has another priority', { priority: 'high' }],
		['it has an owner now', { owner: 'alice' }],
	] as const)('is worth a row when %s', (_, said) => {
		const lineup = lineupWith(asking('a'))
		expect(want(lineup, asking('a', { seq: 2, ...said }), NOW)).toMatchObject(said)
	})

	test('with the same version counts when more is wanted, since only time can have passed', () => {
		const lineup = lineupWith(asking('a', { seq: 5 }))
		expect(want(lineup, asking('a', { seq: 5, want: 2 }), NOW)).toMatchObject({ want: 2, seq: 5 })
		expect(want(lineup, asking('a', { seq: 5, want: 1 }), NOW)).toBe('unchanged')
	})

	test('of another job takes a new place, and what was reserved for the old one is free', () => {
		const lineup = lineupWith(asking('a'), asking('b'))
		claimed(lineup, NOW + 2)
		want(lineup, asking('another', { documentId: 'document of a', seq: 2 }), NOW + 3)
		expect([claimed(lineup, NOW + 4), claimed(lineup, NOW + 4), claimed(lineup, NOW + 4)]).toEqual([
			'b',
			'another',
			null,
		])
	})

	test('that nobody is wanted ends its wait', () => {
		const lineup = lineupWith(asking('a'))
		expect(want(lineup, asking('a', { seq: 2, want: 0 }), NOW)).toBeNull()
		expect(claimed(lineup, NOW)).toBeNull()
		expect(lookAgainAt(lineup, NOW)).toBeNull()
	})

	test('that nobody is wanted deletes nothing when it does not wait', () => {
		const lineup = lineupWith(asking('b'))
		expect(want(lineup, asking('a', { want: 0 }), NOW)).toBe('unchanged')
		expect(orderOf(lineup)).toEqual(['b'])
	})

	test('keeps its place in line', () => {
		const lineup = lineupWith(asking('a'), asking('b'))
		want(lineup, asking('a', { seq: 2, want: 3 }), NOW + 2)
		expect(orderOf(lineup)).toEqual(['a', 'b'])
	})
})

describe('a job that its document does not know', () => {
	test('is forgotten, with what was reserved for it', () => {
		const lineup = lineupWith(asking('a'), asking('b'))
		claimed(lineup, NOW)
		expect(forget(lineup, 'document of a', 'a')).toBe(true)
		expect(orderOf(lineup)).toEqual(['b'])
		expect(lineup.reservations.size).toBe(0)
	})

	test('is not taken for the one that waits', () => {
		const lineup = lineupWith(asking('a'))
		expect(forget(lineup, 'document of a', 'an older one')).toBe(false)
		expect(orderOf(lineup)).toEqual(['a'])
	})
})

describe('a pause', () => {
	test('gives nobody work, whoever waits, until somebody resumes', () => {
		const lineup = lineupWith(asking('a', { priority: 'urgent' }), asking('b'))
		pause(lineup, 'olga', NOW)
		expect(claimed(lineup, NOW + 1)).toBeNull()
		want(lineup, asking('c'), NOW + 2)
		expect(claimed(lineup, NOW + 3)).toBeNull()
		resume(lineup)
		expect([claimed(lineup, NOW + 4), claimed(lineup, NOW + 4), claimed(lineup, NOW + 4)]).toEqual(['a', 'b', 'c'])
	})

	test('is the first one, when there are two', () => {
		const lineup = lineupWith()
		pause(lineup, 'olga', NOW)
		expect(pause(lineup, 'otto', NOW + 1)).toEqual({ since: NOW, by: 'olga' })
	})
})
