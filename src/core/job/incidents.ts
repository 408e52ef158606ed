/**
 * What happened to a job on its way and its own times do not say: when it was opened, what was lost, taken apart, given
 * up. Kept in the job's row, so it costs none, and bounded, since that row is written anew each time.
 */
import { z } from 'zod'
import { type FailureCode, failureCodeSchema } from '../failure.ts'
import { formatRanges, type PageRange } from '../pages.ts'
import type { Job } from './job.ts'

/** More than a job has of these unless much goes wrong; the rest are counted. Some 3 KB. */
export const MAX_INCIDENTS = 32

/** Milliseconds since the epoch. */
const at = z.number()
/** As in `2-17`. */
const pages = z.string()

export const incidentSchema = z.discriminatedUnion('type', [
	/** A converter has opened the document. */
	z.object({ type: z.literal('opened'), at, pageCount: z.int() }),
	/** A lease of these pages came to nothing, and they wait for another. */
	z.object({ type: z.literal('chunk_lost'), at, pages, code: failureCodeSchema }),
	/** … and from now on each of them by itself. */
	z.object({ type: z.literal('chunk_split'), at, pages, code: failureCodeSchema }),
	/** These pages are given up. */
	z.object({ type: z.literal('pages_failed'), at, pages, code: failureCodeSchema }),
])
export type Incident = z.infer<typeof incidentSchema>

/** The job with what happened to it; what goes beyond the bound is only counted, so that the first cause stays. */
export function noted(job: Job, ...incidents: readonly Incident[]): Job {
	const kept = incidents.slice(0, Math.max(0, MAX_INCIDENTS - job.incidents.length))
	return {
		...job,
		incidents: [...job.incidents, ...kept],
		incidentsOmitted: job.incidentsOmitted + incidents.length - kept.length,
	}
}

/** Pages that were given up at once, by why. */
export function pagesFailed(failed: readonly { page: number; code: FailureCode }[], at: number): Incident[] {
	const byCode = new Map<FailureCode, PageRange[]>()
	for (const { page, code } of failed) {
		byCode.set(code, [...(byCode.get(code) ?? []), { first: page, last: page }])
	}
	return [...byCode].map(([code, ranges]) => ({ type: 'pages_failed', at, pages: formatRanges(ranges), code }))
}
