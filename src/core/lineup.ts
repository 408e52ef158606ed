/**
 * The lineup: who waits for a converter, in the order in which they should run.
 *
 * An entry is a document's job and the number of converters it still wants; a document has one active job, so it has one
 * entry. `want` with the highest `seq` wins, so late and repeated calls are harmless. A claim takes nothing away: it reserves one of the wanted places for a while, and what
 * the document grants then comes back as its next `want`. Which pages are next is the document's own business.
 *
 * Nudges are queue messages that say "there is work" and nothing else. They may get lost, so they are counted only for a
 * while.
 */
import { z } from 'zod'
import { type Priority, prioritySchema } from './snapshot.ts'

export const entrySchema = z.object({
	jobId: z.string(),
	documentId: z.string(),
	priority: prioritySchema,
	want: z.int().nonnegative(),
	seq: z.int(),
	/** Lower runs first; milliseconds since the epoch, shifted. */
	key: z.number(),
})
export type Entry = z.infer<typeof entrySchema>

export const wantSchema = entrySchema.omit({ key: true })
export type Want = z.infer<typeof wantSchema>

export interface Lineup {
	/** By document. */
	readonly entries: Map<string, Entry>
	/** Claims that the document has not confirmed yet. */
	reservations: { documentId: string; expiresAt: number }[]
	/** When the nudges were sent that no claim has answered yet. */
	nudges: number[]
	/** When a nudge was last handed back and replaced. */
	handedBackAt: number
}

/** Milliseconds. */
export const RESERVATION_DURATION = 15_000
export const NUDGE_DURATION = 30_000
/** An alarm that should have rung so long ago was lost. Milliseconds. */
const ALARM_LATE_AFTER = 60_000
/** A nudge that found a busy converter looks for another after this long, since it may find the same again. Milliseconds. */
export const HANDED_BACK_AFTER = 1_000
/** No more nudges than this are out at a time: converters beyond it could not be had anyway. */
const MAX_NUDGES = 250

const priorityOffset = {
	urgent: 600_000,
	high: 120_000,
	normal: 0,
	low: -600_000,
} as const satisfies Record<Priority, number>

export function emptyLineup(): Lineup {
	return { entries: new Map(), reservations: [], nudges: [], handedBackAt: 0 }
}

/** Where a job stands that asks for the first time: by age, shifted by its priority. */
export function orderKey(priority: Priority, now: number): number {
	return now - priorityOffset[priority]
}

/**
 * A document says how many converters it still wants.
 *
 * @returns the entry to write down, `null` to delete, or `unchanged` when an older or the same word came again.
 */
export function want(lineup: Lineup, asked: Want, now: number): Entry | null | 'unchanged' {
	const known = lineup.entries.get(asked.documentId)
	if (known && !isNewer(asked, known)) return 'unchanged'
	const isSameJob = known?.jobId === asked.jobId
	release(lineup, asked.documentId, isSameJob ? Math.max(1, known.want - asked.want) : Number.POSITIVE_INFINITY)
	if (asked.want === 0) {
		if (!known) return 'unchanged'
		lineup.entries.delete(asked.documentId)
		return null
	}
	// Another job of the document takes a place of its own.
	const entry: Entry = { ...asked, key: isSameJob ? known.key : orderKey(asked.priority, now) }
	lineup.entries.set(entry.documentId, entry)
	return entry
}

/** Between two words with the same `seq` nothing but time has passed, which only makes more of a job's work due. */
function isNewer(asked: Want, known: Entry): boolean {
	return asked.seq > known.seq || (asked.seq === known.seq && asked.want > known.want)
}

/** A job that its document does not know any more. @returns whether there was one */
export function forget(lineup: Lineup, documentId: string, jobId: string): boolean {
	return lineup.entries.get(documentId)?.jobId === jobId && lineup.entries.delete(documentId)
}

/** The next in line that is not reserved to the full already; one place of it is reserved. */
export function claim(lineup: Lineup, now: number): Entry | null {
	expire(lineup, now)
	let next: Entry | null = null
	for (const entry of lineup.entries.values()) {
		if (available(lineup, entry) > 0 && (next === null || entry.key < next.key)) next = entry
	}
	if (next) lineup.reservations.push({ documentId: next.documentId, expiresAt: now + RESERVATION_DURATION })
	return next
}

/** A nudge has brought a converter here. */
export function nudgeArrived(lineup: Lineup): void {
	lineup.nudges.shift()
}

/**
 * A nudge has found a converter that is busy.
 *
 * At most one a second is replaced: queues deliver some messages twice, and if each copy that is handed back brought
 * another nudge on its way, they would grow without end while everybody is busy.
 *
 * @returns whether to look for another converter, though not at once
 */
export function handBack(lineup: Lineup, now: number): boolean {
	const since = now - lineup.handedBackAt
	if (since >= 0 && since < HANDED_BACK_AFTER) return false
	lineup.handedBackAt = now
	lineup.nudges.shift()
	return true
}

/** How many nudges to send now, so that everybody who is wanted is on the way; they count as sent. */
export function takeDueNudges(lineup: Lineup, now: number): number {
	expire(lineup, now)
	let wanted = 0
	for (const entry of lineup.entries.values()) wanted += available(lineup, entry)
	const due = Math.max(0, Math.min(MAX_NUDGES, wanted) - lineup.nudges.length)
	for (let count = 0; count < due; count++) lineup.nudges.push(now)
	return due
}

/** When to look again, in case nobody comes: null when nobody waits. */
export function lookAgainAt(lineup: Lineup, now: number): number | null {
	if (lineup.entries.size === 0) return null
	const times = [
		...lineup.nudges.map((sentAt) => sentAt + NUDGE_DURATION),
		...lineup.reservations.map((reservation) => reservation.expiresAt),
	]
	return Math.max(now + 1, Math.min(now + NUDGE_DURATION, ...times))
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

function available(lineup: Lineup, entry: Entry): number {
	let reserved = 0
	for (const reservation of lineup.reservations) if (reservation.documentId === entry.documentId) reserved++
	return entry.want - reserved
}

/** The document's newer word includes the oldest of these claims. */
function release(lineup: Lineup, documentId: string, count: number): void {
	let left = count
	lineup.reservations = lineup.reservations.filter(
		(reservation) => reservation.documentId !== documentId || left-- <= 0,
	)
}

/** What lies further ahead than it can, a clock has said that was put back since. */
function expire(lineup: Lineup, now: number): void {
	lineup.reservations = lineup.reservations.filter(
		({ expiresAt }) => expiresAt > now && expiresAt <= now + 2 * RESERVATION_DURATION,
	)
	lineup.nudges = lineup.nudges.filter((sentAt) => sentAt + NUDGE_DURATION > now && sentAt <= now + NUDGE_DURATION)
}
