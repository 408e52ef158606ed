/**
 * Where those stand who wait, and which of them are to be told: the ones that somebody looks at, when their place has
 * changed by a tenth or more, every five seconds at most.
 */
import type { Entry, Place, Want } from './entry.ts'
import { available, type Lineup, REFRESHED_EVERY } from './lineup.ts'
import { compareEntries, type Standing } from './order.ts'
import { turnDuration, waitComingBack, waitInLine } from './turns.ts'

/** A smaller change, as a share of what was told, is not worth waking anybody for. */
const WORTH_TELLING = 0.1
/** … nor is one of less than that, in milliseconds. */
const WORTH_TELLING_AT_LEAST = 1_000

/**
 * Where a document stands; of one that has left the line because it is worked on: where it would, if it came back now.
 *
 * @returns null when the lineup knows nothing of its job
 */
export function placeOf(lineup: Lineup, word: Want, now: number): Place | null {
	const { line, departed, turns } = lineup
	const entry = line.of(word.documentId)
	if (entry) return placeAt(lineup, line.indexOf(entry), waitInLine(turns, turnsBefore(lineup, entry), now), now)
	const left = departed.get(word.documentId)
	if (left?.jobId !== word.jobId) return null
	const back = { ...word, arrival: left.arrival, firstPageOut: true }
	return placeAt(lineup, line.indexOf(back), waitComingBack(turns, turnsBefore(lineup, back), now), now)
}

/** Every word asks for it, so the many who wait are only added up, and the few for whom somebody is on the way taken off. */
function turnsBefore({ line, reservations }: Lineup, standing: Standing): number {
	const index = line.indexOf(standing)
	let turns = 0
	for (let each = 0; each < index; each++) turns += (line.entries[each] as Entry).want
	for (const [documentId, { length }] of reservations) {
		const other = line.of(documentId)
		if (other && compareEntries(other, standing) < 0) turns -= Math.min(length, other.want)
	}
	return turns
}

/** Somebody who is to be told where it stands. */
export interface Refreshed {
	documentId: string
	jobId: string
	place: Place
}

/** Whom to tell now; they count as told. */
export function takeRefreshed(lineup: Lineup, now: number): Refreshed[] {
	const { watched, line } = lineup
	const since = now - lineup.refreshedAt
	if (watched.size === 0 || !lineup.hasMoved || (since >= 0 && since < REFRESHED_EVERY)) return []
	lineup.refreshedAt = now
	lineup.hasMoved = false
	const refreshed: Refreshed[] = []
	let ahead = 0
	let left = watched.size
	for (let index = 0; index < line.size && left > 0; index++) {
		const entry = line.entries[index] as Entry
		const known = watched.get(entry.documentId)
		if (known) {
			left -= 1
			const place = placeAt(lineup, index, waitInLine(lineup.turns, ahead, now), now)
			if (!known.told || isWorthTelling(known.told, known.at, place, now)) {
				watched.set(entry.documentId, { told: place, at: now })
				refreshed.push({ documentId: entry.documentId, jobId: entry.jobId, place })
			}
		}
		ahead += available(lineup, entry)
	}
	return refreshed
}

/** A document was told its place, in answer to its word. */
export function told({ watched }: Lineup, documentId: string, place: Place | null, now: number): void {
	if (place && watched.has(documentId)) watched.set(documentId, { told: place, at: now })
}

/** Nobody looks at a document any more. */
export function unwatch({ watched }: Lineup, documentId: string): void {
	watched.delete(documentId)
}

function placeAt(lineup: Lineup, index: number, wait: number | null, now: number): Place {
	return {
		position: index + 1,
		wait: lineup.paused ? null : wait,
		turn: turnDuration(lineup.turns, now),
		isPaused: lineup.paused !== null,
	}
}

/** A wait that ends when it was said to end has not changed. */
function isWorthTelling(was: Place, at: number, is: Place, now: number): boolean {
	if (was.isPaused !== is.isPaused) return true
	if (Math.abs(was.position - is.position) >= Math.max(1, was.position * WORTH_TELLING)) return true
	if (was.wait === null || is.wait === null) return was.wait !== is.wait
	return Math.abs(at + was.wait - (now + is.wait)) >= Math.max(WORTH_TELLING_AT_LEAST, was.wait * WORTH_TELLING)
}
