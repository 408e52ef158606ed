/**
 * How the work on a job goes on: one function per event.
 *
 * Invariants held here: I3 a job that has ended never changes · I5 only a current lease changes anything, told by its
 * fence, which only rises (I4) · I1 every lease ends, and every loss brings its pages nearer to done or failed.
 */
import { type FailureCode, failure, isAboutPassword } from '../../failure.ts'
import { formatRanges, MAX_PAGES, type PageRange, pageNumbers, parseRanges, rangeLength } from '../../pages.ts'
import { pagesToConvert, remainingChunks, split, without } from '../chunks.ts'
import type { Event, FenceOutcome, FinishOutcome, LeaseOutcome, Ruling } from '../event.ts'
import { noted, pagesFailed } from '../incidents.ts'
import {
	type ActiveJob,
	type Chunk,
	type Conversion,
	isActive,
	isLeased,
	isWaiting,
	type Job,
	type LeasedChunk,
} from '../job.ts'
import { boundsAfterCrash, isHeldBack, percentOf, processedPages } from '../progress.ts'
import { backoff } from '../retry.ts'
import { aged } from './life.ts'
import { bookkeeping, littered, milestone, moved, progressed, unchanged } from './ruling.ts'

/** How long a lease lasts without a report, in milliseconds. */
export const LEASE_DURATION = 30_000

/** How long a lease lasts whatever is reported, in milliseconds: no sound converter needs a third of this for a chunk. */
export const LONGEST_LEASE = 600_000

/**
 * How long a converter stays with a document, in milliseconds; then the lineup says who is next. It is looked at when a
 * chunk is finished, so a turn is longer by up to a chunk.
 */
export const TURN_DURATION = 5_000

/** The most converters that work on one job at a time. */
export const MAX_CONVERTERS = 8

/** A renewed lease is written down once this much of the written one has passed; until then memory suffices. */
const RENEWAL_WRITTEN_AFTER = LEASE_DURATION / 2

/** A chunk that was lost so often is taken apart: one of its pages may be what ends its converters. */
const SPLIT_AFTER = 2

type Of<T extends Event['type']> = Extract<Event, { type: T }>

export function lease(conversion: Conversion, event: Of<'lease'>, now: number): Ruling<LeaseOutcome> {
	const runnable = conversion.job?.id === event.jobId ? runnableChunk(conversion.job, now) : null
	if (!runnable) return unchanged({ outcome: 'nothing' })
	const { job, chunk } = runnable

	return handOut(conversion, job, chunk, now + TURN_DURATION, now)
}

/** A chunk goes to a converter, whose turn ends at a time. */
function handOut(
	conversion: Conversion,
	job: ActiveJob,
	chunk: Chunk,
	turnEndsAt: number,
	now: number,
): Ruling<Extract<LeaseOutcome, { outcome: 'leased' }>> {
	const fence = conversion.fence + 1
	const leased: LeasedChunk = {
		state: 'leased',
		pages: chunk.pages,
		losses: chunk.losses,
		fence,
		expiresAt: now + LEASE_DURATION,
		savedUntil: now + LEASE_DURATION,
		endsAt: now + LONGEST_LEASE,
		rendered: 0,
		turnEndsAt,
	}
	const { sealedPassword } = job.phase
	const next: Job = {
		...job,
		place: null,
		phase: job.phase.status === 'queued' ? { status: 'processing', startedAt: now, sealedPassword } : job.phase,
		chunks: job.chunks.map((candidate) => (candidate === chunk ? leased : candidate)),
	}
	return {
		outcome: {
			outcome: 'leased',
			grant: { fence, pages: chunk.pages, options: job.options, pageCount: job.pageCount, sealedPassword },
		},
		change: { kind: 'visible', conversion: { ...conversion, fence, job: next }, durable: true },
	}
}

/** What is next to be leased of a job; null when nothing is. */
function runnableChunk(job: Job | null, now: number): { job: ActiveJob; chunk: Chunk } | null {
	if (!isActive(job) || job.chunks.filter(isLeased).length >= MAX_CONVERTERS) return null
	const chunk = job.chunks.find((candidate) => isRunnable(candidate, job, now))
	return chunk ? { job, chunk } : null
}

/** Whether a chunk may be leased: its backoff is over, or it was set by a clock that has been put back since. */
export function isRunnable(chunk: Chunk, job: Job, now: number): boolean {
	return isWaiting(chunk) && (chunk.notBefore <= now || chunk.notBefore > now + job.retryPolicy.maxDelay)
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
	const { pageCount } = event
	return moved(conversion, noted(next, { type: 'opened', at: now, pageCount }), { outcome: 'current' })
}

