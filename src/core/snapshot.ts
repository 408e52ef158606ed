/**
 * The public view of a document's conversion. Its `version` only rises; whoever receives snapshots keeps the highest.
 */
import { z } from 'zod'
import { failureCodeSchema, failureSchema } from './failure.ts'

export const jobStatusSchema = z.enum(['queued', 'processing', 'completed', 'failed', 'cancelled'])
export type JobStatus = z.infer<typeof jobStatusSchema>

export const stageSchema = z.enum([
	'queued',
	'initializing',
	'extracting_pages',
	'processing_pages',
	'uploading_pages',
	'finalizing',
	'completed',
])
export type Stage = z.infer<typeof stageSchema>

export const prioritySchema = z.enum(['low', 'normal', 'high', 'urgent'])
export type Priority = z.infer<typeof prioritySchema>

/** ISO 8601, UTC. */
const time = z.iso.datetime()
/** Milliseconds. */
const duration = z.number().nonnegative()

export const snapshotSchema = z
	.object({
		documentId: z.string(),
		externalId: z.string().nullable(),
		jobId: z.string().nullable(),
		version: z.int().nonnegative(),
		status: z.enum(['none', ...jobStatusSchema.options]),
		stage: stageSchema.nullable(),
		/** Percent, 0 to 100. */
		progress: z.number().min(0).max(100),
		message: z.string(),
		priority: prioritySchema.nullable(),
		/** What was asked for; more than `priority` when that was more than the caller may have. */
		requestedPriority: prioritySchema.nullable().default(null),
		totalPages: z.int().nullable(),
		/** Pages rendered; those that are also safe are in `readyPages`. */
		processedPages: z.int(),
		/** Pages committed, as in `"1-5,9"`; empty when there are none. */
		readyPages: z.string(),
		/** The first hundred pages that failed. */
		failedPages: z.array(z.object({ page: z.int(), code: failureCodeSchema })),
		failedPageCount: z.int(),
		retryCount: z.int(),
		maxRetries: z.int(),
		nextRetryAt: time.nullable(),
		queuePosition: z.int().nullable(),
		estimatedTimeRemaining: duration.nullable(),
		estimatedCompletion: time.nullable(),
		/** A union, since of `.nullable()` the OpenAPI document would make a component that may be null everywhere. */
		failure: z.union([failureSchema, z.null()]),
		createdAt: time.nullable(),
		startedAt: time.nullable(),
		firstPageAt: time.nullable(),
		completedAt: time.nullable(),
		updatedAt: time,
	})
	.meta({ id: 'Snapshot' })
export type Snapshot = z.infer<typeof snapshotSchema>

/** Whether nothing more can come of this job by itself. */
export function isSettled(status: Snapshot['status']): boolean {
	return status === 'completed' || status === 'failed' || status === 'cancelled'
}
