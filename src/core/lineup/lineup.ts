/**
 * The lineup: who waits for a converter, and who is next.
 *
 * An entry is a document's job and the number of converters it still wants; a document has one active job, so it has one
 * entry. `want` with the highest `seq` wins, so late and repeated calls are harmless. A claim takes nothing away: it
 * reserves one of the wanted places for a while, and what the document grants then comes back as its next `want`. Which
 * pages are next is the document's own business.
 *
 * Entries and a pause are kept; all else is memory that may be forgotten. This is about documents of one format; see
 * `lineups.ts` for all of them.
 */
import type { Claimant } from '../gate.ts'
import type { Entry, Place, Want } from './entry.ts'
import { Line } from './line.ts'
import { NUDGE_DURATION, type Nudges, noNudges, nudgeArrived, takeDue } from './nudges.ts'
import { arrivalAfterTurn, arrivalOf } from './order.ts'
import { noTurns, type Turns, turnBegan, turnEnded } from './turns.ts'

/** Who stopped the lineup, and when (milliseconds since the epoch). */
export interface Pause {
	since: number
	by: string
}

/** Somebody who left the line, as it would be if it came back. */
interface Departed {
	jobId: string
	seq: number
	arrival: number
	leftAt: number
}

export interface Lineup {
	readonly line: Line
	/** Whether converters are called by nudges; else they come by themselves. */
	readonly isCalled: boolean
	paused: Pause | null
	/** Until when places are held for claims that their documents have not confirmed yet, oldest first. */
	readonly reservations: Map<string, number[]>
	/** By document; who comes back with the same job has its place again. */
	readonly departed: Map<string, Departed>
	readonly nudges: Nudges
	readonly turns: Turns
	/** Documents that somebody looks at, with the place they were last told and when. */
	readonly watched: Map<string, { told: Place | null; at: number }>
	/** Whether places may have changed since those who are watched were told. */
	hasMoved: boolean
	refreshedAt: number
}

/** Milliseconds. */
export const RESERVATION_DURATION = 15_000
/** Those who are watched hear of their place this often at most. Milliseconds. */
export const REFRESHED_EVERY = 5_000
/** A job that does not come back for so long has ended, or has got other converters. Milliseconds. */
const DEPARTED_KEPT = 600_000
const DEPARTED_AT_MOST = 10_000
/** An alarm that should have rung so long ago was lost. Milliseconds. */
const ALARM_LATE_AFTER = 60_000

/** @param entries all that are kept, in any order */
export function createLineup(entries: Iterable<Entry>, paused: Pause | null, isCalled = true): Lineup {
	const line = new Line()
	for (const entry of entries) line.put(entry)
	return {
		line,
		isCalled,
		paused,
		reservations: new Map(),
		departed: new Map(),
		nudges: noNudges(),
		turns: noTurns(),
		watched: new Map(),
		hasMoved: false,
		refreshedAt: 0,
	}
}

/**
 * A document says how many converters it still wants.
 *
 * @returns the entry to write down, `null` to delete, or `unchanged` when nothing is to be written
 */
export function want(lineup: Lineup, word: Want, now: number): Entry | null | 'unchanged' {
	const { watched, ...asked } = word
	const { line, departed } = lineup
	const known = line.of(asked.documentId)
	const left = remembered(lineup, asked.documentId, now)
	// Somebody has begun to look on since, or stopped: that is no newer word.
	if (known?.jobId === asked.jobId && asked.seq >= known.seq) watch(lineup, asked.documentId, watched, now)
	if (known ? !isNewer(asked, known) : left !== null && asked.seq < left.seq) {
		return 'unchanged'
	}
	const isSameJob = known?.jobId === asked.jobId
	release(lineup, asked.documentId, isSameJob ? Math.max(1, known.want - asked.want) : Number.POSITIVE_INFINITY)
	if (asked.want === 0) {
		lineup.watched.delete(asked.documentId)
		if (!known) return 'unchanged'
		depart(lineup, { ...known, seq: asked.seq }, now)
		return null
	}
	watch(lineup, asked.documentId, watched, now)
	// Another job of the document takes a place of its own.
	if (!isSameJob) line.remove(asked.documentId)
	let arrival: number
	if (isSameJob) arrival = known.arrival
	else if (left?.jobId === asked.jobId) arrival = left.arrival
	else arrival = arrivalOf(now, line.lastOfOwner(asked))
	departed.delete(asked.documentId)
	const entry: Entry = { ...asked, arrival }
	lineup.hasMoved = true
	line.put(entry)
	// That it was said again, later, is no news that would be worth a row.
	return known && saysTheSame(known, entry) ? 'unchanged' : entry
}

function watch({ watched }: Lineup, documentId: string, isWatched: boolean, now: number): void {
	if (!isWatched) watched.delete(documentId)
	else if (!watched.has(documentId)) watched.set(documentId, { told: null, at: now })
}

/** Between two words with the same `seq` nothing but time has passed, which only makes more of a job's work due. */
function isNewer(asked: Pick<Entry, 'seq' | 'want'>, known: Entry): boolean {
	return asked.seq > known.seq || (asked.seq === known.seq && asked.want > known.want)
}

function saysTheSame(known: Entry, entry: Entry): boolean {
	return (
		known.jobId === entry.jobId &&
		known.want === entry.want &&
		known.firstPageOut === entry.firstPageOut &&
		known.priority === entry.priority &&
		known.owner === entry.owner
	)
}

