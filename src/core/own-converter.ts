/**
 * What passes between the service and somebody's own converter, which comes by HTTP. It is what built-in converters say
 * to the gate (`gate.ts`), made for people with `curl`: a claim gives a lease at once, and pages come as files.
 */
import { z } from 'zod'
import { failureCodeSchema } from './failure.ts'
import { formatSchema } from './format.ts'
import { finishSchema, holderSchema, leaseSchema, openedSchema, reportSchema, verdictSchema } from './gate.ts'
import { MAX_CHUNK_PAGES } from './job/chunks.ts'
import { failedPageSchema } from './pack.ts'
import { pageNumberSchema } from './pages.ts'

/** The longest that a claim may wait for a document, in seconds. */
export const LONGEST_CLAIM = 20

/** The most bytes of a `finish`: it passes through the memory of a Worker. */
export const MAX_FINISH_BYTES = 16 * 1024 * 1024

/** What is wrong as far as a converter can tell; the rest is found out here. */
const ownCodeSchema = failureCodeSchema.exclude(['converter_lost', 'source_missing', 'no_page_converted', 'degraded'])

export const ownClaimSchema = z
	.object({
		/** Names this converter for as long as it lives. */
		converter: z.string().min(1).max(100),
		/** What it can convert. */
		formats: z.array(formatSchema).min(1).max(20),
		/** Seconds to wait for somebody when nobody needs it just now; then claim again. */
		wait: z.number().min(0).max(LONGEST_CLAIM).default(0),
	})
	.meta({ id: 'ConverterClaim' })

export const ownLeaseSchema = leaseSchema
	.extend({
		source: leaseSchema.shape.source.extend({
			/** Where the file is, relative to the service; no token is needed, and it works as long as the lease does. */
			url: z.string(),
		}),
	})
	.meta({ id: 'ConverterLease' })
export type OwnLease = z.infer<typeof ownLeaseSchema>

export const ownClaimedSchema = z.object({ lease: ownLeaseSchema }).meta({ id: 'ConverterClaimed' })

export const ownReportSchema = holderSchema
	.extend({
		/** Pages of the document: needed once, before any page is given back. */
		pageCount: openedSchema.shape.pageCount.optional(),
		/** Pages of this lease that are done so far. */
		rendered: reportSchema.shape.rendered.default(0),
	})
	.meta({ id: 'ConverterReport' })

export const ownVerdictSchema = z.object({ verdict: verdictSchema }).meta({ id: 'ConverterVerdict' })

export const ownFinishSchema = holderSchema.extend({
	pageCount: openedSchema.shape.pageCount.optional(),
	/** The last page that this covers; the last of the lease when absent. What is behind it goes to another lease. */
	through: pageNumberSchema.optional(),
	failed: z
		.array(failedPageSchema.extend({ code: ownCodeSchema }))
		.max(MAX_CHUNK_PAGES)
		.default([]),
	/** Whether to hand out another lease of the same document. */
	more: finishSchema.shape.more.default(false),
})
export type OwnFinish = z.infer<typeof ownFinishSchema>

export const ownFinishedSchema = z
	.discriminatedUnion('verdict', [
		z.object({ verdict: z.literal('go on'), next: z.union([ownLeaseSchema, z.null()]) }),
		/** It counts, and this converter's turn with the document is over: claim again. */
		z.object({ verdict: z.literal('yield') }),
		z.object({ verdict: z.literal('stop') }),
	])
	.meta({ id: 'ConverterFinished' })
export type OwnFinished = z.infer<typeof ownFinishedSchema>

export const ownFailSchema = holderSchema.extend({ code: ownCodeSchema }).meta({ id: 'ConverterFail' })
