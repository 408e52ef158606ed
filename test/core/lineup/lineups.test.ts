import { describe, expect, test } from 'vitest'
import { RESERVATION_DURATION, takeDueNudges } from '../../../src/core/lineup/lineup.ts'
import {
	alarmToSet,
	claim,
	createLineups,
	forget,
	isNeeded,
	type Lineups,
	pause,
	placeTold,
	resume,
	takeRefreshed,
	want,
} from '../../../src/core/lineup/lineups.ts'
import { NUDGE_DURATION } from '../../../src/core/lineup/nudges.ts'
import { overviewOfAll, queueSchema } from '../../../src/core/lineup/overview.ts'
import { asking, NOW } from './words.ts'

const TEXT = 'text/plain'
const text = (jobId: string, said: Parameters<typeof asking>[1] = {}) => asking(jobId, { format: TEXT, ...said })

/** Lineups in which these have come, a millisecond after each other. */
function lineupsWith(...words: ReturnType<typeof asking>[]): Lineups {
	const lineups = createLineups([], null)
	for (const [index, word] of words.entries()) want(lineups, word, NOW + index)
	return lineups
}

function given(lineups: Lineups, formats: string[], now = NOW + 100, converter = 'one'): string | null {
	return claim(lineups, { converter, nudged: false, formats }, now)?.jobId ?? null
}

describe('converters are given what they can convert:', () => {
	test('nothing of another format, however urgent, and in its order what is theirs', () => {
		const lineups = lineupsWith(
			text('a', { priority: 'urgent', want: 8 }),
			asking('b'),
			text('c', { priority: 'urgent' }),
		)
		expect(given(lineups, ['application/pdf'])).toBe('b')
		expect(given(lineups, ['application/pdf'])).toBeNull()
		expect(given(lineups, [TEXT])).toBe('a')
		expect(given(lineups, ['text/markdown'])).toBeNull()
		expect(given(lineups, [])).toBeNull()
	})

	test('of several formats, who runs before the others', () => {
		const formats = [TEXT, 'text/markdown']
		const markdown = (jobId: string, said = {}) => asking(jobId, { format: 'text/markdown', ...said })
		const lineups = lineupsWith(text('a'), markdown('b'), text('c'), markdown('d', { priority: 'high' }), asking('pdf'))
		expect(['d', 'a', 'b', 'c', null].map(() => given(lineups, formats))).toEqual(['d', 'a', 'b', 'c', null])
	})

	test('and hear beforehand whether there is something for them', () => {
		const lineups = lineupsWith(text('a'))
		expect(isNeeded(lineups, ['application/pdf'], NOW)).toBe(false)
		expect(isNeeded(lineups, ['text/markdown', TEXT], NOW)).toBe(true)
		expect(given(lineups, [TEXT])).toBe('a')
		expect(isNeeded(lineups, [TEXT], NOW + 100)).toBe(false)
		expect(isNeeded(lineups, [TEXT], NOW + 100 + RESERVATION_DURATION)).toBe(true)
		pause(lineups, 'olga', NOW)
		expect(isNeeded(lineups, [TEXT], NOW + 100 + RESERVATION_DURATION)).toBe(false)
	})

	test('and a place is held for each, in its own line', () => {
		const lineups = lineupsWith(text('a'), asking('b'))
		expect(given(lineups, [TEXT])).toBe('a')
		expect(given(lineups, [TEXT])).toBeNull()
		expect(given(lineups, [TEXT], NOW + 100 + RESERVATION_DURATION)).toBe('a')
	})
})

test('only built-in converters are called, and only their line looks again for those who did not come', () => {
	const lineups = lineupsWith(text('a', { want: 8 }))
	expect(takeDueNudges(lineups.pdf, NOW)).toBe(0)
	for (const lineup of lineups.others.values()) expect(takeDueNudges(lineup, NOW)).toBe(0)
	expect(alarmToSet(lineups, null, NOW)).toBeNull()
	want(lineups, asking('b', { want: 2 }), NOW)
	expect(takeDueNudges(lineups.pdf, NOW)).toBe(2)
	expect(alarmToSet(lineups, null, NOW)).toBe(NOW + NUDGE_DURATION)
})

