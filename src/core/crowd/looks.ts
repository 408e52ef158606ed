/**
 * Who may still show how a document stood before, and for how long.
 *
 * Workers run in many isolates, and each shows what it heard for up to {@link SHOWN_FOR} before it asks again. So whoever
 * changes the document learns how long another isolate may still show what was: until then the change is not answered,
 * and nobody who was answered can be shown less anywhere. Known to memory only, and of the isolates only the last two
 * matter: the one that looked last, and the last of all others.
 */

/** How long an isolate may show what it heard, counted from when it asked. Milliseconds. */
export const SHOWN_FOR = 900
/** … and for how long the document reckons with it, counted from when it answered, which was later: clocks may differ. */
const RECKONED_FOR = 1_000

interface Look {
	isolate: string
	/** Milliseconds since the epoch. */
	at: number
}

export interface Looks {
	last: Look | null
	lastOfOthers: Look | null
}

export const noLooks: Looks = { last: null, lastOfOthers: null }

export function looked({ last, lastOfOthers }: Looks, isolate: string, at: number): Looks {
	return { last: { isolate, at }, lastOfOthers: last && last.isolate !== isolate ? last : lastOfOthers }
}

/** Milliseconds for which an isolate other than this one may show what was before now. */
export function shownElsewhereFor({ last, lastOfOthers }: Looks, isolate: string, now: number): number {
	const look = last && last.isolate !== isolate ? last : lastOfOthers
	if (!look) return 0
	// A clock that was put back makes nobody wait for longer.
	return Math.min(RECKONED_FOR, Math.max(0, look.at + RECKONED_FOR - now))
}
