/**
 * A document's rows in its object's SQLite. One row a job holds the job's whole state, so an event costs one row; one
 * row a pack holds its index, written once.
 *
 * All kinds of record share a table: making a table costs two rows, which every document would pay for each. No table is
 * made before `reserve`, so asking for a guessed id stores nothing.
 */
import { z } from 'zod'
import { ANSWERS_KEPT } from '../../core/idempotency.ts'
import { type Conversion, conversionSchema, reserved } from '../../core/job/job.ts'
import type { PackReference } from '../../core/job/sweep.ts'
import { type PackIndex, packIndexSchema } from '../../core/pack.ts'
import { snapshotSchema } from '../../core/snapshot.ts'

const documentRecordSchema = z.object({
	id: z.string(),
	owner: z.object({ tenant: z.string(), sub: z.string() }),
	externalId: z.string().nullable(),
	/** JSON text of an object. */
	metadata: z.string().nullable().default(null),
	/** A digest of the idempotency key that came with the upload, when not the key but `externalId` made the id. */
	uploadKey: z.string().nullable().default(null),
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

/** What a command was answered with, kept under its idempotency key. */
const answerRecordSchema = z.object({
	fingerprint: z.string(),
	outcome: z.enum(['accepted', 'existing', 'cancelled', 'unchanged']),
	snapshot: snapshotSchema,
})
export type KeptAnswer = z.infer<typeof answerRecordSchema> & {
	/** Milliseconds since the epoch. */
	expiresAt: number
}

type Kind = 'document' | 'job' | 'pack' | `answer/${string}`

export class DocumentStore {
	readonly #sql: SqlStorage

	constructor(sql: SqlStorage) {
		this.#sql = sql
	}

	/** Null when nothing was ever sent to this document. */
	load(): { document: DocumentRecord; conversion: Conversion } | null {
		const tables = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'record'").toArray()
		if (tables.length === 0) return null
		const document = documentRecordSchema.parse(this.#get('document', 0))
		return { document, conversion: this.#jobWhere('true') ?? reserved(document.createdAt) }
	}

	/** Keeps a place for a document whose file is on its way: until its first job is saved it is no more than that. */
	reserve(document: DocumentRecord): void {
		this.#sql.exec(`CREATE TABLE record (
			kind TEXT NOT NULL, number INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (kind, number)
		) STRICT, WITHOUT ROWID`)
		this.#put('document', 0, document)
	}

	saveJob(conversion: Conversion): void {
		this.#put('job', conversion.number, conversion)
	}

	savePack(job: number, fence: number, digest: string, index: PackIndex): void {
		this.#put('pack', fence, { job, digest, index } satisfies z.input<typeof packRecordSchema>)
	}

	/** The digest of the pack that was accepted under a fence, if one was. */
	packDigest(fence: number): string | null {
		const pack = this.#get('pack', fence)
		return pack === null ? null : packRecordSchema.parse(pack).digest
	}

	/** The packs of some jobs, by fence. @param numbers the first and the last job's number */
	packs({ from, to }: { from: number; to: number }): StoredPack[] {
		return this.#sql
			.exec(
				`SELECT number, content FROM record
				WHERE kind = 'pack' AND json_extract(content, '$.job') BETWEEN ? AND ? ORDER BY number`,
				from,
				to,
			)
			.toArray()
			.map(({ number, content }) => ({
				fence: z.int().parse(number),
				index: packRecordSchema.parse(fromJson(content)).index,
			}))
	}

	/** Every pack that was accepted and not deleted. */
	packReferences(): PackReference[] {
		return this.#sql
			.exec("SELECT number AS fence, json_extract(content, '$.job') AS job FROM record WHERE kind = 'pack'")
			.toArray()
			.map((row) => z.object({ fence: z.int(), job: z.int() }).parse(row))
	}

	deletePacks(fences: readonly number[]): void {
		for (const fence of fences) this.#sql.exec("DELETE FROM record WHERE kind = 'pack' AND number = ?", fence)
	}

	/** The job with this id, if the document ever had one. */
	job(id: string): Conversion | null {
		return this.#jobWhere("json_extract(content, '$.job.id') = ?", id)
	}

	/** The job with this number. */
	jobNumbered(number: number): Conversion | null {
		return this.#jobWhere('number = ?', number)
	}

	/** The jobs with a lower number, newest first. */
	jobsBefore(number: number, limit: number): Conversion[] {
		return this.#sql
			.exec(
				`SELECT number, content FROM record
				WHERE kind = 'job' AND number BETWEEN 1 AND ? ORDER BY number DESC LIMIT ?`,
				number - 1,
				limit,
			)
			.toArray()
			.map(toConversion)
	}

	/** The newest job that was completed. */
	completedJob(): Conversion | null {
		return this.#jobWhere("json_extract(content, '$.job.phase.status') = ?", 'completed')
	}

	/** The jobs before the current one that ended after the history was last told, oldest first. */
	endedSince(sequence: number, before: number): Conversion[] {
		return this.#sql
			.exec(
				`SELECT number, content FROM record
				WHERE kind = 'job' AND number < ? AND json_extract(content, '$.milestone') > ? ORDER BY number`,
				before,
				sequence,
			)
			.toArray()
			.map(toConversion)
	}

	answer(key: string): KeptAnswer | null {
		const kind: Kind = `answer/${key}`
		const row = this.#sql
			.exec('SELECT number, content FROM record WHERE kind = ? ORDER BY number DESC', kind)
			.toArray()[0]
		return row ? { ...answerRecordSchema.parse(fromJson(row.content)), expiresAt: z.int().parse(row.number) } : null
	}

	saveAnswer(key: string, answer: z.infer<typeof answerRecordSchema>, now: number): void {
		// '0' is the character behind '/'.
		this.#sql.exec("DELETE FROM record WHERE kind > 'answer/' AND kind < 'answer0' AND number <= ?", now)
		this.#put(`answer/${key}`, now + ANSWERS_KEPT, answer)
	}

	/** Leaves of an erased document what its tombstone and the history need. */
	bury(tombstone: DocumentRecord): void {
		this.#sql.exec("DELETE FROM record WHERE kind = 'pack' OR (kind > 'answer/' AND kind < 'answer0')")
		this.#put('document', 0, tombstone)
	}

	/** @param condition SQL of this file, never of a caller */
	#jobWhere(condition: string, ...bindings: (string | number)[]): Conversion | null {
		const query = `SELECT number, content FROM record WHERE kind = 'job' AND ${condition} ORDER BY number DESC LIMIT 1`
		const row = this.#sql.exec(query, ...bindings).toArray()[0]
		return row ? toConversion(row) : null
	}

	#get(kind: Kind, number: number): unknown {
		const query = 'SELECT content FROM record WHERE kind = ? AND number = ?'
		const row = this.#sql.exec(query, kind, number).toArray()[0]
		return row ? fromJson(row.content) : null
	}

	#put(kind: Kind, number: number, content: object): void {
		this.#sql.exec(
			'INSERT INTO record VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET content = ?3',
			kind,
			number,
			JSON.stringify(content),
		)
	}
}

/** Older rows do not say their number themselves. */
function toConversion({ number, content }: Record<string, unknown>): Conversion {
	return conversionSchema.parse({ number, ...z.looseObject({}).parse(fromJson(content)) })
}

function fromJson(content: unknown): unknown {
	return JSON.parse(z.string().parse(content))
}
