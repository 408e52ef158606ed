/**
 * The state of one document's conversion, as its object keeps it.
 *
 * A field exists only where it is true: what a chunk or a job can know depends on its state. Times are milliseconds
 * since the epoch. The schemas are the gate through which stored rows come back in, so an additive change needs a
 * default here.
 */
import { z } from 'zod'
import { failureCodeSchema } from '../failure.ts'
import { placeSchema } from '../lineup/entry.ts'
import { conversionOptionsSchema } from '../options.ts'
import { pageRangeSchema } from '../pages.ts'
import { prioritySchema } from '../snapshot.ts'
import { callsSchema, noCalls } from './calls.ts'
import { incidentSchema } from './incidents.ts'
import { defaultRetryPolicy, retryPolicySchema } from './retry.ts'

/** A range of pages that is not done: the unit of work, of retry and of upload. */
export const chunkSchema = z.discriminatedUnion('state', [
	z.object({
		state: z.literal('waiting'),
		pages: pageRangeSchema,
		/** Leases of this chunk that came to nothing. */
		losses: z.int(),
		/** Not to be leased before this time: the backoff after a loss. */
		notBefore: z.number(),
	}),
	z.object({
		state: z.literal('leased'),
		pages: pageRangeSchema,
		losses: z.int(),
		fence: z.int(),
		/** Without a report until then it is lost. */
		expiresAt: z.number(),
		/** Until when it lasts as far as a row says; renewals in between are memory. */
		savedUntil: z.number().default(0),
		/**
		 * Whatever is reported, it is lost then: a converter that goes round in circles reports as well. A lease that an
		 * older release gave, without this, is taken for lost.
		 */
		endsAt: z.number().default(0),
		/** Pages of this lease rendered so far, as reported. */
		rendered: z.int(),
		/** When its converter's turn with this document is over. */
		turnEndsAt: z.number().default(0),
	}),
])
export type Chunk = z.infer<typeof chunkSchema>
export type WaitingChunk = Extract<Chunk, { state: 'waiting' }>
export type LeasedChunk = Extract<Chunk, { state: 'leased' }>

/** What a job has only until it ends, so that no row of one that has ended can hold it. */
const whileActive = {
	/** The document's password as `api/password.ts` has sealed it; nobody else can read it. Null when none was given. */
	sealedPassword: z.string().nullable().default(null),
}

export const phaseSchema = z.discriminatedUnion('status', [
	z.object({ status: z.literal('queued'), ...whileActive }),
	z.object({ status: z.literal('processing'), startedAt: z.number(), ...whileActive }),
	z.object({ status: z.literal('completed'), startedAt: z.number(), completedAt: z.number() }),
	z.object({
		status: z.literal('failed'),
		startedAt: z.number().nullable(),
		completedAt: z.number(),
		code: failureCodeSchema,
		/** Percent at which it ended; it is kept. */
		progress: z.number(),
	}),
	z.object({
		status: z.literal('cancelled'),
		startedAt: z.number().nullable(),
		completedAt: z.number(),
		progress: z.number(),
	}),
])
export type Phase = z.infer<typeof phaseSchema>

/** How fast the work goes on: see `estimate.ts`. */
export const paceSchema = z.object({
	/** When progress was last measured, and how many pages were done with then. */
	at: z.number(),
	processed: z.int(),
	/** Milliseconds of one converter's time that a page takes, smoothed; null before the first. */
	cost: z.number().nullable(),
	/** Pages that this was measured on. */
	measured: z.int(),
})
export type Pace = z.infer<typeof paceSchema>

/** What was once said of how long it would take. */
const promiseSchema = z.object({
	/** When it was said. */
	at: z.number(),
	/** Milliseconds. */
	remaining: z.number(),
})

export const jobSchema = z.object({
	id: z.string(),
	options: conversionOptionsSchema,
	priority: prioritySchema,
	/** What was asked for, when that was more than the caller may have. */
	requestedPriority: prioritySchema.nullable().default(null),
	maxRetries: z.int(),
	retryPolicy: retryPolicySchema.default(defaultRetryPolicy),
	createdAt: z.number(),
	phase: phaseSchema,
	/** Number of the job whose packs are the first of this one's: an earlier job's when this is a retry. Null: its own. */
	packsFrom: z.int().nullable().default(null),
	/** Pages of the document; null until a converter has opened it. */
	pageCount: z.int().nullable(),
	/** Pages this job converts; null until then. */
	totalPages: z.int().nullable(),
	/** What is not done yet, in page order. */
	chunks: z.array(chunkSchema),
	/** Committed pages, sorted and joined. */
	ready: z.array(pageRangeSchema),
	failedPages: z.array(z.object({ page: z.int(), code: failureCodeSchema })),
	retryCount: z.int(),
	firstPageAt: z.number().nullable(),
	/** See `progress.ts`: percent is held between these two, so that it survives a crash without a write per page. */
	progress: z.object({ floor: z.number(), ceiling: z.number() }),
	/** Where it stood in the lineup when that was last heard, and when; while it is worked on, where it would if it came back. */
	place: placeSchema.extend({ at: z.number() }).nullable().default(null),
	pace: paceSchema.nullable().default(null),
	/** The first estimate that was given while it waited, and while it was worked on. */
	promises: z
		.object({ waiting: promiseSchema.nullable(), processing: promiseSchema.nullable() })
		.default({ waiting: null, processing: null }),
	/** What its times do not say of its way; see `incidents.ts`. */
	incidents: z.array(incidentSchema).default([]),
	/** How many beyond those were only counted. */
	incidentsOmitted: z.int().default(0),
})
export type Job = z.infer<typeof jobSchema>

