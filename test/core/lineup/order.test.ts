import { describe, expect, test } from 'vitest'
import { createLineup, want } from '../../../src/core/lineup/lineup.ts'
import { FIRST_PAGE_HEADSTART, priorityHeadstart, SPACING } from '../../../src/core/lineup/order.ts'
import { asking, claimed, lineupWith, NOW, orderOf } from './words.ts'

test('first come is first served among equals', () => {
	expect(orderOf(lineupWith(asking('b'), asking('a')))).toEqual(['b', 'a'])
})

test('those who came at once are in the same order everywhere', () => {
	const one = createLineup([], null)
	const other = createLineup([], null)
	for (const jobId of ['a', 'b', 'c']) want(one, asking(jobId), NOW)
	for (const jobId of ['c', 'a', 'b']) want(other, asking(jobId), NOW)
	expect(orderOf(one)).toEqual(['a', 'b', 'c'])
	expect(orderOf(other)).toEqual(['a', 'b', 'c'])
})

describe('a priority', () => {
	test('lets urgent pass, and low wait', () => {
		const lineup = lineupWith(
			asking('low', { priority: 'low' }),
			asking('normal'),
			asking('high', { priority: 'high' }),
			asking('urgent', { priority: 'urgent' }),
		)
		expect(orderOf(lineup)).toEqual(['urgent', 'high', 'normal', 'low'])
	})

	test('is worth a time and no more, so that nobody starves', () => {
		const lineup = createLineup([], null)
		want(lineup, asking('low', { priority: 'low' }), NOW)
		want(lineup, asking('soon'), NOW - priorityHeadstart.low - 1)
		want(lineup, asking('late'), NOW - priorityHeadstart.low + 1)
		want(lineup, asking('urgent', { priority: 'urgent' }), NOW - priorityHeadstart.low + priorityHeadstart.urgent + 1)
		expect(orderOf(lineup)).toEqual(['soon', 'low', 'late', 'urgent'])
	})
})

describe('a first page', () => {
	test('comes two minutes before the pages after it', () => {
		const lineup = createLineup([], null)
		want(lineup, asking('goes on', { firstPageOut: true }), NOW)
		want(lineup, asking('in time'), NOW + FIRST_PAGE_HEADSTART - 1)
		want(lineup, asking('too late'), NOW + FIRST_PAGE_HEADSTART + 1)
		expect(FIRST_PAGE_HEADSTART).toBe(120_000)
		expect(orderOf(lineup)).toEqual(['in time', 'goes on', 'too late'])
	})

	test('that is out moves its document back, though it came first', () => {
		const lineup = lineupWith(asking('a'), asking('b'))
		want(lineup, asking('a', { seq: 2, firstPageOut: true }), NOW + 10)
		expect(orderOf(lineup)).toEqual(['b', 'a'])
	})
})

