/**
 * What a document still owes to others, and when: read off its state, so that a lost wake-up is a unit test.
 *
 * Whoever keeps the document asks `owed` after every event, does what it says, and comes back with the answer as the
 * next event. Nothing is owed twice at a time, and nothing is settled but by the other side's own answer.
 *
 * Invariant I9: a job that is active has a time at which something happens.
 */
import { type Call, callsDue, LONGEST_WAIT } from './calls.ts'
import { type Conversion, isActive, isLeased, isWaiting } from './job.ts'
import { backoffCeiling, type RetryPolicy } from './retry.ts'
import { RESERVED_FOR, TOMBSTONE_KEPT } from './rules/life.ts'
import { isRunnable, MAX_CONVERTERS } from './rules/work.ts'

/** What is owed is told at once; this long after it became due, the alarm tells it if nobody has. Milliseconds. */
const TOLD_BY_ALARM_AFTER = 30_000
/** The lineup is told again this often as long as somebody is wanted. */
const WANT_REPEATED_AFTER = 30_000
/** An active job is looked at this often, whatever else. */
const LOOKED_AT_EVERY = 60_000
/** Whoever tells something may die over it, so the alarm looks again after this long. Milliseconds. */
const UNDER_WAY_FOR = 60_000
/** An alarm that should have rung so long ago was lost. */
const ALARM_LATE_AFTER = 60_000

const tellRetries: RetryPolicy = { baseDelay: 1_000, maxDelay: 60_000 }

/** What whoever keeps a document knows besides its state, and forgets when it sleeps. */
export interface Doing {
	/** When the alarm will ring; null when none is set. */
	alarmAt: number | null
	/** What is under way. */
	lineup: boolean
	/** Whether somebody looks on, and whether the lineup has been told so. */
	watchers: 'none' | 'new' | 'known'
	history: boolean
	sweep: boolean
	webhook: boolean
}

/** Of somebody who does nothing, and whose alarm is not set. */
export const idle: Readonly<Doing> = {
	alarmAt: null,
	lineup: false,
	watchers: 'none',
	history: false,
	sweep: false,
	webhook: false,
}

export type Effect =
	/** Tell the lineup how many converters the job wants; then `wantTold`. */
	| { type: 'tellLineup'; want: number }
	/** Tell the history all that it lacks; then `historyTold`. */
	| { type: 'tellHistory' }
	/** Delete what nobody refers to; then `swept`. */
	| { type: 'sweep' }
	/** Tell the owner's webhook what has happened; then `called`. */
	| { type: 'callWebhook'; calls: readonly Call[] }
	/** Delete all rows: the document was never there. */
	| { type: 'forget' }
	| { type: 'setAlarm'; at: number }

/** What is to be done now. Each effect but the alarm is under way until its answer has come. */
export function owed(conversion: Conversion, doing: Readonly<Doing>, now: number): Effect[] {
	if (conversion.life.state === 'forgotten') return [{ type: 'forget' }]
	const effects: Effect[] = []
	const want = wantToTell(conversion, now, doing.watchers === 'new')
	if (want !== null && !doing.lineup) effects.push({ type: 'tellLineup', want })
	if (historyIsDue(conversion, now) && !doing.history) effects.push({ type: 'tellHistory' })
	if (sweepIsDue(conversion, now) && !doing.sweep) effects.push({ type: 'sweep' })
	const calls = callsDue(conversion.calls, now)
	if (calls.length > 0 && !doing.webhook) effects.push({ type: 'callWebhook', calls })
	const due = dueAt(conversion, now, effects.reduce(begun, doing))
	// An alarm that rings too early does no harm, and setting it costs a row.
	const isSet = doing.alarmAt !== null && due !== null && doing.alarmAt <= due && doing.alarmAt > now - ALARM_LATE_AFTER
	if (due !== null && !isSet) effects.push({ type: 'setAlarm', at: due })
	return effects
}

/** What is known once an effect is under way. */
export function begun(doing: Readonly<Doing>, effect: Effect): Doing {
	switch (effect.type) {
		case 'tellLineup':
			return { ...doing, lineup: true, watchers: doing.watchers === 'none' ? 'none' : 'known' }
		case 'tellHistory':
			return { ...doing, history: true }
		case 'sweep':
			return { ...doing, sweep: true }
		case 'callWebhook':
			return { ...doing, webhook: true }
		case 'setAlarm':
			return { ...doing, alarmAt: effect.at }
		case 'forget':
			return { ...doing }
	}
}

/**
 * How many more converters a job wants. Those at work take another chunk when they have finished theirs, so only what
 * goes beyond one more chunk for each is worth another converter.
 */
