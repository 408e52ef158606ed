/**
 * What passes between a converter and the gate, both ways. A converter knows nothing else of the service.
 */
import { z } from 'zod'
import { failureCodeSchema } from './failure.ts'
import { conversionOptionsSchema } from './options.ts'
import { failedPageSchema, packIndexSchema } from './pack.ts'
import { pageNumberSchema, pageRangeSchema } from './pages.ts'

export const documentIdSchema = z.uuid()
export const jobIdSchema = z.uuid()
export const fenceSchema = z.int().positive()

/** A converter asks who is next. */
export const claimantSchema = z.object({
	/** Names it for as long as it lives, so that its turns can be told from others'. */
	converter: z.string().min(1).max(100),
	/** Whether a nudge brought it here, rather than being done with something else. */
	nudged: z.boolean(),
})
export type Claimant = z.infer<typeof claimantSchema>

/** A converter's time is up, and it goes. */
export const leaverSchema = claimantSchema.pick({ converter: true })
export type Leaver = z.infer<typeof leaverSchema>

/** A document that waits for a converter. Nothing is taken yet: the lease decides. */
export const claimSchema = z.object({ documentId: documentIdSchema, jobId: jobIdSchema })
export type Claim = z.infer<typeof claimSchema>

/** The right to convert some pages, until it expires or is superseded. Its fence goes with every further call. */
export const leaseSchema = z.object({
	documentId: documentIdSchema,
	jobId: jobIdSchema,
	fence: fenceSchema,
	pages: pageRangeSchema,
	options: conversionOptionsSchema,
	/** Pages of the document when a converter has opened it before; else this one says so, with `opened`. */
	pageCount: z.int().positive().nullable(),
	source: z.object({
		/** Bytes. */
		size: z.int().positive(),
		contentType: z.string(),
	}),
	/** What its owner says opens the document; null when nobody said anything. Kept no longer than the lease. */
	password: z.string().nullable().default(null),
})
export type Lease = z.infer<typeof leaseSchema>

/** Names a lease. */
export const holderSchema = z.object({ documentId: documentIdSchema, fence: fenceSchema })
export type Holder = z.infer<typeof holderSchema>

export const openedSchema = holderSchema.extend({ pageCount: z.int().positive() })
export type Opened = z.infer<typeof openedSchema>

export const reportSchema = holderSchema.extend({ rendered: z.int().nonnegative() })
export type Report = z.infer<typeof reportSchema>

/** `go on`, or `stop`: the lease is not current any more, and nothing that is done under it counts. */
export const verdictSchema = z.enum(['go on', 'stop'])
export type Verdict = z.infer<typeof verdictSchema>

/** The largest pack that is taken, in bytes. */
export const MAX_PACK_BYTES = 64 * 1024 * 1024

export const finishSchema = holderSchema.extend({
	/** The last page of the lease that this pack covers; what is behind it goes to another lease. */
	through: pageNumberSchema,
	failed: z.array(failedPageSchema).max(1_000),
	/** The pack's index; null when no page of the lease could be converted, and then there is no pack. */
	pack: z
		.object({
			index: packIndexSchema,
			/** SHA-256 of the pack, hexadecimal. */
			digest: z.string().regex(/^[0-9a-f]{64}$/),
			/** Bytes. */
			length: z.int().positive().max(MAX_PACK_BYTES),
		})
		.nullable(),
	/** Whether to hand out another lease of the same document. */
	more: z.boolean(),
})
export type Finish = z.infer<typeof finishSchema>

export const finishedSchema = z.discriminatedUnion('verdict', [
	z.object({ verdict: z.literal('go on'), next: leaseSchema.nullable() }),
	/** It counts, and the converter's turn with this document is over: the lineup says who is next. */
	z.object({ verdict: z.literal('yield') }),
	z.object({ verdict: z.literal('stop') }),
])
export type Finished = z.infer<typeof finishedSchema>

export const failSchema = holderSchema.extend({ code: failureCodeSchema })
export type Fail = z.infer<typeof failSchema>
