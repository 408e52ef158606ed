/**
 * A document's rows in its object's SQLite. One row a job holds the job's whole state, so an event costs one row; one
 * row a pack holds its index, written once.
 *
 * All kinds of record share a table: making a table costs two rows, which every document would pay for each. No table is
 * made before `create`, so asking for a guessed id stores nothing.
 */
import { z } from 'zod'
import { type Conversion, conversionSchema } from '../../core/job/job.ts'
import { type PackIndex, packIndexSchema } from '../../core/pack.ts'

const documentRecordSchema = z.object({
	id: z.string(),
	owner: z.object({ tenant: z.string(), sub: z.string() }),
	externalId: z.string().nullable(),
	name: z.string(),
	contentType: z.string(),
	/** Bytes. */
	size: z.int(),
	/** Milliseconds since the epoch. */
	createdAt: z.int(),
})
export type DocumentRecord = z.infer<typeof documentRecordSchema>

const packRecordSchema = z.object({
	/** The number of the job that it belongs to. */
	job: z.int(),
	/** SHA-256, hexadecimal. */
	digest: z.string(),
	index: packIndexSchema,
})

export interface StoredPack {
	fence: number
	index: PackIndex
}

export interface StoredJob {
	/** Counts the document's jobs; 0 stands for the time before the first. */
	number: number
	conversion: Conversion
}

export class DocumentStore {
	readonly #sql: SqlStorage

	constructor(sql: SqlStorage) {
		this.#sql = sql
	}

	/** Null when the document was never created. */
	load(): { document: DocumentRecord; current: StoredJob } | null {
		const tables = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'record'").toArray()
		if (tables.length === 0) return null
		const document = this.#get('document', 0)
		const current = this.#jobWhere('true')
		if (!document || !current) throw new Error('A document lacks its own rows')
		return { document: documentRecordSchema.parse(document), current }
	}

	create(document: DocumentRecord): void {
		this.#sql.exec(`CREATE TABLE record (
			kind TEXT NOT NULL, number INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (kind, number)
		) STRICT, WITHOUT ROWID`)
		this.#put('document', 0, document)
	}

	saveJob({ number, conversion }: StoredJob): void {
		this.#put('job', number, conversion)
	}

	savePack(job: number, fence: number, digest: string, index: PackIndex): void {
		this.#put('pack', fence, { job, digest, index } satisfies z.input<typeof packRecordSchema>)
	}

	/** The digest of the pack that was accepted under a fence, if one was. */
	packDigest(fence: number): string | null {
		const pack = this.#get('pack', fence)
		return pack === null ? null : packRecordSchema.parse(pack).digest
	}

	/** The packs of a job, by fence. */
	packs(job: number): StoredPack[] {
		return this.#sql
			.exec(
				`SELECT number, content FROM record WHERE kind = 'pack' AND json_extract(content, '$.job') = ?
				ORDER BY number`,
				job,
			)
			.toArray()
			.map(({ number, content }) => ({
				fence: z.int().parse(number),
				index: packRecordSchema.parse(fromJson(content)).index,
			}))
	}

	/** The job with this id, if the document ever had one. */
	job(id: string): StoredJob | null {
		return this.#jobWhere("json_extract(content, '$.job.id') = ?", id)
	}

	/** The newest job that was completed. */
	completedJob(): StoredJob | null {
		return this.#jobWhere("json_extract(content, '$.job.phase.status') = ?", 'completed')
	}

	/** @param condition SQL of this file, never of a caller */
	#jobWhere(condition: string, ...bindings: string[]): StoredJob | null {
		const query = `SELECT number, content FROM record WHERE kind = 'job' AND ${condition} ORDER BY number DESC LIMIT 1`
		const row = this.#sql.exec(query, ...bindings).toArray()[0]
		if (!row) return null
		return { number: z.int().parse(row.number), conversion: conversionSchema.parse(fromJson(row.content)) }
	}

	#get(kind: 'document' | 'pack', number: number): unknown {
		const query = 'SELECT content FROM record WHERE kind = ? AND number = ?'
		const row = this.#sql.exec(query, kind, number).toArray()[0]
		return row ? fromJson(row.content) : null
	}

	#put(kind: 'document' | 'job' | 'pack', number: number, content: object): void {
		this.#sql.exec(
			'INSERT INTO record VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET content = ?3',
			kind,
			number,
			JSON.stringify(content),
		)
	}
}

function fromJson(content: unknown): unknown {
	return JSON.parse(z.string().parse(content))
}
