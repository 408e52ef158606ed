/**
 * How a document and its jobs begin and end by somebody's word: one function per event.
 *
 * Invariants held here: I2 at most one active job · I3 a job that has ended never changes: another takes its place.
 */
import { rangeLength } from '../../pages.ts'
import { isAbove, lowered } from '../../priority.ts'
import { firstChunk, missingChunks, pagesToConvert } from '../chunks.ts'
import type {
	CancelOutcome,
	CreateOutcome,
	EraseOutcome,
	Event,
	RetryOutcome,
	Ruling,
	Start,
	StartOutcome,
	SucceedOutcome,
} from '../event.ts'
import { type Conversion, isActive, isLeased, type Job } from '../job.ts'
import { percentOf } from '../progress.ts'
import { bookkeeping, littered, milestone, UNREFERENCED_KEPT, unchanged } from './ruling.ts'

type Of<T extends Event['type']> = Extract<Event, { type: T }>

/** How long a sweep that failed waits for the next try, in milliseconds. */
const SWEEP_AGAIN_AFTER = 60_000

/** How long a file may be on its way, in milliseconds; an upload has ended by then, one way or the other. */
export const RESERVED_FOR = 3_600_000

/** How long a tombstone outlives its document: longer than any queue keeps a message (14 days). Milliseconds. */
export const TOMBSTONE_KEPT = 15 * 86_400_000

/** The lineup has heard of another job of this document, and of this one nothing. */
const UNKNOWN_WANT = -1

/** The file is here, so the document is; with `start` its conversion begins in the same step. */
export function create(conversion: Conversion, event: Of<'create'>, now: number): Ruling<CreateOutcome> {
	if (conversion.life.state === 'kept') return unchanged({ outcome: 'existing' })
	// Whoever uploads for longer than a reservation lasts, or sends to a document that was erased, comes too late.
	if (conversion.life.state !== 'reserved' || conversion.sweepAt !== null) return unchanged({ outcome: 'gone' })
	const kept: Conversion = { ...conversion, life: { state: 'kept' } }
	return milestone(event.start ? withJob(kept, freshJob(event.start, now)) : kept, { outcome: 'created' })
}

/** The upload came to nothing. */
export function abandon(conversion: Conversion): Ruling<null> {
	if (conversion.life.state !== 'reserved') return unchanged(null)
	return bookkeeping({ ...conversion, life: { state: 'forgotten' } }, null, false)
}

export function start(conversion: Conversion, event: Of<'start'>, now: number): Ruling<StartOutcome> {
	if (conversion.life.state !== 'kept') return unchanged({ outcome: 'gone' })
	const { job } = conversion
	if (isActive(job)) {
		if (event.onActive === 'return') return unchanged({ outcome: 'existing' })
		if (event.onActive === 'reject') return unchanged({ outcome: 'active' })
		const closed = withoutActive(conversion, now)
		return milestone(withJob(littered(closed, now), freshJob(event, now)), { outcome: 'accepted' }, closed)
	}
	if (job?.phase.status === 'completed' && !event.forceReconvert && sameOptions(job.options, event.options)) {
		return unchanged({ outcome: 'existing' })
	}
	// What an unfinished job has left is of no use to a new one; what a completed one has is shown until the next completes.
	const before = job && job.phase.status !== 'completed' ? littered(conversion, now) : conversion
	return milestone(withJob(before, freshJob(event, now)), { outcome: 'accepted' })
}

/** Another job that goes on where a failed or cancelled one ended: pages that are done stay done. */
export function retry(conversion: Conversion, event: Of<'retry'>, now: number): Ruling<RetryOutcome> {
	const { job } = conversion
	if (conversion.life.state !== 'kept' || (job?.phase.status !== 'failed' && job?.phase.status !== 'cancelled')) {
		return unchanged({ outcome: 'nothing_to_retry' })
	}
	if (event.options && !sameOptions(job.options, event.options)) return unchanged({ outcome: 'options_differ' })
	const pages = job.pageCount === null ? null : pagesToConvert(job.options, job.pageCount)
	const fresh = freshJob(
		{
			jobId: event.jobId,
			priority: event.priority ?? job.priority,
			maxPriority: event.maxPriority,
			maxRetries: event.maxRetries ?? job.maxRetries,
			retryPolicy: job.retryPolicy,
			options: job.options,
			sealedPassword: event.sealedPassword ?? null,
		},
		now,
	)
	const chunks = pages === null ? fresh.chunks : missingChunks(pages, job.ready)
	// Nobody asks a document that ended without a page to convert: whether it opens now is found out anew.
	if (pages === null || job.totalPages === null || chunks.length === 0) {
		return milestone(withJob(littered(conversion, now), fresh), { outcome: 'accepted' })
	}
	const next: Job = {
		...fresh,
		packsFrom: job.packsFrom ?? conversion.number,
		pageCount: job.pageCount,
		totalPages: pages.reduce((sum, range) => sum + rangeLength(range), 0),
		ready: job.ready,
		chunks,
		firstPageAt: job.ready.length > 0 ? now : null,
	}
	return milestone(withJob(conversion, next), { outcome: 'accepted' })
}

