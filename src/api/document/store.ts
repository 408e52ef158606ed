/**
 * A document's rows in its object's SQLite. One row a job holds the job's whole state, so an event costs one row; one
 * row a pack holds its index, written once.
 *
 * No table is made before `create`, so asking for a guessed id stores nothing.
 */
import { z } from 'zod'
import type { Owner } from '../../core/access.ts'
import { type Conversion, conversionSchema } from '../../core/job/job.ts'
import { type PackIndex, packIndexSchema } from '../../core/pack.ts'

const documentRowSchema = z.object({
	id: z.string(),
	tenant: z.string(),
	sub: z.string(),
	external_id: z.string().nullable(),
	name: z.string(),
	content_type: z.string(),
	size: z.number(),
	created_at: z.number(),
})

export interface DocumentRecord {
	id: string
	owner: Owner
	externalId: string | null
	name: string
	contentType: string
	/** Bytes. */
	size: number
	/** Milliseconds since the epoch. */
	createdAt: number
}

export interface StoredPack {
	fence: number
	index: PackIndex
}

export class DocumentStore {
	readonly #sql: SqlStorage

	constructor(sql: SqlStorage) {
		this.#sql = sql
	}

	/** Null when the document was never created. */
	load(): { document: DocumentRecord; jobNumber: number; conversion: Conversion } | null {
		const tables = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'document'").toArray()
		if (tables.length === 0) return null
		const row = documentRowSchema.parse(this.#sql.exec('SELECT * FROM document').one())
		const job = this.#sql.exec('SELECT number, state FROM job ORDER BY number DESC LIMIT 1').one()
		return {
			document: {
				id: row.id,
				owner: { tenant: row.tenant, sub: row.sub },
				externalId: row.external_id,
				name: row.name,
				contentType: row.content_type,
				size: row.size,
				createdAt: row.created_at,
			},
			jobNumber: z.int().parse(job.number),
			conversion: conversionSchema.parse(JSON.parse(z.string().parse(job.state))),
		}
	}

	create(document: DocumentRecord): void {
		this.#sql.exec(`
			CREATE TABLE document (
				id TEXT PRIMARY KEY, tenant TEXT NOT NULL, sub TEXT NOT NULL, external_id TEXT, name TEXT NOT NULL,
				content_type TEXT NOT NULL, size INTEGER NOT NULL, created_at INTEGER NOT NULL
			) STRICT, WITHOUT ROWID;
			CREATE TABLE job (number INTEGER PRIMARY KEY, id TEXT, status TEXT, state TEXT NOT NULL) STRICT;
			CREATE TABLE pack (
				fence INTEGER PRIMARY KEY, job INTEGER NOT NULL, digest TEXT NOT NULL, pages TEXT NOT NULL
			) STRICT;
		`)
		this.#sql.exec(
			'INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
			document.id,
			document.owner.tenant,
			document.owner.sub,
			document.externalId,
			document.name,
			document.contentType,
			document.size,
			document.createdAt,
		)
	}

	/** @param jobNumber counts the document's jobs; 0 stands for the time before the first */
	saveConversion(jobNumber: number, conversion: Conversion): void {
		const { job } = conversion
		this.#sql.exec(
			`INSERT INTO job VALUES (?1, ?2, ?3, ?4)
			ON CONFLICT (number) DO UPDATE SET id = ?2, status = ?3, state = ?4`,
			jobNumber,
			job?.id ?? null,
			job?.phase.status ?? null,
			JSON.stringify(conversion),
		)
	}

	savePack(jobNumber: number, fence: number, digest: string, index: PackIndex): void {
		this.#sql.exec('INSERT INTO pack VALUES (?, ?, ?, ?)', fence, jobNumber, digest, JSON.stringify(index))
	}

	/** The digest of the pack that was accepted under a fence, if one was. */
	packDigest(fence: number): string | null {
		const row = this.#sql.exec('SELECT digest FROM pack WHERE fence = ?', fence).toArray()[0]
		return row ? z.string().parse(row.digest) : null
	}

	packs(jobNumber: number): StoredPack[] {
		return this.#sql
			.exec('SELECT fence, pages FROM pack WHERE job = ? ORDER BY fence', jobNumber)
			.toArray()
			.map((row) => ({
				fence: z.int().parse(row.fence),
				index: packIndexSchema.parse(JSON.parse(z.string().parse(row.pages))),
			}))
	}

	/** The conversion of a job by its id. */
	job(jobId: string): { number: number; conversion: Conversion } | null {
		return this.#jobWhere('id = ?', jobId)
	}

	/** The newest job that was completed. */
	completedJob(): { number: number; conversion: Conversion } | null {
		return this.#jobWhere('status = ?', 'completed')
	}

	#jobWhere(condition: 'id = ?' | 'status = ?', value: string): { number: number; conversion: Conversion } | null {
		const row = this.#sql
			.exec(`SELECT number, state FROM job WHERE ${condition} ORDER BY number DESC LIMIT 1`, value)
			.toArray()[0]
		if (!row) return null
		return {
			number: z.int().parse(row.number),
			conversion: conversionSchema.parse(JSON.parse(z.string().parse(row.state))),
		}
	}
}
