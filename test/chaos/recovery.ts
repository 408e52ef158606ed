/**
 * How long a kill delays those whom it hits: from the kill until the chunk that was being converted is done after all.
 */

import { LEASE_DURATION } from '../../src/core/job/rules/work.ts'
import { pageNumbers, parseRanges } from '../../src/core/pages.ts'
import { isSettled, type Snapshot } from '../../src/core/snapshot.ts'
import { activeJobOf, type StoredDocument } from './state/document.ts'

export interface Recovery {
	/** Told every snapshot that is heard after the kill. */
	heard(snapshot: Snapshot): void
	/** Milliseconds, one for each job that was hit and has come on. */
	durations(): number[]
}

/**
 * @param documents as the kill has left them
 * @param killedAt milliseconds since the epoch, as is
 * @param previousAt the kill before: a lease that is older had lost its converter then
 */
export function recoveryFrom(
	documents: readonly StoredDocument[],
	{ killedAt, previousAt }: { killedAt: number; previousAt: number },
): Recovery {
	const waiting = new Map<string, Set<number>>()
	for (const document of documents) {
		const job = activeJobOf(document)
		if (!job) continue
		for (const chunk of job.chunks) {
			if (chunk.state !== 'leased' || chunk.expiresAt - LEASE_DURATION <= previousAt) continue
			// After the second loss and later the retry policy makes it wait for longer, which is not this kill's doing.
			if (chunk.losses > 0) continue
			const pages = waiting.get(job.id) ?? new Set()
			for (const page of pageNumbers([chunk.pages])) pages.add(page)
			waiting.set(job.id, pages)
		}
	}
	const durations: number[] = []
	return {
		heard({ jobId, status, readyPages }) {
			const pages = jobId === null ? undefined : waiting.get(jobId)
			if (!jobId || !pages) return
			const hasMore = pageNumbers(parseRanges(readyPages) ?? []).some((page) => pages.has(page))
			if (!hasMore && !isSettled(status)) return
			waiting.delete(jobId)
			durations.push(Date.now() - killedAt)
		},
		durations: () => durations,
	}
}