export function report(conversion: Conversion, event: Of<'report'>, now: number): Ruling<FenceOutcome> {
	const held = holding(conversion, event.fence)
	if (!held) return unchanged({ outcome: 'stale' })
	const { job, chunk } = held
	const expiresAt = Math.min(now + LEASE_DURATION, chunk.endsAt)
	// Late reports never take back what an earlier one said.
	const rendered = Math.min(rangeLength(chunk.pages), Math.max(chunk.rendered, event.rendered))
	const next = withChunk(job, chunk, { ...chunk, rendered, expiresAt })
	const isRenewalDue = chunk.savedUntil < expiresAt && chunk.savedUntil - now < LEASE_DURATION - RENEWAL_WRITTEN_AFTER
	if (!isHeldBack(next) && !isRenewalDue) return progressed(conversion, next, { outcome: 'current' })
	const written = withChunk(job, chunk, { ...chunk, rendered, expiresAt, savedUntil: expiresAt })
	return moved(conversion, written, { outcome: 'current' })
}

export function finish(conversion: Conversion, event: Of<'finish'>, now: number): Ruling<FinishOutcome> {
	const held = holding(conversion, event.fence)
	if (!held) return superseded(conversion, event, now)
	const { job, chunk } = held
	// Before it is known how many pages there are, none can be done: the job would end with the first.
	if (job.totalPages === null || event.through < chunk.pages.first || event.through > chunk.pages.last) {
		return superseded(conversion, event, now)
	}

	const done: PageRange = { first: chunk.pages.first, last: event.through }
	const readyNow = without(
		[done],
		event.failed.map(({ page }) => page),
	)
	// Every page is one or the other, and a pack holds exactly the pages that it says are ready (I6).
	const converted = pageNumbers(readyNow)
	const isComplete = converted.length + event.failed.length === rangeLength(done)
	if (!isComplete || !sameNumbers(converted, event.converted)) return superseded(conversion, event, now)
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
	const { change } = settled(conversion, noted(next, ...pagesFailed(event.failed, now)), now)
	if (!event.more || change.kind !== 'visible') return { outcome: { outcome: 'accepted', next: null }, change }
	const runnable = runnableChunk(change.conversion.job, now)
	if (!runnable) return { outcome: { outcome: 'accepted', next: null }, change }
	if (isTurnOver(chunk, now)) return { outcome: { outcome: 'yield' }, change }
	const handedOut = handOut(change.conversion, runnable.job, runnable.chunk, chunk.turnEndsAt, now)
	return { outcome: { outcome: 'accepted', next: handedOut.outcome.grant }, change: handedOut.change }
}

/** A turn that ends later than any could was begun by a clock that has been put back since. */
function isTurnOver({ turnEndsAt }: LeasedChunk, now: number): boolean {
	return turnEndsAt <= now || turnEndsAt > now + TURN_DURATION
}

export function fail(conversion: Conversion, event: Of<'fail'>, now: number): Ruling<FenceOutcome> {
	const held = holding(conversion, event.fence)
	if (!held) return unchanged({ outcome: 'stale' })
	// No page is to blame, and none will be readable before somebody gives the password: what is ready stays.
	if (isAboutPassword(event.code)) return ended(conversion, held.job, event.code, now)
	return settled(littered(conversion, now), lost(held.job, held.chunk, event.code, now, event.random), now)
}

export function tick(conversion: Conversion, event: Of<'tick'>, now: number): Ruling<null> {
	if (conversion.life.state !== 'kept') return aged(conversion, now)
	let { job } = conversion
	if (!isActive(job)) return unchanged(null)
	const over = job.chunks.filter(isLeased).filter((chunk) => isOver(chunk, now))
	if (over.length === 0) return unchanged(null)
	for (const chunk of over) {
		const code = chunk.endsAt <= now ? 'deadline_exceeded' : 'converter_lost'
		job = lost(job, chunk, code, now, event.random)
	}
	return { ...settled(littered(conversion, now), job, now), outcome: null }
}

/** Whether a lease has run out; one that ends later than any could was given by a clock that has been put back since. */
function isOver({ expiresAt, endsAt }: LeasedChunk, now: number): boolean {
	return Math.min(expiresAt, endsAt) <= now || endsAt > now + 2 * LONGEST_LEASE
}

export function woken(conversion: Conversion, now: number): Ruling<null> {
	const { job } = conversion
	// Only an active job has told anything that memory alone knew.
	if (!isActive(job)) return unchanged(null)
	const told = { ...conversion.told, wantAt: 0 }
	// Where it stood is long ago, and so is when its pace was measured.
	const pace = job.pace && { ...job.pace, at: now, processed: processedPages(job) }
	const next: Job = { ...job, progress: boundsAfterCrash(job), place: null, pace }
	return { outcome: null, change: { kind: 'visible', conversion: { ...conversion, told, job: next }, durable: true } }
}

