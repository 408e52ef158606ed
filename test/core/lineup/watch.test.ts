import { describe, expect, test } from 'vitest'
import {
	claim,
	type Lineup,
	lookAgainAt,
	pause,
	REFRESHED_EVERY,
	resume,
	takeDueNudges,
	want,
} from '../../../src/core/lineup/lineup.ts'
import { placeOf, takeRefreshed, told, unwatch } from '../../../src/core/lineup/watch.ts'
import { asking, claimed, lineupWith, measured, NOW, orderOf } from './words.ts'

/** A document says its word, and is told its place in answer, as the object does. */
function say(lineup: Lineup, word: ReturnType<typeof asking>, now = NOW): void {
	want(lineup, word, now)
	told(lineup, word.documentId, placeOf(lineup, word, now), now)
}

/** So many wait, and then one that somebody looks at. */
function watchedBehind(count: number): Lineup {
	const lineup = lineupWith(...Array.from({ length: count }, (_, index) => asking(`${index}`)))
	say(lineup, asking('watched', { watched: true }), NOW + count)
	// Whoever is told in the first round has been told now.
	takeRefreshed(lineup, NOW + count)
	return lineup
}

/** Those at the head of the line leave it. */
function goAway(lineup: Lineup, count: number, now: number): void {
	for (const { jobId } of lineup.line.entries.slice(0, count)) want(lineup, asking(jobId, { seq: 2, want: 0 }), now)
}

describe('a place', () => {
	test('is a position from 1, with a wait for all that those before want, and half a turn more', () => {
		const lineup = lineupWith(asking('a', { want: 3 }), asking('b', { want: 2 }), asking('c'))
		const now = measured(lineup.turns, 1_000)
		const place = (jobId: string) => placeOf(lineup, asking(jobId), now)
		expect(place('a')).toEqual({ position: 1, wait: 500, turn: 1_000, isPaused: false })
		expect(place('c')).toEqual({ position: 3, wait: 5_500, turn: 1_000, isPaused: false })
	})

	test('has a shorter wait when more are at work, and when those before have got their converters', () => {
		const lineup = lineupWith(asking('a', { want: 3 }), asking('b', { want: 2 }), asking('c'))
		const now = measured(lineup.turns, 1_000)
		expect(placeOf(lineup, asking('c'), now)).toMatchObject({ position: 3, wait: 5_500 })
		for (let count = 0; count < 2; count++) claimed(lineup, now)
		// Each of the others has had one, and gone back by a turn.
		expect(placeOf(lineup, asking('c'), now)).toMatchObject({ position: 1, wait: 500 / 3 })
	})

	test('has no wait before that can be told, nor during a pause', () => {
		const lineup = lineupWith(asking('a', { want: 8 }), asking('b'))
		expect(placeOf(lineup, asking('b'), NOW)).toEqual({ position: 2, wait: null, turn: null, isPaused: false })
		const now = measured(lineup.turns, 1_000)
		pause(lineup, 'olga', now)
		expect(placeOf(lineup, asking('b'), now)).toEqual({ position: 2, wait: null, turn: 1_000, isPaused: true })
	})

	test('of a job that is worked on is where it would come back', () => {
		const lineup = lineupWith(
			asking('long'),
			...['a', 'b'].map((jobId) => asking(jobId, { want: 3, firstPageOut: true })),
		)
		const now = measured(lineup.turns, 1_000)
		claimed(lineup, NOW)
		want(lineup, asking('long', { seq: 2, want: 0 }), now)
		want(lineup, asking('late', { firstPageOut: true }), now)
		// A turn and its first page cost it the places before the two others, but not behind who came late.
		const comeBack = placeOf(lineup, asking('long', { seq: 2, want: 0 }), now)
		expect(comeBack).toEqual({ position: 3, wait: 3_000, turn: 1_000, isPaused: false })
		want(lineup, asking('long', { seq: 3, firstPageOut: true }), now)
		expect(orderOf(lineup)).toEqual(['a', 'b', 'long', 'late'])
	})

	test('is nobody’s of whom the lineup knows nothing', () => {
		expect(placeOf(lineupWith(asking('a')), asking('b'), NOW)).toBeNull()
		expect(placeOf(lineupWith(asking('a')), asking('b', { want: 0 }), NOW)).toBeNull()
	})
})