describe('a place', () => {
	test('is among those of the same format', () => {
		const words = [asking('a'), text('b'), asking('c'), text('d', { watched: true })]
		const lineups = lineupsWith(...words)
		expect(words.map((word) => placeTold(lineups, word, NOW + 10)?.position)).toEqual([1, 1, 2, 2])
	})

	test('says how long it takes once turns of its own format were measured, whatever those of others take', () => {
		const lineups = lineupsWith(
			text('waits', { priority: 'low', want: 1 }),
			asking('pdf', { want: 8, priority: 'low' }),
		)
		let now = NOW + 100
		for (let turn = 0; turn <= 10; turn++, now += 2_000) {
			want(lineups, text(`${turn}`, { priority: 'urgent' }), now)
			expect(given(lineups, [TEXT], now)).toBe(`${turn}`)
			want(lineups, text(`${turn}`, { seq: 2, want: 0 }), now)
		}
		expect(placeTold(lineups, text('waits', { priority: 'low' }), now - 2_000)).toMatchObject({
			turn: 2_000,
			wait: 1_000,
		})
		expect(placeTold(lineups, asking('pdf', { want: 8, priority: 'low' }), now)).toMatchObject({
			turn: null,
			wait: null,
		})
	})

	test('is told to those who look on, of every format', () => {
		const lineups = lineupsWith(asking('a'), text('b'), asking('c', { watched: true }), text('d', { watched: true }))
		expect(takeRefreshed(lineups, NOW + 10).map(({ jobId }) => jobId)).toEqual(['c', 'd'])
		want(lineups, text('b', { seq: 2, want: 0 }), NOW + 10_000)
		expect(takeRefreshed(lineups, NOW + 20_000)).toMatchObject([{ jobId: 'd', place: { position: 1 } }])
	})
})

test('who stopped for long and came back under its name has not had one long turn', () => {
	const lineups = lineupsWith(text('a', { want: 8 }))
	expect(given(lineups, [TEXT])).toBe('a')
	expect(given(lineups, [TEXT], NOW + 3_600_000)).toBe('a')
	expect(lineups.others.get(TEXT)?.turns.count).toBe(0)
})

test('a turn with one format ends with a claim of another', () => {
	const lineups = lineupsWith(text('a'), asking('b', { format: 'text/markdown' }))
	expect(given(lineups, [TEXT])).toBe('a')
	expect(given(lineups, ['text/markdown'], NOW + 1_100)).toBe('b')
	expect(lineups.others.get(TEXT)?.turns).toMatchObject({ count: 1, average: 1_000 })
})

test('a pause stops every line, also one that comes during it', () => {
	const lineups = lineupsWith(asking('a'), text('b'))
	pause(lineups, 'olga', NOW)
	want(lineups, asking('c', { format: 'text/markdown' }), NOW)
	expect(given(lineups, ['application/pdf', TEXT, 'text/markdown'])).toBeNull()
	expect(given(createLineups([...lineups.pdf.line.entries], lineups.pdf.paused), ['application/pdf'])).toBeNull()
	resume(lineups)
	expect(given(lineups, ['text/markdown'])).toBe('c')
	expect(given(lineups, [TEXT])).toBe('b')
})

test('a document that was put into the wrong line stands in one only, and an older word does not put it back', () => {
	const lineups = lineupsWith(asking('a', { seq: 5 }))
	expect(want(lineups, text('a', { seq: 4 }), NOW)).toBe('unchanged')
	expect(want(lineups, text('a', { seq: 5 }), NOW)).toMatchObject({ format: TEXT, seq: 5 })
	expect(want(lineups, asking('a', { seq: 4 }), NOW)).toBe('unchanged')
	expect(given(lineups, ['application/pdf'])).toBeNull()
	expect(given(lineups, [TEXT])).toBe('a')
	const other = lineupsWith(asking('a', { seq: 5 }))
	// Its row goes with it, when it wants nobody any more.
	expect(want(other, text('a', { seq: 6, want: 0 }), NOW)).toBeNull()
	expect(given(other, ['application/pdf', TEXT])).toBeNull()
})

test('a job that is gone is forgotten, whatever its format', () => {
	const lineups = lineupsWith(text('a'), asking('b'))
	expect(forget(lineups, 'document of a', 'another')).toBe(false)
	expect(forget(lineups, 'document of a', 'a')).toBe(true)
	expect(given(lineups, [TEXT])).toBeNull()
	expect(given(lineups, ['application/pdf'])).toBe('b')
})

test('what is kept makes the same lines again', () => {
	const lineups = lineupsWith(text('a'), asking('b'), text('c'))
	const kept = [lineups.pdf, ...lineups.others.values()].flatMap(({ line }) => line.entries)
	const again = createLineups(kept, null)
	expect([given(again, [TEXT]), given(again, [TEXT]), given(again, ['application/pdf'])]).toEqual(['a', 'c', 'b'])
})

test('an operator sees the lines apart', () => {
	const queue = overviewOfAll(lineupsWith(asking('a'), text('b'), text('c', { want: 2 })), 50, NOW + 10)
	expect(queueSchema.parse(queue)).toEqual(queue)
	expect(queue).toMatchObject({
		depth: { total: 1 },
		wanted: 1,
		others: [{ format: TEXT, depth: { total: 2 }, wanted: 3, waiting: [{ jobId: 'b', position: 1 }, { jobId: 'c' }] }],
	})
})
