/**
 * Stage and percent of a job.
 *
 * Percent never falls within a job, and 100 is said only after the result is committed. Reports of rendered pages
 * live in memory only, so a crash forgets them; yet what was shown must not be taken back. Therefore every durable
 * write also saves a `ceiling` a little ahead of the truth, percent is shown up to there and no further until the
 * next write, and after a crash the saved ceiling becomes the `floor`. That bounds both the writes of a job and how far
 * a bar can stand ahead of the truth after a crash.
 */
import { rangeLength } from '../pages.ts'
import type { Stage } from '../snapshot.ts'
import { isLeased, type Job } from './job.ts'

/** The percent at which each stage begins. */
export const stageStart = {
	queued: 0,
	initializing: 10,
	extracting_pages: 25,
	processing_pages: 25,
	uploading_pages: 85,
	finalizing: 95,
	completed: 100,
} as const satisfies Record<Stage, number>

/** What people read beside the bar. */
export const stageMessage = {
	queued: 'Waiting to be converted',
	initializing: 'Opening the document',
	extracting_pages: 'Reading the pages',
	processing_pages: 'Converting pages',
	uploading_pages: 'Saving pages',
	finalizing: 'Finishing',
	completed: 'All pages are ready',
} as const satisfies Record<Stage, string>

/** How many points percent may be shown ahead of what is saved. */
const LOOKAHEAD = 20

/** Pages that are rendered, whether committed or not; a page that failed is done with as well. */
export function processedPages(job: Job): number {
	let count = job.failedPages.length
	for (const range of job.ready) count += rangeLength(range)
	for (const chunk of job.chunks) if (isLeased(chunk)) count += chunk.rendered
	return count
}

export function stageOf(job: Job): Stage {
	switch (job.phase.status) {
		case 'queued':
			return 'queued'
		case 'completed':
			return 'completed'
		case 'processing':
		case 'failed':
		case 'cancelled': {
			if (job.phase.startedAt === null) return 'queued'
			if (job.totalPages === null) return 'initializing'
			const processed = processedPages(job)
			if (processed === 0) return 'extracting_pages'
			return processed < job.totalPages ? 'processing_pages' : 'uploading_pages'
		}
	}
}

/** The percent to show, 0 to 100. */
export function percentOf(job: Job): number {
	switch (job.phase.status) {
		case 'queued':
			return 0
		case 'completed':
			return 100
		case 'failed':
		case 'cancelled':
			return job.phase.progress
		case 'processing':
			return Math.max(job.progress.floor, Math.min(actualPercent(job), job.progress.ceiling))
	}
}

/** Whether percent has come to the ceiling, so that a write is needed to show more. */
export function isHeldBack(job: Job): boolean {
	return job.phase.status === 'processing' && actualPercent(job) > job.progress.ceiling
}

/** The bounds that a durable write saves: never below what was shown, and no further ahead than live leases reach. */
export function savedBounds(job: Job): Job['progress'] {
	const percent = percentOf(job)
	const actual = actualPercent(job)
	const reach = rendering(job, processedPages(job) + leasedPagesLeft(job))
	return { floor: percent, ceiling: Math.max(percent, actual, Math.min(reach, actual + LOOKAHEAD)) }
}

/** After a crash nobody knows how much of the lookahead was shown, so all of it was. */
export function boundsAfterCrash(job: Job): Job['progress'] {
	return { floor: job.progress.ceiling, ceiling: job.progress.ceiling }
}

function actualPercent(job: Job): number {
	const stage = stageOf(job)
	return stage === 'processing_pages' ? rendering(job, processedPages(job)) : stageStart[stage]
}

function rendering(job: Job, pages: number): number {
	if (job.totalPages === null || job.totalPages === 0) return stageStart.initializing
	const share = Math.min(1, pages / job.totalPages)
	return Math.floor(stageStart.processing_pages + share * (stageStart.uploading_pages - stageStart.processing_pages))
}

function leasedPagesLeft(job: Job): number {
	let left = 0
	for (const chunk of job.chunks) if (isLeased(chunk)) left += rangeLength(chunk.pages) - chunk.rendered
	return left
}