/**
 * Whether the document is there.
 *
 * - `reserved`: its file is on its way, and nobody sees it yet.
 * - `kept`: the usual.
 * - `erased`: a tombstone, so that what comes late does not bring it back.
 * - `forgotten`: nothing is owed to anybody any more, and its rows can go.
 */
export const lifeSchema = z.discriminatedUnion('state', [
	z.object({ state: z.literal('reserved'), since: z.number() }),
	z.object({ state: z.literal('kept') }),
	z.object({
		state: z.literal('erased'),
		at: z.number(),
		/** Which generation of its `externalId` came after it; 0 for none. Who points to another stays. */
		successor: z.int().default(0),
	}),
	z.object({ state: z.literal('forgotten') }),
])
export type Life = z.infer<typeof lifeSchema>

/** What others have been told, so that what they have not is told again until they answer. */
const toldSchema = z.object({
	/** The lineup: how many converters this job was last said to want. */
	want: z.int(),
	/** When that was last said or tried, and how often in vain since the last answer. */
	wantAt: z.number(),
	wantMisses: z.int(),
	/** The history: the sequence of the milestone that it has. */
	history: z.int(),
	/** When it was last tried, and how often in vain since the last success. */
	historyAt: z.number(),
	historyMisses: z.int(),
})

export const conversionSchema = z.object({
	/** Rises with every durable change and is never reset. Times 1,000 plus `tick` it is the snapshot's version. */
	sequence: z.int(),
	/** Counts the changes that only memory knows since. */
	tick: z.int(),
	/** The last fence handed out; never reset. */
	fence: z.int(),
	/** The sequence of the last change that the history must have: created, accepted, ended. */
	milestone: z.int(),
	told: toldSchema,
	/** What the owner's webhook is still to be told. */
	calls: callsSchema.default(noCalls),
	/** When the objects are deleted that nobody refers to any more; null when there are none. */
	sweepAt: z.number().nullable().default(null),
	/** Up to this fence no object is left but those that are referred to. */
	sweptThrough: z.int().default(0),
	updatedAt: z.number(),
	life: lifeSchema.default({ state: 'kept' }),
	/** Counts the document's jobs; 0 before the first. */
	number: z.int(),
	job: jobSchema.nullable(),
})
export type Conversion = z.infer<typeof conversionSchema>

/** A document whose file is on its way. */
export function reserved(now: number): Conversion {
	return {
		sequence: 0,
		tick: 0,
		fence: 0,
		milestone: 0,
		told: { want: 0, wantAt: 0, wantMisses: 0, history: 0, historyAt: 0, historyMisses: 0 },
		calls: noCalls,
		sweepAt: null,
		sweptThrough: 0,
		updatedAt: now,
		life: { state: 'reserved', since: now },
		number: 0,
		job: null,
	}
}

export type ActiveJob = Job & { phase: Extract<Phase, { status: 'queued' | 'processing' }> }

export function isActive(job: Job | null): job is ActiveJob {
	return job !== null && (job.phase.status === 'queued' || job.phase.status === 'processing')
}

/** The numbers of the jobs whose packs are this one's, both included; null when it has none. */
export function packNumbers({ number, job }: Pick<Conversion, 'number' | 'job'>): { from: number; to: number } | null {
	return job && { from: job.packsFrom ?? number, to: number }
}

export function isLeased(chunk: Chunk): chunk is LeasedChunk {
	return chunk.state === 'leased'
}

export function isWaiting(chunk: Chunk): chunk is WaitingChunk {
	return chunk.state === 'waiting'
}

/** Snapshot versions: durable sequence times 1,000, plus the tick for what only memory knows. */
export const TICKS_PER_SEQUENCE = 1_000

export function versionOf(conversion: Conversion): number {
	return conversion.sequence * TICKS_PER_SEQUENCE + conversion.tick
}
