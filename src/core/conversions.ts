/** A document's conversions, one after another, each with what happened to it: what an interface shows of the past. */
import { z } from 'zod'
import { failureCodeSchema, failureSchema } from './failure.ts'
import { conversionOptionsSchema } from './options.ts'
import { jobStatusSchema, prioritySchema } from './snapshot.ts'

/** ISO 8601, UTC. */
const at = z.iso.datetime()
const pages = z.string().meta({ description: 'As in `1-5,9`.' })
const code = failureCodeSchema

/** More kinds may be added; whoever shows them skips those that it does not know. */
export const conversionEventSchema = z
	.discriminatedUnion('type', [
		z.object({ type: z.literal('accepted'), at }).meta({ id: 'AcceptedEvent' }),
		z
			.object({ type: z.literal('started'), at })
			.meta({ id: 'StartedEvent', description: 'A converter has begun with it.' }),
		z.object({ type: z.literal('opened'), at, pageCount: z.int() }).meta({ id: 'OpenedEvent' }),
		z.object({ type: z.literal('first_page_ready'), at }).meta({ id: 'FirstPageReadyEvent' }),
		z
			.object({ type: z.literal('chunk_lost'), at, pages, code })
			.meta({ id: 'ChunkLostEvent', description: 'Work on these pages came to nothing, and they are tried again.' }),
		z
			.object({ type: z.literal('chunk_split'), at, pages, code })
			.meta({ id: 'ChunkSplitEvent', description: '… and from then on each by itself.' }),
		z
			.object({ type: z.literal('pages_failed'), at, pages, code })
			.meta({ id: 'PagesFailedEvent', description: 'These pages were given up.' }),
		z.object({ type: z.literal('completed'), at }).meta({ id: 'CompletedEvent' }),
		z.object({ type: z.literal('failed'), at, code }).meta({ id: 'FailedEvent' }),
		z.object({ type: z.literal('cancelled'), at }).meta({ id: 'CancelledEvent' }),
	])
	.meta({ id: 'ConversionEvent' })
export type ConversionEvent = z.infer<typeof conversionEventSchema>

const estimate = z
	.object({
		estimate: z.int().meta({ description: 'How long it was said to take. Milliseconds.' }),
		error: z
			.int()
			.nullable()
			.meta({ description: 'How much later than that it ended. Milliseconds; null unless it was completed.' }),
	})
	.meta({ id: 'Estimate' })

export const pastConversionSchema = z
	.object({
		jobId: z.string(),
		status: jobStatusSchema,
		priority: prioritySchema,
		requestedPriority: prioritySchema,
		options: conversionOptionsSchema,
		createdAt: at,
		startedAt: at.nullable(),
		firstPageAt: at.nullable(),
		completedAt: at.nullable(),
		totalPages: z.int().nullable(),
		processedPages: z.int(),
		failedPageCount: z.int(),
		retryCount: z.int(),
		maxRetries: z.int(),
		failure: z.union([failureSchema, z.null()]),
		estimates: z
			.object({ waiting: z.union([estimate, z.null()]), processing: z.union([estimate, z.null()]) })
			.meta({ description: 'The first that was given while it waited, and while it was worked on.' }),
		events: z.array(conversionEventSchema).meta({ description: 'Oldest first.' }),
		eventsOmitted: z.int().meta({ description: 'How many events beyond these were only counted.' }),
	})
	.meta({ id: 'Conversion' })
export type PastConversion = z.infer<typeof pastConversionSchema>

export const conversionListSchema = z
	.object({ items: z.array(pastConversionSchema), nextCursor: z.string().nullable() })
	.meta({ id: 'ConversionList' })
export type ConversionList = z.infer<typeof conversionListSchema>
