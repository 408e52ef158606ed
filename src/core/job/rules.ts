/**
 * One function per event: given the state, what comes of it. `transition.ts` puts them together.
 *
 * Invariants held here: I2 at most one active job · I3 a job that has ended never changes · I5 only a current lease
 * changes anything, told by its fence, which only rises (I4).
 */
import { type FailureCode, failure } from '../failure.ts'
import { formatRanges, MAX_PAGES, type PageRange, pageNumbers, parseRanges, rangeLength } from '../pages.ts'
import { firstChunk, pagesToConvert, remainingChunks, without } from './chunks.ts'
import type { Event, FenceOutcome, FinishOutcome, LeaseOutcome, Ruling, StartOutcome } from './event.ts'
import { type Chunk, type Conversion, isActive, isLeased, isWaiting, type Job, type LeasedChunk } from './job.ts'
import { boundsAfterCrash, isHeldBack, percentOf } from './progress.ts'
import { backoff, defaultRetryPolicy } from './retry.ts'

/** How long a lease lasts without a report, in milliseconds. */
export const LEASE_DURATION = 30_000

/** A renewed lease is written down once this much of the written one has passed; until then memory suffices. */
const RENEWAL_WRITTEN_AFTER = LEASE_DURATION / 2

type Of<T extends Event['type']> = Extract<Event, { type: T }>

export function start(conversion: Conversion, event: Of<'start'>, now: number): Ruling<StartOutcome> {
	const { job } = conversion
	if (isActive(job)) return unchanged({ outcome: 'existing' })
	if (job?.phase.status === 'completed' && !event.forceReconvert && sameOptions(job, event.options)) {
		return unchanged({ outcome: 'existing' })
	}
	const fresh: Job = {
		id: event.jobId,
		options: event.options,
		priority: event.priority,
		maxRetries: event.maxRetries,
		createdAt: now,
		phase: { status: 'queued' },
		pageCount: null,
		totalPages: null,
		chunks: [firstChunk(event.options)],
		ready: [],
		failedPages: [],
		retryCount: 0,
		firstPageAt: null,
		progress: { floor: 0, ceiling: 0 },
	}
	return {
		outcome: { outcome: 'accepted' },
		change: { kind: 'visible', conversion: { ...conversion, job: fresh }, durable: true, milestone: true },
	}
}

export function lease(conversion: Conversion, event: Of<'lease'>, now: number): Ruling<LeaseOutcome> {
	const { job } = conversion
	if (!isActive(job) || job.id !== event.jobId) return unchanged({ outcome: 'nothing' })
	const chunk = job.chunks.find((candidate) => isWaiting(candidate) && candidate.notBefore <= now)
	if (!chunk) return unchanged({ outcome: 'nothing' })

	const fence = conversion.fence + 1
	const leased: LeasedChunk = {
		state: 'leased',
		pages: chunk.pages,
		losses: chunk.losses,
		fence,
		expiresAt: now + LEASE_DURATION,
		rendered: 0,
	}
	const next: Job = {
		...job,
		phase: job.phase.status === 'queued' ? { status: 'processing', startedAt: now } : job.phase,
		chunks: job.chunks.map((candidate) => (candidate === chunk ? leased : candidate)),
	}
	return {
		outcome: {
			outcome: 'leased',
			grant: { fence, pages: chunk.pages, options: job.options, pageCount: job.pageCount },
		},
		change: { kind: 'visible', conversion: { ...conversion, fence, job: next }, durable: true },
	}
}

export function opened(conversion: Conversion, event: Of<'opened'>, now: number): Ruling<FenceOutcome> {
	const held = holding(conversion, event.fence)
	if (!held) return unchanged({ outcome: 'stale' })
	const { job } = held
	// Every converter opens the document; the first to say so has made the chunks.
	if (job.totalPages !== null) return unchanged({ outcome: 'current' })
	if (event.pageCount > MAX_PAGES) return ended(conversion, job, 'too_many_pages', now)

	const pages = pagesToConvert(job.options, event.pageCount)
	const totalPages = pages.reduce((sum, range) => sum + rangeLength(range), 0)
	if (totalPages === 0) return ended(conversion, job, 'no_page_converted', now)
	const next: Job = {
		...job,
		pageCount: event.pageCount,
		totalPages,
		chunks: [...job.chunks, ...remainingChunks(pages)],
	}
	return visible(conversion, next, { outcome: 'current' }, true)
}

