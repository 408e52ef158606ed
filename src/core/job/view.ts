/** A conversion as everybody may see it. */
import { failure } from '../failure.ts'
import { formatRanges } from '../pages.ts'
import type { Snapshot } from '../snapshot.ts'
import { isInLine, remainingOf } from './estimate.ts'
import { type Conversion, isWaiting, type Job, versionOf } from './job.ts'
import { percentOf, processedPages, stageMessage, stageOf } from './progress.ts'

/** Failed pages that a snapshot names; the rest are counted. */
const FAILED_PAGES_NAMED = 100

export function snapshotOf(document: { id: string; externalId: string | null }, conversion: Conversion): Snapshot {
	const common = {
		documentId: document.id,
		externalId: document.externalId,
		version: versionOf(conversion),
		updatedAt: iso(conversion.updatedAt),
	}
	const { job } = conversion
	if (job === null) return { ...common, ...notConverted }
	const { phase } = job
	const stage = stageOf(job)
	// As of the last change: the same version always says the same.
	const remaining = remainingOf(job, conversion.updatedAt)
	return {
		...common,
		jobId: job.id,
		status: phase.status,
		stage,
		progress: percentOf(job),
		message: messageOf(job),
		priority: job.priority,
		requestedPriority: job.requestedPriority ?? job.priority,
		totalPages: job.totalPages,
		processedPages: processedPages(job),
		readyPages: formatRanges(job.ready),
		failedPages: job.failedPages.slice(0, FAILED_PAGES_NAMED),
		failedPageCount: job.failedPages.length,
		retryCount: job.retryCount,
		maxRetries: job.maxRetries,
		nextRetryAt: isoOrNull(nextRetryAt(job, conversion.updatedAt)),
		queuePosition: isInLine(job) ? (job.place?.position ?? null) : null,
		estimatedTimeRemaining: remaining === null ? null : Math.round(remaining),
		estimatedCompletion: isoOrNull(remaining === null ? null : Math.round(conversion.updatedAt + remaining)),
		failure: phase.status === 'failed' ? failure(phase.code) : null,
		createdAt: iso(job.createdAt),
		startedAt: isoOrNull('startedAt' in phase ? phase.startedAt : null),
		firstPageAt: isoOrNull(job.firstPageAt),
		completedAt: isoOrNull('completedAt' in phase ? phase.completedAt : null),
	}
}

const notConverted = {
	jobId: null,
	status: 'none',
	stage: null,
	progress: 0,
	message: 'Not converted yet',
	priority: null,
	requestedPriority: null,
	totalPages: null,
	processedPages: 0,
	readyPages: '',
	failedPages: [],
	failedPageCount: 0,
	retryCount: 0,
	maxRetries: 0,
	nextRetryAt: null,
	queuePosition: null,
	estimatedTimeRemaining: null,
	estimatedCompletion: null,
	failure: null,
	createdAt: null,
	startedAt: null,
	firstPageAt: null,
	completedAt: null,
} as const satisfies Partial<Snapshot>

function messageOf(job: Job): string {
	switch (job.phase.status) {
		case 'failed':
			return failure(job.phase.code).message
		case 'cancelled':
			return 'Cancelled'
		case 'completed':
			return job.failedPages.length === 0
				? stageMessage.completed
				: `Ready, without ${job.failedPages.length} ${job.failedPages.length === 1 ? 'page' : 'pages'}`
		case 'queued':
		case 'processing':
			if (isInLine(job) && job.place?.isPaused) return 'Conversions are paused. This one goes on by itself.'
			return stageMessage[stageOf(job)]
	}
}

function nextRetryAt(job: Job, now: number): number | null {
	const times = job.chunks.filter(isWaiting).filter((chunk) => chunk.losses > 0 && chunk.notBefore > now)
	return times.length === 0 ? null : Math.min(...times.map((chunk) => chunk.notBefore))
}

function iso(time: number): string {
	return new Date(time).toISOString()
}

function isoOrNull(time: number | null): string | null {
	return time === null ? null : iso(time)
}