export function cancel(conversion: Conversion, now: number): Ruling<CancelOutcome> {
	if (!isActive(conversion.job)) return unchanged({ outcome: 'unchanged' })
	return milestone(withoutActive(conversion, now), { outcome: 'cancelled' })
}

/** The document is gone at once for everybody; what it has stored goes now, and once more when nothing can be under way. */
export function erase(conversion: Conversion, now: number): Ruling<EraseOutcome> {
	if (conversion.life.state !== 'kept') return unchanged({ outcome: 'gone' })
	const ended = withoutActive(conversion, now)
	const life = { state: 'erased', at: now, successor: 0 } as const
	const erased: Conversion = { ...ended, life, sweepAt: now, sweptThrough: 0 }
	return milestone(erased, { outcome: 'erased' })
}

/** Which generation of its `externalId` comes after `event.after`: the first that ever asked has decided. */
export function succeed(conversion: Conversion, event: Of<'succeed'>): Ruling<SucceedOutcome> {
	const { life } = conversion
	if (life.state !== 'erased') return unchanged({ outcome: 'gone' })
	if (life.successor > event.after) return unchanged({ outcome: 'succeeded', generation: life.successor })
	const generation = event.after + 1
	const pointing: Conversion = { ...conversion, life: { ...life, successor: generation } }
	return bookkeeping(pointing, { outcome: 'succeeded', generation }, true)
}

/** What time does to a document that is not there yet, or not any more. */
export function aged(conversion: Conversion, now: number): Ruling<null> {
	const { life, sweepAt } = conversion
	// Written down before anything is deleted: from then on the document cannot be created any more.
	if (life.state === 'reserved' && sweepAt === null && life.since + RESERVED_FOR <= now) {
		return bookkeeping({ ...conversion, sweepAt: now }, null, true)
	}
	// One that others come after is how they are found, for as long as there may be any.
	const mayGo = life.state === 'erased' && life.successor === 0 && sweepAt === null
	if (mayGo && life.at + TOMBSTONE_KEPT <= now) {
		return bookkeeping({ ...conversion, life: { state: 'forgotten' } }, null, false)
	}
	return unchanged(null)
}

export function swept(conversion: Conversion, event: Of<'swept'>, now: number): Ruling<null> {
	const { life } = conversion
	if (!event.answered) return bookkeeping({ ...conversion, sweepAt: now + SWEEP_AGAIN_AFTER }, null, false)
	if (life.state === 'reserved') return bookkeeping({ ...conversion, life: { state: 'forgotten' } }, null, false)
	const sweptThrough = Math.max(conversion.sweptThrough, event.through)
	// Something has become superfluous since: that is the next sweep's.
	if (conversion.sweepAt !== event.due) return bookkeeping({ ...conversion, sweptThrough }, null, true)
	if (life.state === 'erased') {
		const last = life.at + UNREFERENCED_KEPT
		return bookkeeping({ ...conversion, sweepAt: now < last ? last : null, sweptThrough: 0 }, null, true)
	}
	return bookkeeping({ ...conversion, sweepAt: null, sweptThrough }, null, true)
}

/** The job as it is when somebody ends it. */
function withoutActive(conversion: Conversion, now: number): Conversion {
	const { job } = conversion
	if (!isActive(job)) return conversion
	const cancelled: Job = {
		...job,
		phase: {
			status: 'cancelled',
			startedAt: job.phase.status === 'processing' ? job.phase.startedAt : null,
			completedAt: now,
			progress: percentOf(job),
		},
		chunks: [],
	}
	const ended = { ...conversion, job: cancelled }
	return job.chunks.some(isLeased) ? littered(ended, now) : ended
}

function withJob(conversion: Conversion, job: Job): Conversion {
	const { told } = conversion
	// What the lineup still believes of the job before is overruled, whatever this one wants.
	const overruled = { ...told, want: told.want === 0 ? 0 : UNKNOWN_WANT, wantAt: 0, wantMisses: 0 }
	return { ...conversion, number: conversion.number + 1, job, told: overruled }
}

function freshJob(start: Omit<Start, 'onActive' | 'forceReconvert'>, now: number): Job {
	return {
		id: start.jobId,
		options: start.options,
		priority: lowered(start.priority, start.maxPriority),
		requestedPriority: isAbove(start.priority, start.maxPriority) ? start.priority : null,
		maxRetries: start.maxRetries,
		retryPolicy: start.retryPolicy,
		createdAt: now,
		phase: { status: 'queued', sealedPassword: start.sealedPassword ?? null },
		packsFrom: null,
		pageCount: null,
		totalPages: null,
		chunks: [firstChunk(start.options)],
		ready: [],
		failedPages: [],
		retryCount: 0,
		firstPageAt: null,
		progress: { floor: 0, ceiling: 0 },
		place: null,
		pace: null,
		promises: { waiting: null, processing: null },
		incidents: [],
		incidentsOmitted: 0,
	}
}

function sameOptions(some: Job['options'], others: Job['options']): boolean {
	return some.quality === others.quality && (some.pages ?? '') === (others.pages ?? '')
}