export function report(conversion: Conversion, event: Of<'report'>, now: number): Ruling<FenceOutcome> {
	const held = holding(conversion, event.fence)
	if (!held) return unchanged({ outcome: 'stale' })
	const { job, chunk } = held
	const next = withChunk(job, chunk, {
		...chunk,
		// Late reports never take back what an earlier one said.
		rendered: Math.min(rangeLength(chunk.pages), Math.max(chunk.rendered, event.rendered)),
		expiresAt: now + LEASE_DURATION,
	})
	const renewalDue = chunk.expiresAt - now < LEASE_DURATION - RENEWAL_WRITTEN_AFTER
	return visible(conversion, next, { outcome: 'current' }, isHeldBack(next) || renewalDue)
}

export function finish(conversion: Conversion, event: Of<'finish'>, now: number): Ruling<FinishOutcome> {
	const held = holding(conversion, event.fence)
	if (!held) return unchanged({ outcome: 'stale' })
	const { job, chunk } = held
	if (event.through < chunk.pages.first || event.through > chunk.pages.last) return unchanged({ outcome: 'stale' })

	const done: PageRange = { first: chunk.pages.first, last: event.through }
	const readyNow = without(
		[done],
		event.failed.map(({ page }) => page),
	)
	// A pack must hold exactly the pages that it says are ready (I6).
	if (!sameNumbers(pageNumbers(readyNow), event.converted)) return unchanged({ outcome: 'stale' })
	const left: Chunk[] =
		event.through < chunk.pages.last
			? [{ state: 'waiting', pages: { first: event.through + 1, last: chunk.pages.last }, losses: 0, notBefore: 0 }]
			: []
	const next: Job = {
		...job,
		chunks: job.chunks.flatMap((candidate) => (candidate === chunk ? left : [candidate])),
		ready: parseRanges(formatRanges([...job.ready, ...readyNow])) ?? [],
		failedPages: [...job.failedPages, ...event.failed],
		firstPageAt: job.firstPageAt ?? (readyNow.length > 0 ? now : null),
	}
	const { change } = settled(conversion, next, now)
	if (!event.more || change.kind !== 'visible') return { outcome: { outcome: 'accepted', next: null }, change }
	const leased = lease(change.conversion, { type: 'lease', jobId: job.id }, now)
	if (leased.outcome.outcome === 'nothing') return { outcome: { outcome: 'accepted', next: null }, change }
	return { outcome: { outcome: 'accepted', next: leased.outcome.grant }, change: leased.change }
}

export function fail(conversion: Conversion, event: Of<'fail'>, now: number): Ruling<FenceOutcome> {
	const held = holding(conversion, event.fence)
	if (!held) return unchanged({ outcome: 'stale' })
	return settled(conversion, lost(held.job, held.chunk, event.code, now, event.random), now)
}

export function tick(conversion: Conversion, event: Of<'tick'>, now: number): Ruling<null> {
	let { job } = conversion
	if (!isActive(job)) return unchanged(null)
	const expired = job.chunks.filter((chunk) => isLeased(chunk) && chunk.expiresAt <= now) as LeasedChunk[]
	if (expired.length === 0) {
		// A backoff that is over changes what is wanted, and the lineup believes only a higher version.
		const rested = job.chunks.some(
			(chunk) => isWaiting(chunk) && chunk.notBefore > conversion.updatedAt && chunk.notBefore <= now,
		)
		return rested ? visible(conversion, job, null, false) : unchanged(null)
	}
	for (const chunk of expired) job = lost(job, chunk, 'converter_lost', now, event.random)
	return { ...settled(conversion, job, now), outcome: null }
}

export function woken(conversion: Conversion): Ruling<null> {
	const { job } = conversion
	// Only a running job has told anything that memory alone knew.
	if (job?.phase.status !== 'processing') return unchanged(null)
	const told = { ...conversion.told, wantAt: 0 }
	const next = { ...job, progress: boundsAfterCrash(job) }
	return { outcome: null, change: { kind: 'visible', conversion: { ...conversion, told, job: next }, durable: true } }
}

