/** The history's tables in D1. `npm run migration` turns a change here into SQL in `migrations/`. */
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

export const documents = sqliteTable(
	'documents',
	{
		id: text().primaryKey(),
		tenant: text().notNull(),
		sub: text().notNull(),
		externalId: text('external_id'),
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
	},
	// The list of an owner's documents, newest first, is the one question asked of it.
	(table) => [index('documents_by_owner').on(table.tenant, table.sub, table.createdAt, table.id)],
)