export function wantOf(conversion: Conversion, now: number): number {
	const { job } = conversion
	if (!isActive(job)) return 0
	const atWork = job.chunks.filter(isLeased).length
	const runnable = job.chunks.filter((chunk) => isRunnable(chunk, job, now)).length
	return Math.max(0, Math.min(MAX_CONVERTERS - atWork, runnable - atWork))
}

/** What the lineup is to be told now, or null. @param isNoticed whether somebody looks on of whom it does not know */
export function wantToTell(conversion: Conversion, now: number, isNoticed = false): number | null {
	const want = wantOf(conversion, now)
	const { told } = conversion
	const news =
		want !== told.want ||
		(want > 0 && (isNoticed || hasPassed(told.wantAt + WANT_REPEATED_AFTER, WANT_REPEATED_AFTER, now)))
	return news && mayTry(told.wantAt, told.wantMisses, now) ? want : null
}

/** Whether the history lacks the latest milestone and may be told now. */
export function historyIsDue({ milestone, told }: Conversion, now: number): boolean {
	return milestone > told.history && mayTry(told.historyAt, told.historyMisses, now)
}

/** Whether there is something to delete. Under an active job packs come and go, so it waits until there is none. */
export function sweepIsDue({ sweepAt, job }: Conversion, now: number): boolean {
	return sweepAt !== null && sweepAt <= now && !isActive(job)
}

/** When the alarm must ring, in milliseconds since the epoch; null when nothing will ever be due. */
export function dueAt(conversion: Conversion, now: number, doing: Doing = idle): number | null {
	const { job, told, updatedAt, life, sweepAt, milestone, calls } = conversion
	const times: number[] = []
	/** A time that lies further ahead than it could comes from a clock that has been put back since. */
	const add = (time: number, furthest: number) => times.push(Math.min(time, now + furthest))

	if (milestone > told.history) {
		if (doing.history) times.push(now + UNDER_WAY_FOR)
		else if (told.historyMisses === 0) add(updatedAt + TOLD_BY_ALARM_AFTER, TOLD_BY_ALARM_AFTER)
		else add(retryAt(told.historyAt, told.historyMisses), tellRetries.maxDelay)
	}
	const want = wantOf(conversion, now)
	if (want !== told.want || want > 0) {
		const since = want !== told.want ? updatedAt : told.wantAt
		if (doing.lineup) times.push(now + UNDER_WAY_FOR)
		else if (told.wantMisses === 0) add(since + WANT_REPEATED_AFTER, WANT_REPEATED_AFTER)
		else add(retryAt(told.wantAt, told.wantMisses), tellRetries.maxDelay)
	}
	if (calls.isWanted && calls.pending.length > 0) {
		if (doing.webhook) times.push(now + UNDER_WAY_FOR)
		else for (const { notBefore } of calls.pending) add(notBefore, LONGEST_WAIT)
	}
	if (isActive(job)) {
		times.push(now + LOOKED_AT_EVERY)
		for (const chunk of job.chunks) {
			if (isLeased(chunk)) times.push(Math.min(chunk.expiresAt, chunk.endsAt))
			else if (isWaiting(chunk) && chunk.notBefore > now) times.push(chunk.notBefore)
		}
	} else if (doing.sweep) {
		times.push(now + UNDER_WAY_FOR)
	} else if (sweepAt !== null) {
		times.push(sweepAt)
	} else if (life.state === 'reserved') {
		// Most uploads are over soon, and then this is the alarm that their conversion needs; the longer one takes, the
		// less often it is looked at.
		times.push(Math.min(life.since + RESERVED_FOR, now + Math.max(TOLD_BY_ALARM_AFTER, now - life.since)))
	}
	if (life.state === 'erased' && life.successor === 0)
		times.push(Math.max(life.at + TOMBSTONE_KEPT, now + LOOKED_AT_EVERY))
	return times.length === 0 ? null : Math.max(now + 1, Math.min(...times))
}

/** Whether what was last tried then, and so often in vain, may be tried again. */
function mayTry(triedAt: number, misses: number, now: number): boolean {
	return hasPassed(retryAt(triedAt, misses), tellRetries.maxDelay, now)
}

function retryAt(triedAt: number, misses: number): number {
	return misses === 0 ? 0 : triedAt + backoffCeiling(tellRetries, misses)
}

/** Whether a time has come, or lies so far ahead that the clock must have been put back. */
function hasPassed(time: number, furthest: number, now: number): boolean {
	return time <= now || time > now + furthest
}