export function wantTold(conversion: Conversion, event: Of<'wantTold'>, now: number): Ruling<null> {
	const { told } = conversion
	if (!event.answered) {
		return bookkeeping(conversion, { ...told, wantAt: now, wantMisses: told.wantMisses + 1 }, false)
	}
	// A running job writes often enough; one that has ended must remember that nobody waits for it.
	const durable = !isActive(conversion.job)
	return bookkeeping(conversion, { ...told, want: event.want, wantAt: now, wantMisses: 0 }, durable)
}

export function historyTold(conversion: Conversion, event: Of<'historyTold'>, now: number): Ruling<null> {
	const { told } = conversion
	if (!event.answered) {
		return bookkeeping(conversion, { ...told, historyAt: now, historyMisses: told.historyMisses + 1 }, false)
	}
	const history = Math.max(told.history, event.sequence)
	return bookkeeping(conversion, { ...told, history, historyAt: now, historyMisses: 0 }, !isActive(conversion.job))
}

/** The chunk that this fence holds, if it still does. */
function holding(conversion: Conversion, fence: number): { job: Job; chunk: LeasedChunk } | null {
	const { job } = conversion
	if (!isActive(job)) return null
	const chunk = job.chunks.find((candidate) => isLeased(candidate) && candidate.fence === fence)
	return chunk && isLeased(chunk) ? { job, chunk } : null
}

/** A lease came to nothing: its chunk waits for the next try, or its pages have failed. */
function lost(job: Job, chunk: LeasedChunk, code: FailureCode, now: number, random: number): Job {
	const losses = chunk.losses + 1
	if (failure(code).retryable && losses <= job.maxRetries) {
		const notBefore = now + backoff(defaultRetryPolicy, losses, random)
		const next = withChunk(job, chunk, { state: 'waiting', pages: chunk.pages, losses, notBefore })
		return { ...next, retryCount: job.retryCount + 1 }
	}
	// A document that cannot even be opened fails as a whole, in `settled`.
	return {
		...job,
		chunks: job.chunks.filter((candidate) => candidate !== chunk),
		failedPages: [...job.failedPages, ...pageNumbers([chunk.pages]).map((page) => ({ page, code }))],
	}
}

/** Ends the job when nothing is left to do. */
function settled(conversion: Conversion, job: Job, now: number): Ruling<FenceOutcome> {
	if (job.chunks.length > 0) return visible(conversion, job, { outcome: 'current' }, true)
	if (job.ready.length === 0) {
		const code = job.failedPages[0]?.code ?? 'no_page_converted'
		// What could not even be opened failed as a document, not page by page.
		if (job.totalPages === null) return ended(conversion, { ...job, failedPages: [] }, code, now)
		return ended(conversion, job, job.totalPages === 1 ? code : 'no_page_converted', now)
	}
	const startedAt = job.phase.status === 'processing' ? job.phase.startedAt : now
	return visible(
		conversion,
		{ ...job, phase: { status: 'completed', startedAt, completedAt: now } },
		{ outcome: 'current' },
		true,
		true,
	)
}

function ended(conversion: Conversion, job: Job, code: FailureCode, now: number): Ruling<FenceOutcome> {
	const startedAt = job.phase.status === 'processing' ? job.phase.startedAt : null
	const next: Job = {
		...job,
		phase: { status: 'failed', startedAt, completedAt: now, code, progress: percentOf(job) },
		chunks: [],
	}
	return visible(conversion, next, { outcome: 'current' }, true, true)
}

function withChunk(job: Job, chunk: Chunk, next: Chunk): Job {
	return { ...job, chunks: job.chunks.map((candidate) => (candidate === chunk ? next : candidate)) }
}

function sameNumbers(some: readonly number[], others: readonly number[]): boolean {
	return some.length === others.length && some.every((value, index) => value === others[index])
}

function sameOptions(job: Job, options: Job['options']): boolean {
	return job.options.quality === options.quality && (job.options.pages ?? '') === (options.pages ?? '')
}

function unchanged<O>(outcome: O): Ruling<O> {
	return { outcome, change: { kind: 'unchanged' } }
}

function bookkeeping(conversion: Conversion, told: Conversion['told'], durable: boolean): Ruling<null> {
	return { outcome: null, change: { kind: 'bookkeeping', conversion: { ...conversion, told }, durable } }
}

function visible<O>(conversion: Conversion, job: Job, outcome: O, durable: boolean, milestone = false): Ruling<O> {
	const next = { ...conversion, job }
	return { outcome, change: { kind: 'visible', conversion: next, durable, ...(milestone && { milestone: true }) } }
}
