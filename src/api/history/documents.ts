/** The documents of an owner in D1: written by the documents themselves, read for lists. */
import { and, desc, eq, gt, gte, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { z } from 'zod'
import type { Owner } from '../../core/access.ts'
import { estimateErrors } from '../../core/job/estimate.ts'
import { type Conversion, type Job, versionOf } from '../../core/job/job.ts'
import { snapshotOf } from '../../core/job/view.ts'
import { metadataOf } from '../../core/labels.ts'
import { type DocumentList, documentItemSchema } from '../../core/protocol.ts'
import type { DocumentRecord } from '../document/store.ts'
import { webhookQuery } from '../webhook/endpoints.ts'
import { conversionJobs, documents } from './schema.ts'

/** Where a list goes on: after this document. */
const cursorSchema = z.object({ createdAt: z.int(), id: z.uuid() })

export class DocumentHistory {
	readonly #db: ReturnType<typeof drizzle>

	constructor(database: D1Database) {
		this.#db = drizzle(database)
	}

	/**
	 * Writes a document and its jobs as they are; rows that say something newer stay. All of it, or nothing.
	 *
	 * @param conversions the jobs that the history lacks, the current one last
	 * @returns whether the owner has a webhook: asked along, since that costs nothing here
	 */
	async record(document: DocumentRecord, conversions: readonly Conversion[]): Promise<{ hasWebhook: boolean }> {
		const current = conversions.at(-1)
		if (!current) return { hasWebhook: false }
		const jobs = conversions.flatMap((conversion) => rowOf(document, conversion) ?? [])
		const [webhooks] = await this.#db.batch([
			webhookQuery(this.#db, document.owner),
			this.#upsertDocument(document, current),
			...jobs.map((row) => this.#upsertJob(row)),
		])
		return { hasWebhook: webhooks.length > 0 }
	}

	/**
	 * Documents with a job that has been active for long: what should have moved, unless it waits its turn.
	 *
	 * @param since when it was last heard of at the latest; what lies ahead of `now` was written by a clock put back since
	 * @param from where to begin among all ids, so that a random start reaches everybody in time
	 * @param limit the most that are given
	 */
	async activeSince(since: number, now: number, from: string, limit: number): Promise<string[]> {
		const found = (condition: SQL) =>
			this.#db
				.select({ id: conversionJobs.documentId })
				.from(conversionJobs)
				.where(
					and(
						isNull(conversionJobs.completedAt),
						or(lt(conversionJobs.updatedAt, since), gt(conversionJobs.updatedAt, now)),
						condition,
					),
				)
				.orderBy(conversionJobs.documentId)
				.limit(limit)
		const [behind, before] = await this.#db.batch([
			found(gte(conversionJobs.documentId, from)),
			found(lt(conversionJobs.documentId, from)),
		])
		return [...behind, ...before].slice(0, limit).map(({ id }) => id)
	}

	#upsertDocument(document: DocumentRecord, { sequence, job, life }: Conversion) {
		const isErased = life.state === 'erased'
		const news = {
			sequence,
			status: job?.phase.status ?? 'none',
			totalPages: job?.totalPages ?? null,
			// A tombstone says who and when, and nothing of what it was.
			name: isErased ? '' : document.name,
			externalId: isErased ? null : document.externalId,
			metadata: isErased ? null : document.metadata,
			// Whoever has the id anew, once its tombstone is gone, may be another file.
			contentType: document.contentType,
			size: document.size,
			erasedAt: isErased ? life.at : null,
			createdAt: document.createdAt,
		}
		return this.#db
			.insert(documents)
			.values({
				id: document.id,
				...document.owner,
				...news,
			})
			.onConflictDoUpdate({
				target: documents.id,
				set: news,
				// Once a document is forgotten, an upload with its key has its id again, and counts from the beginning.
				setWhere: sql`${documents.sequence} < excluded.sequence or ${documents.erasedAt} < excluded.created_at`,
			})
	}

	#upsertJob(row: JobRow) {
		const { documentId, number, ...news } = row
		return this.#db
			.insert(conversionJobs)
			.values(row)
			.onConflictDoUpdate({
				target: [conversionJobs.documentId, conversionJobs.number],
				set: news,
				setWhere: sql`${conversionJobs.version} < excluded.version or ${conversionJobs.completedAt} < excluded.created_at`,
			})
	}

	/**
	 * An owner's documents, newest first.
	 *
	 * @param cursor the `nextCursor` of the page before
	 * @returns null when the cursor is not one
	 */
	async list(owner: Owner, cursor: string | null, limit: number): Promise<DocumentList | null> {
		const after = cursor === null ? null : parseCursor(cursor)
		if (cursor !== null && after === null) return null
		const rows = await this.#db
			.select()
			.from(documents)
			.where(
				and(
					eq(documents.tenant, owner.tenant),
					eq(documents.sub, owner.sub),
					isNull(documents.erasedAt),
					after
						? or(
								lt(documents.createdAt, after.createdAt),
								and(eq(documents.createdAt, after.createdAt), lt(documents.id, after.id)),
							)
						: undefined,
				),
			)
			.orderBy(desc(documents.createdAt), desc(documents.id))
			.limit(limit + 1)
		const items = rows.slice(0, limit).map((row) =>
			documentItemSchema.parse({
				...row,
				metadata: metadataOf(row.metadata),
				createdAt: new Date(row.createdAt).toISOString(),
			}),
		)
		const last = rows.length > limit ? rows[limit - 1] : undefined
		return { items, nextCursor: last ? formatCursor({ createdAt: last.createdAt, id: last.id }) : null }
	}
}

