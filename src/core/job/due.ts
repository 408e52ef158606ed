/**
 * What a conversion still owes to others, and when: read off its state, so that a lost wake-up is a unit test.
 *
 * Invariant I9: a job that is active has a time at which something happens.
 */
import { type Conversion, isActive, isLeased, isWaiting } from './job.ts'
import { backoffCeiling } from './retry.ts'

/** The most converters that work on one job at a time. */
export const MAX_CONVERTERS = 8

/** The lineup is told again after this long, as long as somebody is wanted. Milliseconds. */
const WANT_REPEATED_AFTER = 30_000
/** … and after this long when it did not answer. */
const WANT_RETRIED_AFTER = 2_000
/** An active job is looked at this often, whatever else. */
const LOOKED_AT_EVERY = 60_000

const historyRetries = { baseDelay: 1_000, maxDelay: 60_000 }

/**
 * How many more converters a job wants. Those at work take another chunk when they have finished theirs, so only what
 * goes beyond one more chunk for each is worth another converter.
 */
export function wantOf(conversion: Conversion, now: number): number {
	const { job } = conversion
	if (!isActive(job)) return 0
	const atWork = job.chunks.filter(isLeased).length
	const runnable = job.chunks.filter((chunk) => isWaiting(chunk) && chunk.notBefore <= now).length
	return Math.max(0, Math.min(MAX_CONVERTERS - atWork, runnable - atWork))
}

/** What the lineup is to be told now, or null. */
export function wantToTell(conversion: Conversion, now: number): number | null {
	const want = wantOf(conversion, now)
	const { told } = conversion
	if (want !== told.want) return want
	return want > 0 && now - told.wantAt >= WANT_REPEATED_AFTER ? want : null
}

/** Whether the history lacks the latest milestone and may be told now. */
export function historyIsDue(conversion: Conversion, now: number): boolean {
	return conversion.milestone > conversion.told.history && historyDueAt(conversion) <= now
}

/** When something is to be done next, in milliseconds since the epoch; null when nothing ever is. */
export function dueAt(conversion: Conversion, now: number): number | null {
	const { job, told } = conversion
	const times: number[] = []
	if (conversion.milestone > told.history) times.push(historyDueAt(conversion))
	const want = wantOf(conversion, now)
	if (want !== told.want) times.push(told.wantAt + WANT_RETRIED_AFTER)
	else if (want > 0) times.push(told.wantAt + WANT_REPEATED_AFTER)
	if (isActive(job)) {
		times.push(now + LOOKED_AT_EVERY)
		for (const chunk of job.chunks) {
			if (isLeased(chunk)) times.push(chunk.expiresAt)
			else if (chunk.notBefore > now) times.push(chunk.notBefore)
		}
	}
	return times.length === 0 ? null : Math.max(now + 1, Math.min(...times))
}

function historyDueAt({ told }: Conversion): number {
	return told.historyMisses === 0 ? 0 : told.historyAt + backoffCeiling(historyRetries, told.historyMisses)
}