describe('a refresh', () => {
	test('tells who is watched, and nobody else', () => {
		const lineup = watchedBehind(10)
		goAway(lineup, 5, NOW + REFRESHED_EVERY)
		const now = NOW + 2 * REFRESHED_EVERY
		const place = { position: 6, wait: null, turn: null, isPaused: false }
		expect(takeRefreshed(lineup, now)).toEqual([{ documentId: 'document of watched', jobId: 'watched', place }])
	})

	test('comes every five seconds at most', () => {
		const lineup = watchedBehind(10)
		const begun = NOW + 10
		goAway(lineup, 5, begun + 1)
		expect(takeRefreshed(lineup, begun + REFRESHED_EVERY - 1)).toEqual([])
		expect(takeRefreshed(lineup, begun + REFRESHED_EVERY)).toHaveLength(1)
		goAway(lineup, 1, begun + REFRESHED_EVERY + 1)
		expect(takeRefreshed(lineup, begun + REFRESHED_EVERY + 2)).toEqual([])
		// A clock that was put back does not hold it up.
		expect(takeRefreshed(lineup, begun - 3_600_000)).toHaveLength(1)
	})

	test('tells a place only when it has changed by a tenth', () => {
		const lineup = watchedBehind(99)
		goAway(lineup, 9, NOW + 1_000)
		expect(takeRefreshed(lineup, NOW + 10_000)).toEqual([])
		goAway(lineup, 1, NOW + 11_000)
		expect(takeRefreshed(lineup, NOW + 20_000).map(({ place }) => place.position)).toEqual([90])
		// What was told last counts, not what was told first.
		goAway(lineup, 8, NOW + 21_000)
		expect(takeRefreshed(lineup, NOW + 30_000)).toEqual([])
	})

	test('tells each step at the head of the line, and nothing when nobody moved', () => {
		const lineup = watchedBehind(2)
		goAway(lineup, 1, NOW + 1_000)
		expect(takeRefreshed(lineup, NOW + 10_000).map(({ place }) => place.position)).toEqual([2])
		expect(takeRefreshed(lineup, NOW + 20_000)).toEqual([])
		goAway(lineup, 1, NOW + 21_000)
		expect(takeRefreshed(lineup, NOW + 30_000).map(({ place }) => place.position)).toEqual([1])
	})

	test('tells nothing of a wait that passes as it was said to', () => {
		const lineup = lineupWith(asking('a', { want: 8 }), asking('b', { want: 8 }))
		const now = measured(lineup.turns, 10_000)
		say(lineup, asking('watched', { watched: true }), now)
		// The first round says nothing that was not said in answer.
		expect(takeRefreshed(lineup, now)).toEqual([])
		// After as long as a turn takes, one more has its converter.
		claim(lineup, { converter: 'c', nudged: false }, now + 10_000)
		expect(takeRefreshed(lineup, now + 10_000)).toEqual([])
		// With four more converters the wait is shorter than it was said to be, though nobody has left the line.
		for (let count = 0; count < 4; count++) claimed(lineup, now + 10_100)
		expect(takeRefreshed(lineup, now + 20_000)).toMatchObject([{ jobId: 'watched', place: { position: 3 } }])
	})

	test('says that there is a pause, and that it is over', () => {
		const lineup = watchedBehind(3)
		pause(lineup, 'olga', NOW + 1_000)
		expect(takeRefreshed(lineup, NOW + 10_000)).toMatchObject([{ place: { position: 4, isPaused: true } }])
		resume(lineup)
		expect(takeRefreshed(lineup, NOW + 20_000)).toMatchObject([{ place: { position: 4, isPaused: false } }])
	})

	test('tells nobody who has left, or whom nobody looks at any more', () => {
		const lineup = watchedBehind(5)
		unwatch(lineup, 'document of watched')
		goAway(lineup, 3, NOW + 1_000)
		expect(takeRefreshed(lineup, NOW + 10_000)).toEqual([])
		const other = watchedBehind(5)
		want(other, asking('watched', { seq: 2, want: 0, watched: true }), NOW + 100)
		goAway(other, 3, NOW + 1_000)
		expect(takeRefreshed(other, NOW + 10_000)).toEqual([])
		expect(other.watched.size).toBe(0)
	})

	test('begins as soon as somebody looks at a document that waits already', () => {
		const lineup = lineupWith(...Array.from({ length: 5 }, (_, index) => asking(`${index}`)), asking('watched'))
		// The same word, with nothing new but that it is looked at.
		say(lineup, asking('watched', { watched: true }), NOW + 100)
		goAway(lineup, 3, NOW + 1_000)
		expect(takeRefreshed(lineup, NOW + 10_000).map(({ place }) => place.position)).toEqual([3])
	})

	test('of many costs one call for each that is watched', () => {
		const words = Array.from({ length: 1_000 }, (_, index) => asking(`${index}`, { watched: index % 100 === 99 }))
		const lineup = lineupWith(...words)
		const refreshed = takeRefreshed(lineup, NOW + 1_000)
		expect(refreshed.map(({ place }) => place.position)).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000])
	})
})

describe('the alarm', () => {
	test('rings for those who are watched when something has moved, and not otherwise', () => {
		const lineup = watchedBehind(3)
		takeDueNudges(lineup, NOW + 10)
		const unmoved = lookAgainAt(lineup, NOW + 10) ?? 0
		expect(unmoved).toBeGreaterThan(NOW + 20_000)
		goAway(lineup, 1, NOW + 20)
		expect(lookAgainAt(lineup, NOW + 20)).toBe(NOW + 3 + REFRESHED_EVERY)
	})

	test('rings for nobody who is not watched', () => {
		const lineup = lineupWith(asking('a'), asking('b'))
		takeDueNudges(lineup, NOW + 10)
		claimed(lineup, NOW + 10, true)
		expect(lookAgainAt(lineup, NOW + 10)).toBeGreaterThan(NOW + 10_000)
	})

	test('rings for them during a pause as well', () => {
		const lineup = watchedBehind(3)
		pause(lineup, 'olga', NOW + 20)
		expect(lookAgainAt(lineup, NOW + 20)).toBe(NOW + 3 + REFRESHED_EVERY)
	})
})