describe('the documents of one owner', () => {
	const ofCrowd = (index: number, said = {}) => asking(`crowd ${index}`, { owner: 'crowd', ...said })

	test('are spaced, so that a hundred do not push aside the one of another', () => {
		const lineup = createLineup([], null)
		for (let index = 0; index < 100; index++) want(lineup, ofCrowd(index), NOW)
		want(lineup, asking('alone'), NOW + 1)
		expect(orderOf(lineup).indexOf('alone')).toBe(1)
		expect(orderOf(lineup).slice(0, 3)).toEqual(['crowd 0', 'alone', 'crowd 1'])
		// Each has its turn: whoever comes while half of them would have run, stands before the other half.
		want(lineup, asking('later'), NOW + 50 * SPACING + 1)
		expect(orderOf(lineup).indexOf('later')).toBe(52)
	})

	test('are spaced no longer when none of them waits', () => {
		const lineup = createLineup([], null)
		for (let index = 0; index < 100; index++) want(lineup, ofCrowd(index), NOW)
		for (let index = 0; index < 100; index++) want(lineup, ofCrowd(index, { seq: 2, want: 0 }), NOW + 1)
		want(lineup, ofCrowd(100), NOW + 2)
		want(lineup, asking('alone'), NOW + 3)
		expect(orderOf(lineup)).toEqual(['crowd 100', 'alone'])
	})

	test('stay spaced while one of them still waits, also when the last has left', () => {
		const lineup = createLineup([], null)
		for (let index = 0; index < 3; index++) want(lineup, ofCrowd(index), NOW)
		want(lineup, ofCrowd(2, { seq: 2, want: 0 }), NOW + 1)
		want(lineup, ofCrowd(3), NOW + 2)
		expect(lineup.line.of('document of crowd 3')?.arrival).toBe(NOW + 3 * SPACING)
	})

	test('are as near as they come, when they come slowly', () => {
		const lineup = createLineup([], null)
		want(lineup, ofCrowd(0), NOW)
		want(lineup, ofCrowd(1), NOW + SPACING + 1)
		expect(lineup.line.of('document of crowd 1')?.arrival).toBe(NOW + SPACING + 1)
	})

	test('are spaced within each priority, not across', () => {
		const lineup = createLineup([], null)
		for (let index = 0; index < 50; index++) want(lineup, ofCrowd(index, { priority: 'low' }), NOW)
		want(lineup, ofCrowd(50), NOW)
		want(lineup, ofCrowd(51, { priority: 'urgent' }), NOW)
		want(lineup, ofCrowd(52, { priority: 'urgent' }), NOW)
		const arrivalOf = (index: number) => lineup.line.of(`document of crowd ${index}`)?.arrival
		expect([50, 51, 52].map(arrivalOf)).toEqual([NOW, NOW, NOW + SPACING])
	})

	test('are spaced from each other, not from an older job of the same', () => {
		const lineup = createLineup([], null)
		want(lineup, ofCrowd(0), NOW)
		want(lineup, ofCrowd(1, { documentId: 'document of crowd 0', seq: 2 }), NOW + 1)
		expect(lineup.line.of('document of crowd 0')).toMatchObject({ jobId: 'crowd 1', arrival: NOW + 1 })
	})

	test('are spaced as before when the lineup has come back with its rows', () => {
		const before = createLineup([], null)
		for (let index = 0; index < 10; index++) want(before, ofCrowd(index), NOW)
		const lineup = createLineup(before.line.entries.toReversed(), null)
		want(lineup, ofCrowd(10), NOW + 1)
		expect(orderOf(lineup)).toEqual(Array.from({ length: 11 }, (_, index) => `crowd ${index}`))
		expect(lineup.line.of('document of crowd 10')?.arrival).toBe(NOW + 10 * SPACING)
	})
})

describe('a job that comes back after its turn', () => {
	test('has its place again and a turn more, not one behind all who came meanwhile', () => {
		const lineup = lineupWith(asking('long'), asking('b'))
		expect(claimed(lineup, NOW + 5)).toBe('long')
		want(lineup, asking('long', { seq: 2, want: 0 }), NOW + 10)
		want(lineup, asking('soon'), NOW + SPACING - 1)
		want(lineup, asking('late'), NOW + SPACING + 1)
		want(lineup, asking('long', { seq: 3 }), NOW + 60_000)
		expect(lineup.line.of('document of long')?.arrival).toBe(NOW + SPACING)
		expect(orderOf(lineup)).toEqual(['b', 'soon', 'long', 'late'])
	})

	test('moves back by a turn each time, so that two long ones take turns', () => {
		const lineup = lineupWith(asking('a'), asking('b'))
		const heads: string[] = []
		for (let turn = 0; turn < 6; turn++) {
			const now = NOW + 1_000 + turn * 100
			const head = claimed(lineup, now) ?? ''
			heads.push(head)
			want(lineup, asking(head, { seq: 2 * turn + 2, want: 0 }), now)
			want(lineup, asking(head, { seq: 2 * turn + 3 }), now + 50)
		}
		expect(heads).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
	})

	test('takes a new place when that is too long ago', () => {
		const lineup = lineupWith(asking('a'))
		want(lineup, asking('a', { seq: 2, want: 0 }), NOW)
		want(lineup, asking('a', { seq: 3 }), NOW + 600_000)
		expect(lineup.line.of('document of a')?.arrival).toBe(NOW + 600_000)
	})

	test('takes a new place when it is another job of the document', () => {
		const lineup = lineupWith(asking('a'))
		want(lineup, asking('a', { seq: 2, want: 0 }), NOW)
		want(lineup, asking('another', { documentId: 'document of a', seq: 3 }), NOW + 20_000)
		expect(lineup.line.of('document of a')?.arrival).toBe(NOW + 20_000)
	})
})