/** The chunk that this fence holds, if it still does. */
function holding(conversion: Conversion, fence: number): { job: Job; chunk: LeasedChunk } | null {
	const { job } = conversion
	if (!isActive(job)) return null
	const chunk = job.chunks.find((candidate) => isLeased(candidate) && candidate.fence === fence)
	return chunk && isLeased(chunk) ? { job, chunk } : null
}

/** A pack was stored under a lease that is none any more: it has to go, also when everything was swept before. */
function superseded(conversion: Conversion, event: Of<'finish'>, now: number): Ruling<FinishOutcome> {
	if (event.converted.length === 0 || event.fence > conversion.fence) return unchanged({ outcome: 'stale' })
	const sweptThrough = Math.min(conversion.sweptThrough, event.fence - 1)
	return bookkeeping({ ...littered(conversion, now), sweptThrough }, { outcome: 'stale' }, true)
}

/** A lease came to nothing: its pages wait for the next try, or have failed. */
function lost(job: Job, chunk: LeasedChunk, code: FailureCode, now: number, random: number): Job {
	const losses = chunk.losses + 1
	const isRetryable = failure(code).retryable
	const notBefore = now + backoff(job.retryPolicy, losses, random)
	if (isRetryable && rangeLength(chunk.pages) > 1 && (losses >= SPLIT_AFTER || losses > job.maxRetries)) {
		// Each page has at least one try of its own, since only one of them may be to blame.
		const pages = split(chunk.pages, Math.min(losses, job.maxRetries), notBefore)
		const apart = { ...withChunks(job, chunk, pages), retryCount: job.retryCount + 1 }
		return noted(apart, { type: 'chunk_split', at: now, pages: formatRanges([chunk.pages]), code })
	}
	if (isRetryable && losses <= job.maxRetries) {
		const again = withChunks(job, chunk, [{ state: 'waiting', pages: chunk.pages, losses, notBefore }])
		const counted = { ...again, retryCount: job.retryCount + 1 }
		return noted(counted, { type: 'chunk_lost', at: now, pages: formatRanges([chunk.pages]), code })
	}
	// A document that cannot even be opened fails as a whole, in `settled`.
	const failed = pageNumbers([chunk.pages]).map((page) => ({ page, code }))
	const given = { ...withChunks(job, chunk, []), failedPages: [...job.failedPages, ...failed] }
	// What could not even be opened says as a whole why it failed.
	return job.totalPages === null ? given : noted(given, ...pagesFailed(failed, now))
}

/** Ends the job when nothing is left to do. */
function settled(conversion: Conversion, job: Job, now: number): Ruling<FenceOutcome> {
	if (job.chunks.length > 0) return moved(conversion, job, { outcome: 'current' })
	if (job.ready.length === 0) {
		const code = job.failedPages[0]?.code ?? 'no_page_converted'
		// What could not even be opened failed as a document, not page by page.
		if (job.totalPages === null) return ended(conversion, { ...job, failedPages: [] }, code, now)
		return ended(conversion, job, job.totalPages === 1 ? code : 'no_page_converted', now)
	}
	const startedAt = job.phase.status === 'processing' ? job.phase.startedAt : now
	const completed: Job = { ...job, phase: { status: 'completed', startedAt, completedAt: now } }
	// The packs of the job that was shown until now are shown no longer.
	const before = conversion.number > 1 ? littered(conversion, now) : conversion
	return milestone({ ...before, job: completed }, { outcome: 'current' })
}

function ended(conversion: Conversion, job: Job, code: FailureCode, now: number): Ruling<FenceOutcome> {
	const startedAt = job.phase.status === 'processing' ? job.phase.startedAt : null
	const failed: Job = {
		...job,
		phase: { status: 'failed', startedAt, completedAt: now, code, progress: percentOf(job) },
		chunks: [],
	}
	const before = job.chunks.some(isLeased) ? littered(conversion, now) : conversion
	return milestone({ ...before, job: failed }, { outcome: 'current' })
}

function withChunk(job: Job, chunk: Chunk, next: Chunk): Job {
	return withChunks(job, chunk, [next])
}

function withChunks(job: Job, chunk: Chunk, next: readonly Chunk[]): Job {
	return { ...job, chunks: job.chunks.flatMap((candidate) => (candidate === chunk ? next : [candidate])) }
}

function sameNumbers(some: readonly number[], others: readonly number[]): boolean {
	return some.length === others.length && some.every((value, index) => value === others[index])
}
