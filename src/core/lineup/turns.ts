/**
 * How fast the lineup moves: who is at work, and how long a converter's turn with a document takes.
 *
 * A turn is what lies between a claim that found work and what the same converter says next: it claims again, or goes.
 * One that says nothing for long is taken for gone.
 */

/** A turn takes seconds; who was not heard of for so long has gone. Milliseconds. */
const GONE_AFTER = 60_000
/** How much of the average each new turn is, once there are enough. */
const WEIGHT = 0.02
/** Fewer turns than this say nothing. */
const ENOUGH = 10
/** What was measured so long ago says nothing of now. Milliseconds. */
const STALE_AFTER = 600_000

export interface Turns {
	/** Converters that have something to do, and since when. */
	readonly atWork: Map<string, number>
	/** Milliseconds, smoothed. */
	average: number
	/** How many were measured. */
	count: number
	/** When the last one was. */
	measuredAt: number
}

export function noTurns(): Turns {
	return { atWork: new Map(), average: 0, count: 0, measuredAt: 0 }
}

/** A converter asks for work, or goes. @param nudged whether it was idle before: then it has died in its last turn */
export function turnEnded(turns: Turns, converter: string, nudged: boolean, now: number): void {
	const since = turns.atWork.get(converter)
	turns.atWork.delete(converter)
	// Nor was it one turn when it was taken for gone in between: it has begun a new life under its old name.
	if (since === undefined || nudged || now < since || now - since >= GONE_AFTER) return
	turns.count += 1
	turns.measuredAt = now
	turns.average += (now - since - turns.average) * Math.max(WEIGHT, 1 / turns.count)
}

export function turnBegan(turns: Turns, converter: string, now: number): void {
	turns.atWork.set(converter, now)
}

/** How many converters are at work. */
export function atWork(turns: Turns, now: number): number {
	for (const [converter, since] of turns.atWork) {
		if (since + GONE_AFTER <= now || since > now) turns.atWork.delete(converter)
	}
	return turns.atWork.size
}

/** How long a turn takes, in milliseconds; null when that cannot be trusted. */
export function turnDuration(turns: Turns, now: number): number | null {
	const age = now - turns.measuredAt
	return turns.count >= ENOUGH && age >= 0 && age < STALE_AFTER ? turns.average : null
}

/**
 * How long it takes until a converter comes to somebody in the line, in milliseconds; null when that cannot be trusted.
 *
 * @param ahead converters that those before want
 */
export function waitInLine(turns: Turns, ahead: number, now: number): number | null {
	const turn = turnDuration(turns, now)
	const working = atWork(turns, now)
	// Those at work are anywhere in their turns, so the first of them is free after half a turn's share.
	return turn === null || working === 0 ? null : ((ahead + 0.5) * turn) / working
}

/** The same for somebody who comes back with its converter, which is free then: if nobody is before it, at once. */
export function waitComingBack(turns: Turns, ahead: number, now: number): number | null {
	if (ahead === 0) return 0
	const turn = turnDuration(turns, now)
	const working = atWork(turns, now)
	return turn === null || working === 0 ? null : (ahead * turn) / working
}
