/**
 * Nudges: queue messages that say "there is work" and nothing else. They may get lost, so each is counted for a while
 * only, and replaced when no claim came of it.
 */

/** Milliseconds. */
export const NUDGE_DURATION = 30_000
/** A nudge that found a busy converter looks for another after this long, since it may find the same again. Milliseconds. */
export const HANDED_BACK_AFTER = 1_000
/** No more nudges than this are out at a time: converters beyond it could not be had anyway. */
export const MAX_NUDGES = 250

export interface Nudges {
	/** When those were sent that no claim has answered yet. */
	sentAt: number[]
	/** When one was last handed back and replaced. */
	handedBackAt: number
}

export function noNudges(): Nudges {
	return { sentAt: [], handedBackAt: 0 }
}

/** One has brought a converter. */
export function nudgeArrived(nudges: Nudges): void {
	nudges.sentAt.shift()
}

/**
 * One has found a converter that is busy.
 *
 * At most one a second is replaced: queues deliver some messages twice, and if each copy that is handed back brought
 * another nudge on its way, they would grow without end while everybody is busy.
 *
 * @returns whether to look for another converter, though not at once
 */
export function nudgeHandedBack(nudges: Nudges, now: number): boolean {
	const since = now - nudges.handedBackAt
	if (since >= 0 && since < HANDED_BACK_AFTER) return false
	nudges.handedBackAt = now
	nudges.sentAt.shift()
	return true
}

/** How many to send now, so that as many are on the way as are wanted; they count as sent. */
export function takeDue(nudges: Nudges, wanted: number, now: number): number {
	nudges.sentAt = nudges.sentAt.filter((sentAt) => sentAt + NUDGE_DURATION > now && sentAt <= now + NUDGE_DURATION)
	const due = Math.max(0, Math.min(MAX_NUDGES, wanted) - nudges.sentAt.length)
	for (let count = 0; count < due; count++) nudges.sentAt.push(now)
	return due
}
