/** The lineup's rows: one for each job that waits, and a pause. Everything else about it is memory that may be forgotten. */
import { z } from 'zod'
import type { Entry } from '../../core/lineup/entry.ts'
import type { Pause } from '../../core/lineup/lineup.ts'
import { prioritySchema } from '../../core/snapshot.ts'

const rowSchema = z
	.object({
		document_id: z.string(),
		job_id: z.string(),
		owner: z.string(),
		priority: prioritySchema,
		format: z.string(),
		want: z.int(),
		first_page_out: z.int().transform(Boolean),
		seq: z.int(),
		arrival: z.number(),
	})
	.transform(
		({ document_id, job_id, first_page_out, ...rest }): Entry => ({
			...rest,
			documentId: document_id,
			jobId: job_id,
			firstPageOut: first_page_out,
		}),
	)

const pauseSchema = z.object({ since: z.number(), by: z.string() })

export class LineupStore {
	readonly #sql: SqlStorage

	constructor(sql: SqlStorage) {
		this.#sql = sql
		sql.exec(`CREATE TABLE IF NOT EXISTS line (
			document_id TEXT PRIMARY KEY, job_id TEXT NOT NULL, owner TEXT NOT NULL, priority TEXT NOT NULL,
			want INTEGER NOT NULL, first_page_out INTEGER NOT NULL, seq INTEGER NOT NULL, arrival REAL NOT NULL
		) STRICT, WITHOUT ROWID`)
		this.#addFormat()
		sql.exec(
			'CREATE TABLE IF NOT EXISTS pause (id INTEGER PRIMARY KEY, since INTEGER NOT NULL, by TEXT NOT NULL) STRICT',
		)
		this.#takeOver()
	}

	load(): Entry[] {
		return this.#sql
			.exec('SELECT * FROM line')
			.toArray()
			.map((row) => rowSchema.parse(row))
	}

	save(entry: Entry): void {
		this.#sql.exec(
			`INSERT INTO line (document_id, job_id, owner, priority, want, first_page_out, seq, arrival, format)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
			ON CONFLICT (document_id) DO UPDATE SET
			job_id = ?2, owner = ?3, priority = ?4, want = ?5, first_page_out = ?6, seq = ?7, arrival = ?8, format = ?9`,
			entry.documentId,
			entry.jobId,
			entry.owner,
			entry.priority,
			entry.want,
			entry.firstPageOut ? 1 : 0,
			entry.seq,
			entry.arrival,
			entry.format,
		)
	}

	delete(documentId: string): void {
		this.#sql.exec('DELETE FROM line WHERE document_id = ?', documentId)
	}

	/** Tables of earlier releases have no formats: they knew PDFs only. An earlier release that comes back adds PDFs. */
	#addFormat(): void {
		const query = "SELECT 1 FROM pragma_table_info('line') WHERE name = 'format'"
		if (this.#sql.exec(query).toArray().length > 0) return
		this.#sql.exec("ALTER TABLE line ADD COLUMN format TEXT NOT NULL DEFAULT 'application/pdf'")
	}

	/** The first release's table knew no owners, and kept the key instead of what it is made of. */
	#takeOver(): void {
		const query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'waiting'"
		if (this.#sql.exec(query).toArray().length === 0) return
		this.#sql.exec(`INSERT OR IGNORE INTO line
			(document_id, job_id, owner, priority, want, first_page_out, seq, arrival)
			SELECT document_id, job_id, '', priority, want, 0, seq,
			sort_key + CASE priority WHEN 'urgent' THEN 600000 WHEN 'high' THEN 120000 WHEN 'low' THEN -600000 ELSE 0 END
			FROM waiting`)
		this.#sql.exec('DROP TABLE waiting')
	}

	pause(): Pause | null {
		const row = this.#sql.exec('SELECT since, by FROM pause').toArray()[0]
		return row ? pauseSchema.parse(row) : null
	}

	savePause(pause: Pause | null): void {
		if (pause === null) this.#sql.exec('DELETE FROM pause')
		else this.#sql.exec('INSERT INTO pause VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING', pause.since, pause.by)
	}
}
