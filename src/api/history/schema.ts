/** The history's tables in D1. `npm run migration` turns a change here into SQL in `migrations/`. */
import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

export const documents = sqliteTable(
	'documents',
	{
		id: text().primaryKey(),
		tenant: text().notNull(),
		sub: text().notNull(),
		externalId: text('external_id'),
		/** A JSON object as text; what is in it is the application's own business. */
		metadata: text(),
		name: text().notNull(),
		contentType: text('content_type').notNull(),
		/** Bytes. */
		size: integer().notNull(),
		/** Milliseconds since the epoch, as all times here. */
		createdAt: integer('created_at').notNull(),
		/** The document's own sequence at what this row says: an older word never overwrites a newer one. */
		sequence: integer().notNull(),
		status: text().notNull(),
		totalPages: integer('total_pages'),
		/** The row is a tombstone from then on: no name, no pages, but its jobs still count. */
		erasedAt: integer('erased_at'),
	},
	// The list of an owner's documents, newest first, is the one question asked of it.
	(table) => [index('documents_by_owner').on(table.tenant, table.sub, table.createdAt, table.id)],
)

/** One conversion of a document: written when it was accepted and when it ended, with every field of the job. */
export const conversionJobs = sqliteTable(
	'conversion_jobs',
	{
		documentId: text('document_id')
			.notNull()
			.references(() => documents.id),
		/** Counts the document's jobs, from 1. */
		number: integer().notNull(),
		id: text().notNull(),
		/** The document's version at what this row says: an older word never overwrites a newer one. */
		version: integer().notNull(),
		status: text().notNull(),
		stage: text().notNull(),
		/** Percent, 0 to 100. */
		progress: integer().notNull(),
		priority: text().notNull(),
		quality: text().notNull(),
		/** The pages that were asked for, as in `1-5,9`; null for all. */
		pages: text(),
		totalPages: integer('total_pages'),
		processedPages: integer('processed_pages').notNull(),
		failedPages: integer('failed_pages').notNull(),
		retryCount: integer('retry_count').notNull(),
		maxRetries: integer('max_retries').notNull(),
		failureCode: text('failure_code'),
		/** For people; causes are never kept. */
		errorMessage: text('error_message'),
		estimatedCompletion: integer('estimated_completion'),
		/** How long it was first said to take while it waited, and by how much it was later than that. Milliseconds. */
		waitingEstimate: integer('waiting_estimate'),
		waitingEstimateError: integer('waiting_estimate_error'),
		/** The same, of the first estimate that was made from its own pages. */
		processingEstimate: integer('processing_estimate'),
		processingEstimateError: integer('processing_estimate_error'),
		createdAt: integer('created_at').notNull(),
		startedAt: integer('started_at'),
		firstPageAt: integer('first_page_at'),
		completedAt: integer('completed_at'),
		updatedAt: integer('updated_at').notNull(),
	},
	(table) => [
		primaryKey({ columns: [table.documentId, table.number] }),
		// What should have moved: few rows, whatever the history holds.
		index('conversion_jobs_active').on(table.documentId).where(sql`"completed_at" is null`),
	],
)

/** Where an owner wants to be told of what happens: one endpoint each. */
export const webhooks = sqliteTable(
	'webhooks',
	{
		tenant: text().notNull(),
		sub: text().notNull(),
		url: text().notNull(),
		/** The secrets that are in force, sealed: see `webhook/secrets.ts`. */
		secrets: text().notNull(),
		createdAt: integer('created_at').notNull(),
		updatedAt: integer('updated_at').notNull(),
		/** It is not called from then on, until its owner sets it again. */
		disabledAt: integer('disabled_at'),
		disabledReason: text('disabled_reason', { enum: ['gone'] }),
	},
	(table) => [primaryKey({ columns: [table.tenant, table.sub] })],
)