type JobRow = typeof conversionJobs.$inferInsert

/** What everybody may see of a job, as a row; null before the first. */
function rowOf(document: DocumentRecord, conversion: Conversion): JobRow | null {
	const { job, number } = conversion
	if (!job) return null
	const { stage, progress, processedPages, estimatedCompletion, failure } = snapshotOf(document, conversion)
	const { phase } = job
	return {
		documentId: document.id,
		number,
		id: job.id,
		version: versionOf(conversion),
		status: phase.status,
		stage: stage ?? 'queued',
		progress: Math.floor(progress),
		priority: job.priority,
		quality: job.options.quality,
		pages: job.options.pages ?? null,
		totalPages: job.totalPages,
		processedPages,
		failedPages: job.failedPages.length,
		retryCount: job.retryCount,
		maxRetries: job.maxRetries,
		failureCode: failure?.code ?? null,
		errorMessage: failure?.message ?? null,
		estimatedCompletion: estimatedCompletion === null ? null : Date.parse(estimatedCompletion),
		...estimateColumns(job),
		createdAt: job.createdAt,
		startedAt: 'startedAt' in phase ? phase.startedAt : null,
		firstPageAt: job.firstPageAt,
		completedAt: 'completedAt' in phase ? phase.completedAt : null,
		updatedAt: conversion.updatedAt,
	}
}

function estimateColumns(job: Job) {
	const { waiting, processing } = estimateErrors(job)
	const rounded = (milliseconds: number | undefined) => (milliseconds === undefined ? null : Math.round(milliseconds))
	return {
		waitingEstimate: rounded(waiting?.estimate),
		waitingEstimateError: rounded(waiting?.error),
		processingEstimate: rounded(processing?.estimate),
		processingEstimateError: rounded(processing?.error),
	}
}

function formatCursor({ createdAt, id }: z.infer<typeof cursorSchema>): string {
	return `${createdAt.toString(36)}.${id}`
}

function parseCursor(text: string): z.infer<typeof cursorSchema> | null {
	const [createdAt = '', id = ''] = text.split('.')
	const parsed = cursorSchema.safeParse({ createdAt: Number.parseInt(createdAt, 36), id })
	return parsed.success ? parsed.data : null
}
