/**
 * In which order those who wait should run: by when they came, shifted by priority and by whether people can see a page
 * of theirs already. Every shift is bounded, so nobody waits for ever.
 */
import type { Priority } from '../snapshot.ts'
import type { Entry } from './entry.ts'

/** How far apart an owner's documents are, and what a turn of a converter costs a document's place. Milliseconds. */
export const SPACING = 5_000

/** How much sooner a document runs of which no page is out. Milliseconds. */
export const FIRST_PAGE_HEADSTART = 120_000

/** How much sooner than a normal one, in milliseconds. */
export const priorityHeadstart = {
	urgent: 600_000,
	high: 120_000,
	normal: 0,
	low: -600_000,
} as const satisfies Record<Priority, number>

/** What the order looks at. */
export type Standing = Pick<Entry, 'documentId' | 'arrival' | 'priority' | 'firstPageOut'>

/** Lower runs first; milliseconds since the epoch, shifted. */
export function keyOf({ arrival, priority, firstPageOut }: Standing): number {
	return arrival - priorityHeadstart[priority] - (firstPageOut ? 0 : FIRST_PAGE_HEADSTART)
}

/**
 * When a job comes, as far as the order goes.
 *
 * @param lastOfOwner the arrival of the last of its owner's with this priority that still wait; null when none does
 */
export function arrivalOf(now: number, lastOfOwner: number | null): number {
	return lastOfOwner === null ? now : Math.max(now, lastOfOwner + SPACING)
}

/**
 * When a job came that was given a converter: the turn moves it back, so a long document takes turns with others, and
 * neither loses its place to all who came later nor keeps it before all who came with it.
 */
export function arrivalAfterTurn(before: number): number {
	return before + SPACING
}

/** Which of two runs first; ids decide between equals, so that the order is the same everywhere. */
export function compareEntries(one: Standing, other: Standing): number {
	const difference = keyOf(one) - keyOf(other)
	if (difference !== 0) return difference
	return one.documentId < other.documentId ? -1 : one.documentId > other.documentId ? 1 : 0
}
