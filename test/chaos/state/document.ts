/** A document as its object has written it down: only what is looked at here, so that additions do not matter. */
import { z } from 'zod'
import { pageRangeSchema } from '../../../src/core/pages.ts'
import { jobStatusSchema } from '../../../src/core/snapshot.ts'
import type { Row } from './stored.ts'

const chunkSchema = z.discriminatedUnion('state', [
	z.object({ state: z.literal('waiting'), pages: pageRangeSchema }),
	z.object({
		state: z.literal('leased'),
		pages: pageRangeSchema,
		/** How often it was lost before. */
		losses: z.int(),
		expiresAt: z.number(),
	}),
])

const jobSchema = z.object({
	id: z.string(),
	phase: z.object({ status: jobStatusSchema, completedAt: z.number().optional() }),
	/** Number of the first job whose packs are this one's as well; null: its own only. */
	packsFrom: z.int().nullable(),
	totalPages: z.int().nullable(),
	chunks: z.array(chunkSchema),
	failedPages: z.array(z.unknown()),
	retryCount: z.int(),
})

const conversionSchema = z.object({
	sequence: z.int(),
	/** The sequence of the last change that D1 must have. */
	milestone: z.int(),
	told: z.object({ history: z.int(), want: z.int() }),
	/** When objects are deleted that nobody refers to; null when there are none. */
	sweepAt: z.number().nullable(),
	/** Up to this fence no object is left but those that are referred to. */
	sweptThrough: z.int(),
	life: z.object({ state: z.enum(['reserved', 'kept', 'erased', 'forgotten']) }),
	/** Counts the document's jobs; 0 before the first. */
	number: z.int(),
	job: jobSchema.nullable(),
})
export type StoredConversion = z.infer<typeof conversionSchema>
export type StoredJob = z.infer<typeof jobSchema>

export interface StoredDocument {
	id: string
	/** One row for each job, oldest first, and one before the first; none while the document is only reserved. */
	conversions: StoredConversion[]
	/** The packs that were accepted, with the number of the job they belong to. */
	packs: { fence: number; job: number }[]
	/** When it wants to be rung, as its own rows say and as workerd will; milliseconds since the epoch. */
	alarm: { written: number | null; armed: number | null }
}

/** @param rows of the object's table; null when nothing was ever kept of the document */
export function storedDocument(rows: Row[], alarm: StoredDocument['alarm']): StoredDocument | null {
	const ofKind = (kind: string) =>
		rows
			.filter((row) => row.kind === kind)
			.map(({ number, content }) => ({ number: Number(number), content: JSON.parse(String(content)) as unknown }))
			.sort((one, other) => one.number - other.number)
	const [document] = ofKind('document')
	if (!document) return null
	return {
		id: z.object({ id: z.string() }).parse(document.content).id,
		conversions: ofKind('job').map(({ content }) => conversionSchema.parse(content)),
		packs: ofKind('pack').map(({ number, content }) => ({
			fence: number,
			job: z.object({ job: z.int() }).parse(content).job,
		})),
		alarm,
	}
}

/** The newest; null while the document is only reserved. */
export function currentOf({ conversions }: StoredDocument): StoredConversion | null {
	return conversions.at(-1) ?? null
}

/** The newest job, if it has not ended. */
export function activeJobOf(document: StoredDocument): StoredJob | null {
	const job = currentOf(document)?.job ?? null
	return job?.phase.status === 'queued' || job?.phase.status === 'processing' ? job : null
}
