/** I7: D1 and the lineup say what the objects say, once everybody was told. */
import type { Violation } from '../violation.ts'
import { activeJobOf, currentOf, type StoredDocument } from './document.ts'
import type { Row, Stored } from './stored.ts'

interface Table {
	name: string
	/** Names a row. */
	keyOf(row: Row): string
	/** The rows that a document must have, as far as they are looked at. */
	expected(document: StoredDocument): Row[]
	/** Columns that say how new a row is: they may be higher than the change that made it due. */
	age: string
}

const tables: Table[] = [
	{
		name: 'documents',
		keyOf: ({ id }) => String(id),
		expected(document) {
			const current = currentOf(document)
			if (!current) return []
			const { milestone, job, life } = current
			return [
				{
					id: document.id,
					sequence: milestone,
					status: job?.phase.status ?? 'none',
					total_pages: job?.totalPages ?? null,
					...(life.state === 'kept' && { erased_at: null }),
				},
			]
		},
		age: 'sequence',
	},
	{
		name: 'conversion_jobs',
		keyOf: ({ document_id: id, number }) => `${id} job ${number}`,
		expected: ({ id, conversions }) =>
			conversions.flatMap(({ job, number, milestone }) =>
				job === null
					? []
					: [
							{
								document_id: id,
								number,
								id: job.id,
								version: milestone * 1_000,
								status: job.phase.status,
								completed_at: job.phase.completedAt ?? null,
								total_pages: job.totalPages,
								failed_pages: job.failedPages.length,
								retry_count: job.retryCount,
							},
						],
			),
		age: 'version',
	},
]

export function differingRows({ documents, history, lineup }: Stored): Violation[] {
	return [
		...tables.flatMap((table) => differences(table, documents, history[table.name] ?? [])),
		...waitingInVain(documents, lineup),
	]
}

function differences(
	{ name, keyOf, expected, age }: Table,
	documents: readonly StoredDocument[],
	rows: Row[],
): Violation[] {
	const found = new Map(rows.map((row) => [keyOf(row), row]))
	const violations: Violation[] = []
	for (const wanted of documents.flatMap(expected)) {
		const key = keyOf(wanted)
		const row = found.get(key)
		found.delete(key)
		if (!row) {
			violations.push(differs(`${name} lacks ${key}: ${JSON.stringify(wanted)}`))
			continue
		}
		for (const [column, value] of Object.entries(wanted)) {
			const agrees = column === age ? Number(row[column]) >= Number(value) : row[column] === value
			if (!agrees) violations.push(differs(`${name} says of ${key} ${column} ${row[column]}, its object ${value}`))
		}
	}
	return [...violations, ...[...found.keys()].map((key) => differs(`${name} has ${key}, which no object knows`))]
}

/** An entry of a job that has ended would bring a converter that finds nothing to do. */
function waitingInVain(documents: readonly StoredDocument[], lineup: readonly Row[]): Violation[] {
	const active = new Set(documents.map((document) => activeJobOf(document)?.id))
	return lineup
		.filter(({ job_id: jobId }) => !active.has(String(jobId)))
		.map(({ job_id: jobId, want }) => differs(`the lineup wants ${want} for job ${jobId}, which has ended`))
}

function differs(text: string): Violation {
	return { kind: 'row differs', text }
}
