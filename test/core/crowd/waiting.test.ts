import { expect, test } from 'vitest'
import { WaitingCounts } from '../../../src/core/crowd/waiting.ts'
import { Line } from '../../../src/core/lineup/line.ts'

const LIMIT = 10

/** An owner of whose documents the lineup has just said how many wait. */
function heard(count: number, now = 0): WaitingCounts {
	const counts = new WaitingCounts()
	counts.heard('alice', count, counts.asks('alice', now))
	return counts
}

test('the first of an owner’s documents is let in, and the lineup asked behind it', () => {
	expect(new WaitingCounts().judge('alice', LIMIT, 0)).toBe('go and ask')
})

test('while there is room the lineup is asked every ten seconds at most', () => {
	const counts = heard(4)
	expect(counts.judge('alice', LIMIT, 1)).toBe('go')
	expect(counts.judge('alice', LIMIT, 9_999)).toBe('go')
	expect(counts.judge('alice', LIMIT, 10_000)).toBe('go and ask')
	counts.asks('alice', 10_000)
	expect(counts.judge('alice', LIMIT, 10_001)).toBe('go')
})

test('above half of the limit the answer is waited for, once a second', () => {
	const counts = heard(6)
	expect(counts.judge('alice', LIMIT, 999)).toBe('go')
	expect(counts.judge('alice', LIMIT, 1_000)).toBe('ask')
})

test('nobody is refused by guess: at the limit the lineup is asked each time', () => {
	const counts = heard(9)
	expect(counts.judge('alice', LIMIT, 1)).toBe('go')
	counts.added('alice')
	expect(counts.judge('alice', LIMIT, 1)).toBe('ask')
})

test('those that were let in count until the lineup counts them', () => {
	const counts = heard(0)
	for (let count = 0; count < 6; count++) counts.added('alice')
	expect(counts.judge('alice', LIMIT, 5_000)).toBe('ask')
	const before = counts.asks('alice', 5_000)
	counts.added('alice')
	counts.heard('alice', 4, before)
	// Four, and the one that came meanwhile.
	expect(counts.judge('alice', LIMIT, 7_000)).toBe('go')
	counts.added('alice')
	expect(counts.judge('alice', LIMIT, 7_000)).toBe('ask')
})

test('owners have nothing to do with each other', () => {
	expect(heard(10).judge('bob', LIMIT, 1)).toBe('go and ask')
})

test('a clock that was put back has the lineup asked again', () => {
	expect(heard(1, 50_000).judge('alice', LIMIT, 1)).toBe('go and ask')
	expect(heard(6, 50_000).judge('alice', LIMIT, 1)).toBe('ask')
})

test('the lineup counts an owner’s documents of all priorities', () => {
	const line = new Line()
	const entry = {
		jobId: 'job',
		format: 'application/pdf',
		owner: 'alice',
		want: 2,
		firstPageOut: false,
		seq: 1,
		arrival: 0,
	} as const
	line.put({ ...entry, documentId: 'one', priority: 'low' })
	line.put({ ...entry, documentId: 'two', priority: 'urgent' })
	line.put({ ...entry, documentId: 'two', priority: 'normal' })
	line.put({ ...entry, documentId: 'three', priority: 'normal' })
	line.put({ ...entry, documentId: 'four', priority: 'normal', owner: 'bob' })
	expect([line.waitingOf('alice'), line.waitingOf('bob'), line.waitingOf('carol')]).toEqual([3, 1, 0])
	line.remove('two')
	expect(line.waitingOf('alice')).toBe(2)
})
