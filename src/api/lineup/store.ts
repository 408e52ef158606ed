/** The lineup's rows: one for each job that waits. Everything else about it is memory that may be forgotten. */
import { z } from 'zod'
import type { Entry } from '../../core/lineup.ts'
import { prioritySchema } from '../../core/snapshot.ts'

const rowSchema = z
	.object({
		job_id: z.string(),
		document_id: z.string(),
		priority: prioritySchema,
		want: z.int(),
		seq: z.int(),
		sort_key: z.number(),
	})
	.transform(
		({ job_id, document_id, sort_key, ...rest }): Entry => ({
			...rest,
			jobId: job_id,
			documentId: document_id,
			key: sort_key,
		}),
	)

export class LineupStore {
	readonly #sql: SqlStorage

	constructor(sql: SqlStorage) {
		this.#sql = sql
		sql.exec(`CREATE TABLE IF NOT EXISTS waiting (
			document_id TEXT PRIMARY KEY, job_id TEXT NOT NULL, priority TEXT NOT NULL, want INTEGER NOT NULL,
			seq INTEGER NOT NULL, sort_key REAL NOT NULL
		) STRICT, WITHOUT ROWID`)
	}

	load(): Entry[] {
		return this.#sql
			.exec('SELECT * FROM waiting')
			.toArray()
			.map((row) => rowSchema.parse(row))
	}

	save(entry: Entry): void {
		this.#sql.exec(
			`INSERT INTO waiting VALUES (?1, ?2, ?3, ?4, ?5, ?6)
			ON CONFLICT (document_id) DO UPDATE SET job_id = ?2, priority = ?3, want = ?4, seq = ?5, sort_key = ?6`,
			entry.documentId,
			entry.jobId,
			entry.priority,
			entry.want,
			entry.seq,
			entry.key,
		)
	}

	delete(documentId: string): void {
		this.#sql.exec('DELETE FROM waiting WHERE document_id = ?', documentId)
	}
}
