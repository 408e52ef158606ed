/** One conversion with its events, as everybody who may see the document may see it. */
import type { ConversionEvent, PastConversion } from '../conversions.ts'
import { failure } from '../failure.ts'
import { conversionOptionsSchema } from '../options.ts'
import { estimateErrors } from './estimate.ts'
import type { Incident } from './incidents.ts'
import type { Conversion, Job } from './job.ts'
import { processedPages } from './progress.ts'

/** Null before the document's first job. */
export function pastOf({ job }: Conversion): PastConversion | null {
	if (job === null) return null
	const { phase } = job
	return {
		jobId: job.id,
		status: phase.status,
		priority: job.priority,
		requestedPriority: job.requestedPriority ?? job.priority,
		// What a client may choose, and nothing else that an option may ever be kept with.
		options: conversionOptionsSchema.strip().parse(job.options),
		createdAt: iso(job.createdAt),
		startedAt: isoOrNull('startedAt' in phase ? phase.startedAt : null),
		firstPageAt: isoOrNull(job.firstPageAt),
		completedAt: isoOrNull('completedAt' in phase ? phase.completedAt : null),
		totalPages: job.totalPages,
		processedPages: processedPages(job),
		failedPageCount: job.failedPages.length,
		retryCount: job.retryCount,
		maxRetries: job.maxRetries,
		failure: phase.status === 'failed' ? failure(phase.code) : null,
		estimates: { waiting: estimateOf(job, 'waiting'), processing: estimateOf(job, 'processing') },
		events: eventsOf(job),
		eventsOmitted: job.incidentsOmitted,
	}
}

/**
 * Everything that happened to a job, oldest first. Most of it its own times say, so it is stored nowhere else, and jobs
 * of older releases have it too.
 */
export function eventsOf(job: Job): ConversionEvent[] {
	const { phase } = job
	const between: { at: number; event: ConversionEvent }[] = []
	const startedAt = 'startedAt' in phase ? phase.startedAt : null
	if (startedAt !== null) between.push({ at: startedAt, event: { type: 'started', at: iso(startedAt) } })
	for (const incident of job.incidents) between.push({ at: incident.at, event: publicView(incident) })
	// A retry has the first page from the beginning; else it comes after the document was opened, also in the same moment.
	if (job.firstPageAt !== null) {
		between.push({ at: job.firstPageAt, event: { type: 'first_page_ready', at: iso(job.firstPageAt) } })
	}
	// Stable, so what happened in the same moment stays in the order in which it can have happened.
	const sorted = between.toSorted((one, other) => one.at - other.at).map(({ event }) => event)
	return [{ type: 'accepted', at: iso(job.createdAt) }, ...sorted, ...endOf(job)]
}

function endOf({ phase }: Job): ConversionEvent[] {
	switch (phase.status) {
		case 'queued':
		case 'processing':
			return []
		case 'completed':
		case 'cancelled':
			return [{ type: phase.status, at: iso(phase.completedAt) }]
		case 'failed':
			return [{ type: 'failed', at: iso(phase.completedAt), code: phase.code }]
	}
}

function publicView(incident: Incident): ConversionEvent {
	return { ...incident, at: iso(incident.at) }
}

function estimateOf(job: Job, kind: keyof Job['promises']): PastConversion['estimates']['waiting'] {
	const promise = job.promises[kind]
	if (promise === null) return null
	const held = estimateErrors(job)[kind]
	return { estimate: Math.round(promise.remaining), error: held && Math.round(held.error) }
}

function iso(time: number): string {
	return new Date(time).toISOString()
}

function isoOrNull(time: number | null): string | null {
	return time === null ? null : iso(time)
}