function depart(lineup: Lineup, { documentId, jobId, seq, arrival }: Entry, now: number): void {
	const { line, departed } = lineup
	line.remove(documentId)
	lineup.hasMoved = true
	departed.delete(documentId)
	departed.set(documentId, { jobId, seq, arrival, leftAt: now })
	// The oldest come first.
	for (const id of departed.keys()) {
		if (departed.size <= DEPARTED_AT_MOST && remembered(lineup, id, now)) break
		departed.delete(id)
	}
}

function remembered({ departed }: Lineup, documentId: string, now: number): Departed | null {
	const left = departed.get(documentId)
	return left && left.leftAt <= now && left.leftAt + DEPARTED_KEPT > now ? left : null
}

/** A job that its document does not know any more. @returns whether there was one */
export function forget(lineup: Lineup, documentId: string, jobId: string): boolean {
	if (lineup.line.of(documentId)?.jobId !== jobId) return false
	lineup.hasMoved = true
	lineup.watched.delete(documentId)
	lineup.reservations.delete(documentId)
	return lineup.line.remove(documentId)
}

/** The next in line; one place of it is reserved. */
export function claim(lineup: Lineup, { converter, nudged }: Claimant, now: number): Entry | null {
	const { line, reservations, turns, nudges } = lineup
	if (nudged) nudgeArrived(nudges)
	turnEnded(turns, converter, nudged, now)
	const next = nextInLine(lineup, now)
	if (!next) return null
	reservations.set(next.documentId, [...(reservations.get(next.documentId) ?? []), now + RESERVATION_DURATION])
	// Written down with what the document says next.
	line.put({ ...next, arrival: arrivalAfterTurn(next.arrival) })
	turnBegan(turns, converter, now)
	lineup.hasMoved = true
	return next
}

/** The first that is not reserved to the full already; null when nobody is given work. */
export function nextInLine(lineup: Lineup, now: number): Entry | null {
	expire(lineup, now)
	if (lineup.paused) return null
	// Only those that are reserved to the full are passed over, and there are no more of them than converters on their way.
	return lineup.line.entries.find((entry) => available(lineup, entry) > 0) ?? null
}

/**
 * A converter's time is up, and it goes. One nudge that may have found it busy is taken for spent, so that another
 * converter, or the same in a new life, is called at once when somebody waits.
 */
export function leave(lineup: Lineup, converter: string, now: number): void {
	turnEnded(lineup.turns, converter, false, now)
	nudgeArrived(lineup.nudges)
}

/** Nobody is given work until somebody resumes. What has begun goes on to the end of its turn. */
export function pause(lineup: Lineup, by: string, now: number): Pause {
	lineup.paused ??= { since: now, by }
	lineup.hasMoved = true
	return lineup.paused
}

export function resume(lineup: Lineup): void {
	lineup.paused = null
	lineup.hasMoved = true
}

/** How many nudges to send now, so that everybody who is wanted is on the way; they count as sent. */
export function takeDueNudges(lineup: Lineup, now: number): number {
	if (!lineup.isCalled) return 0
	expire(lineup, now)
	return takeDue(lineup.nudges, lineup.paused ? 0 : unreserved(lineup), now)
}

/** When to look again, in case nobody comes: null when nobody waits. */
export function lookAgainAt(lineup: Lineup, now: number): number | null {
	if (lineup.line.size === 0) return null
	const times: number[] = []
	if (!lineup.paused && lineup.isCalled) {
		times.push(now + NUDGE_DURATION, ...lineup.nudges.sentAt.map((sentAt) => sentAt + NUDGE_DURATION))
		for (const [first] of lineup.reservations.values()) if (first !== undefined) times.push(first)
	}
	if (lineup.watched.size > 0 && lineup.hasMoved) {
		times.push(Math.min(lineup.refreshedAt, now) + REFRESHED_EVERY)
	}
	return times.length === 0 ? null : Math.max(now + 1, Math.min(...times))
}

/**
 * When the alarm is to be set anew; null when it is set well already.
 *
 * @param alarmAt when it will ring as far as is known; null when it is not set
 */
export function alarmToSet(lineup: Lineup, alarmAt: number | null, now: number): number | null {
	const due = lookAgainAt(lineup, now)
	const isSet = alarmAt !== null && due !== null && alarmAt <= due && alarmAt > now - ALARM_LATE_AFTER
	return isSet ? null : due
}

/** Converters that it wants and that are not on their way to it. */
export function available(lineup: Lineup, { documentId, want: wanted }: Entry): number {
	return Math.max(0, wanted - (lineup.reservations.get(documentId)?.length ?? 0))
}

/** … and all together. */
function unreserved({ line, reservations }: Lineup): number {
	let reserved = 0
	for (const [documentId, { length }] of reservations) reserved += Math.min(length, line.of(documentId)?.want ?? 0)
	return line.places - reserved
}

/** The document's newer word includes the oldest of these claims. */
function release({ reservations }: Lineup, documentId: string, count: number): void {
	const left = reservations.get(documentId)?.slice(count) ?? []
	if (left.length > 0) reservations.set(documentId, left)
	else reservations.delete(documentId)
}

/** What lies further ahead than it can, a clock has said that was put back since. */
function expire({ reservations }: Lineup, now: number): void {
	for (const [documentId, until] of reservations) {
		const left = until.filter((expiresAt) => expiresAt > now && expiresAt <= now + 2 * RESERVATION_DURATION)
		if (left.length === until.length) continue
		if (left.length > 0) reservations.set(documentId, left)
		else reservations.delete(documentId)
	}
}
