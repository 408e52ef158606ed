/**
 * What a conversion still owes to others, and when: read off its state, so that a lost wake-up is a unit test.
 *
 * Invariant I9: a job that is active has a time at which something happens.
 */
import { type Conversion, isActive, isLeased, isWaiting } from './job.ts'
import { backoffCeiling } from './retry.ts'

/** The most converters that work on one job at a time. */
export const MAX_CONVERTERS = 8

/** What is owed is told at once; this long after it became due, the alarm tells it if nobody has. Milliseconds. */
const TOLD_BY_ALARM_AFTER = 30_000
/** The lineup is told again this often as long as somebody is wanted. */
const WANT_REPEATED_AFTER = 30_000
/** An active job is looked at this often, whatever else. */
const LOOKED_AT_EVERY = 60_000

const tellRetries = { baseDelay: 1_000, maxDelay: 60_000 }

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
	const news = want !== told.want || (want > 0 && now - told.wantAt >= WANT_REPEATED_AFTER)
	return news && retryAt(told.wantAt, told.wantMisses) <= now ? want : null
}

/** Whether the history lacks the latest milestone and may be told now. */
export function historyIsDue({ milestone, told }: Conversion, now: number): boolean {
	return milestone > told.history && retryAt(told.historyAt, told.historyMisses) <= now
}

/** When the alarm must ring, in milliseconds since the epoch; null when nothing will ever be due. */
export function dueAt(conversion: Conversion, now: number): number | null {
	const { job, told, updatedAt } = conversion
	const times: number[] = []
	if (conversion.milestone > told.history) {
		times.push(told.historyMisses === 0 ? updatedAt + TOLD_BY_ALARM_AFTER : retryAt(told.historyAt, told.historyMisses))
	}
	const want = wantOf(conversion, now)
	if (want !== told.want || want > 0) {
		const since = want !== told.want ? updatedAt : told.wantAt
		times.push(told.wantMisses === 0 ? since + WANT_REPEATED_AFTER : retryAt(told.wantAt, told.wantMisses))
	}
	if (isActive(job)) {
		times.push(now + LOOKED_AT_EVERY)
		for (const chunk of job.chunks) {
			if (isLeased(chunk)) times.push(chunk.expiresAt)
			else if (chunk.notBefore > now) times.push(chunk.notBefore)
		}
	}
	return times.length === 0 ? null : Math.max(now + 1, Math.min(...times))
}

function retryAt(triedAt: number, misses: number): number {
	return misses === 0 ? 0 : triedAt + backoffCeiling(tellRetries, misses)
}
