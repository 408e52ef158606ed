/**
 * How long a job will still take: from its place in the lineup while it waits, from what its own pages have cost while it
 * is worked on. An estimate that cannot be trusted is null. The first one of each kind is kept, and held against the
 * truth when the job has ended.
 */
import { isLeased, type Job } from './job.ts'
import { processedPages } from './progress.ts'
import { TURN_DURATION } from './rules/work.ts'

/** Pages after which a new pace has about two thirds of the say. */
const SMOOTHED_OVER = 10
/** A chunk that was begun is finished beyond the end of a turn; that brings so much on average. Milliseconds. */
const CHUNK_BEGUN = 500
/** Fewer pages than this say nothing. */
const ENOUGH_PAGES = 3

/** A job after an event: its pace measured anew, and what is now said of its end kept. */
export function estimated(before: Job | null, job: Job, now: number): Job {
	return withPromise(withPace(before, job, now), now)
}

function withPace(before: Job | null, job: Job, now: number): Job {
	if (job.phase.status !== 'processing' || job.totalPages === null) return job
	const processed = processedPages(job)
	const { pace } = job
	const workers = before?.id === job.id ? before.chunks.filter(isLeased).length : 0
	// Nobody worked until now, or what was done is lost: it is measured from here on.
	if (pace === null || workers === 0 || processed < pace.processed || now < pace.at) {
		const known = { cost: pace?.cost ?? null, measured: pace?.measured ?? 0 }
		return { ...job, pace: { at: now, processed, ...known } }
	}
	const pages = processed - pace.processed
	if (pages === 0) return job
	const sample = ((now - pace.at) * workers) / pages
	const weight = 1 - Math.exp(-pages / SMOOTHED_OVER)
	const cost = pace.cost === null ? sample : pace.cost + weight * (sample - pace.cost)
	return { ...job, pace: { at: now, processed, cost, measured: pace.measured + pages } }
}

function withPromise(job: Job, now: number): Job {
	const kind = job.phase.status === 'queued' ? 'waiting' : 'processing'
	if (job.promises[kind] !== null) return job
	const remaining = remainingOf(job, now)
	return remaining === null ? job : { ...job, promises: { ...job.promises, [kind]: { at: now, remaining } } }
}

/** Whether it is nobody's work just now, and stands in the lineup if it wants somebody. */
export function isInLine(job: Job): boolean {
	return (job.phase.status === 'queued' || job.phase.status === 'processing') && !job.chunks.some(isLeased)
}

/** How long a job will still take as of `now`, in milliseconds; null when that cannot be trusted. */
export function remainingOf(job: Job, now: number): number | null {
	switch (job.phase.status) {
		case 'queued': {
			const wait = waitOf(job, now)
			// How many pages it has nobody knows; most documents are done in one turn.
			return wait === null || !job.place || job.place.turn === null ? null : wait + job.place.turn
		}
		case 'processing': {
			const { pace, totalPages } = job
			if (totalPages === null || pace === null || pace.cost === null || pace.measured < ENOUGH_PAGES) return null
			const leased = job.chunks.filter(isLeased)
			const work = (pace.cost * Math.max(0, totalPages - processedPages(job))) / Math.max(1, leased.length)
			if (leased.length === 0) {
				const wait = waitOf(job, now)
				// The first turn is the one that it waits for.
				const breaks = breaksOf(job, work - TURN_DURATION)
				return wait === null || breaks === null ? null : wait + work + breaks
			}
			const turnLeft = Math.max(now, ...leased.map(({ turnEndsAt }) => turnEndsAt)) - now
			const breaks = breaksOf(job, work - turnLeft)
			return breaks === null ? null : Math.max(0, work + breaks - (now - pace.at))
		}
		case 'completed':
		case 'failed':
		case 'cancelled':
			return null
	}
}

/** How long a job waits for its further turns, when it has so much work beyond the one that it is in. Milliseconds. */
function breaksOf({ place }: Job, work: number): number | null {
	const breaks = Math.max(0, Math.ceil((work - CHUNK_BEGUN) / TURN_DURATION))
	if (breaks === 0) return 0
	// Alone with its converter it has none that count, but that too is the lineup's to say.
	return place === null || place.wait === null ? null : breaks * place.wait
}

function waitOf({ place }: Job, now: number): number | null {
	return place === null || place.wait === null ? null : Math.max(0, place.wait - (now - place.at))
}

/** What was said of a job's end, and how much later than that it was. Milliseconds. */
export interface EstimateError {
	estimate: number
	error: number
}

/** Of a job that was completed, each kind of estimate that was given; of others there is no truth to hold them against. */
export function estimateErrors({ phase, promises }: Job): Record<keyof Job['promises'], EstimateError | null> {
	const errorOf = (promise: Job['promises']['waiting']): EstimateError | null =>
		promise && phase.status === 'completed'
			? { estimate: promise.remaining, error: phase.completedAt - (promise.at + promise.remaining) }
			: null
	return { waiting: errorOf(promises.waiting), processing: errorOf(promises.processing) }
}
