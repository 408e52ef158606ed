/** The documents of an owner in D1: written by the documents themselves, read for lists. */
import { and, desc, eq, lt, or, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { z } from 'zod'
import type { Owner } from '../../core/access.ts'
import type { Conversion } from '../../core/job/job.ts'
import { type DocumentList, documentItemSchema } from '../../core/protocol.ts'
import type { DocumentRecord } from '../document/store.ts'
import { documents } from './schema.ts'

/** Where a list goes on: after this document. */
const cursorSchema = z.object({ createdAt: z.int(), id: z.uuid() })

export class DocumentHistory {
	readonly #db: ReturnType<typeof drizzle>

	constructor(database: D1Database) {
		this.#db = drizzle(database)
	}

	/** Writes a document as it is; a row that says something newer stays. */
	async record(document: DocumentRecord, conversion: Conversion): Promise<void> {
		const news = {
			sequence: conversion.sequence,
			status: conversion.job?.phase.status ?? 'none',
			totalPages: conversion.job?.totalPages ?? null,
		}
		await this.#db
			.insert(documents)
			.values({
				id: document.id,
				...document.owner,
				externalId: document.externalId,
				name: document.name,
				contentType: document.contentType,
				size: document.size,
				createdAt: document.createdAt,
				...news,
			})
			.onConflictDoUpdate({
				target: documents.id,
				set: news,
				setWhere: sql`${documents.sequence} < excluded.sequence`,
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
		const items = rows
			.slice(0, limit)
			.map((row) => documentItemSchema.parse({ ...row, createdAt: new Date(row.createdAt).toISOString() }))
		const last = rows.length > limit ? rows[limit - 1] : undefined
		return { items, nextCursor: last ? formatCursor({ createdAt: last.createdAt, id: last.id }) : null }
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
