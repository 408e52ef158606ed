/** I1, I3: what was promised is kept, as the objects themselves have written it down. */
import type { Ledger } from '../load/ledger.ts'
import { count } from '../tally.ts'
import type { Violation } from '../violation.ts'
import { activeJobOf, currentOf, type StoredDocument, type StoredJob } from './document.ts'

/** To be asked once everything has settled: whoever is active then is so for good. */
export function brokenPromises(ledger: Ledger, documents: readonly StoredDocument[]): Violation[] {
	const jobs = jobsOf(documents)
	return [
		...[...ledger.promised].flatMap(([id, documentId]) =>
			jobs.has(id) ? [] : lost(`job ${id} of document ${documentId} was promised and is nowhere`),
		),
		...documents.flatMap((document) => {
			const job = activeJobOf(document)
			return job ? lost(`job ${job.id} of document ${document.id} is ${job.phase.status} for good`) : []
		}),
		...earlierJobsLeft(documents),
		...[...ledger.endings].flatMap(([id, { snapshot }]): Violation[] => {
			const { status, completedAt } = snapshot
			const phase = jobs.get(id)?.phase
			if (phase?.status === status && phase.completedAt === Date.parse(completedAt ?? '')) return []
			const says = `${phase?.status} at ${phase?.completedAt}`
			return [
				{ kind: 'completed twice', text: `job ${id} ended as ${status} at ${completedAt}, and its row says ${says}` },
			]
		}),
		...documents.flatMap((document): Violation[] =>
			ledger.erased.has(document.id) && currentOf(document)?.life.state !== 'erased'
				? [{ kind: 'went back', text: `document ${document.id} was erased, and is ${currentOf(document)?.life.state}` }]
				: [],
		),
	]
}

/** How the promised jobs ended, by status. */
export function endingsOf(ledger: Ledger, documents: readonly StoredDocument[]): Map<string, number> {
	const jobs = jobsOf(documents)
	const endings = new Map<string, number>()
	for (const id of ledger.promised.keys()) count(endings, jobs.get(id)?.phase.status ?? 'nowhere')
	return endings
}

/** All jobs there ever were, by id. */
function jobsOf(documents: readonly StoredDocument[]): Map<string, StoredJob> {
	const jobs = documents.flatMap(({ conversions }) => conversions.flatMap(({ job }) => job ?? []))
	return new Map(jobs.map((job) => [job.id, job]))
}

/** I2: of a document's jobs only the newest may be active. */
function earlierJobsLeft(documents: readonly StoredDocument[]): Violation[] {
	return documents.flatMap(({ id, conversions }) =>
		conversions
			.slice(0, -1)
			.filter(({ job }) => job && job.phase.completedAt === undefined)
			.flatMap(({ job }) => lost(`job ${job?.id} of document ${id} was given up for another and never ended`)),
	)
}

function lost(text: string): Violation[] {
	return [{ kind: 'lost', text }]
}
