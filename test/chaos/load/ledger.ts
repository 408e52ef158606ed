/**
 * What the service has promised and what it has said since. Only what was answered 2xx counts as promised: whether a
 * request whose answer got lost was carried out, nobody can know.
 */
import { PlatenError } from '../../../src/client/error.ts'
import { parseRanges, rangeLength } from '../../../src/core/pages.ts'
import { isSettled, type Snapshot } from '../../../src/core/snapshot.ts'
import type { Violation, ViolationKind } from '../violation.ts'

interface Heard {
	snapshot: Snapshot
	/** On the clock of `performance.now`. */
	heardAt: number
}

export class Ledger {
	readonly violations: Violation[] = []
	/** Jobs whose start was answered, and their documents. */
	readonly promised = new Map<string, string>()
	/** How jobs ended, as it was first heard, by id. */
	readonly endings = new Map<string, Heard>()
	/** Documents whose erasure was answered, and when. */
	readonly erased = new Map<string, number>()
	/** Documents that somebody wanted to erase: they may be there or not. */
	readonly #leaving = new Set<string>()
	/** The newest that was heard of each document. */
	readonly #latest = new Map<string, Heard>()

	/** Asks for a start or a retry; once it is answered, that is a promise. */
	async start(ask: () => Promise<Snapshot>): Promise<Snapshot> {
		const snapshot = await this.hear(ask)
		if (snapshot.jobId !== null) this.promised.set(snapshot.jobId, snapshot.documentId)
		return snapshot
	}

	/** Asks for an erasure; from now on nobody is to do anything with this document. */
	async erase(documentId: string, ask: () => Promise<void>): Promise<void> {
		this.#leaving.add(documentId)
		this.#latest.delete(documentId)
		await ask()
		this.erased.set(documentId, performance.now())
	}

	/** Asks how a document is doing. */
	async hear(ask: () => Promise<Snapshot>): Promise<Snapshot> {
		const askedAt = performance.now()
		const snapshot = await ask()
		const heard = { snapshot, heardAt: performance.now() }
		const { documentId, jobId } = snapshot
		// Of two questions that crossed, neither has to be answered first.
		const isLater = (time: number | undefined) => time !== undefined && time < askedAt
		if (isLater(this.erased.get(documentId))) {
			this.#violated('went back', `document ${documentId} was erased and is there again`)
		}
		const before = this.#latest.get(documentId)
		if (before && isLater(before.heardAt)) this.#compare(before.snapshot, snapshot)
		if (!this.#leaving.has(documentId) && (!before || snapshot.version >= before.snapshot.version)) {
			this.#latest.set(documentId, heard)
		}
		if (jobId === null) return snapshot
		const ended = this.endings.get(jobId)
		if (ended && isLater(ended.heardAt) && ending(ended.snapshot) !== ending(snapshot)) {
			const says = `ended as ${ending(ended.snapshot)}, and later was ${ending(snapshot)}`
			this.#violated('completed twice', `job ${jobId} ${says}`)
		}
		if (!ended && isSettled(snapshot.status)) this.endings.set(jobId, heard)
		return snapshot
	}

	/** The same, of a document that must be there. */
	async hearOf(documentId: string, ask: () => Promise<Snapshot>): Promise<Snapshot> {
		try {
			return await this.hear(ask)
		} catch (error) {
			const isGone = error instanceof PlatenError && error.status === 404
			if (isGone && !this.#leaving.has(documentId)) this.#violated('lost', `document ${documentId} is not there`)
			throw error
		}
	}

	/** The same upload was answered twice. */
	repeated(first: Snapshot, second: Snapshot): void {
		if (first.documentId === second.documentId) return
		this.#violated('completed twice', `one upload made document ${first.documentId} and ${second.documentId}`)
	}

	/** The newest that is known of each document, where it is like this. */
	those(which: (snapshot: Snapshot) => boolean): Snapshot[] {
		return [...this.#latest.values()].map(({ snapshot }) => snapshot).filter(which)
	}

	/** Documents whose newest job has not ended. */
	unsettled(): Snapshot[] {
		return this.those(({ status }) => status !== 'none' && !isSettled(status))
	}

	#compare(before: Snapshot, now: Snapshot): void {
		const says = `document ${now.documentId} said ${described(before)}, then ${described(now)}`
		if (now.version < before.version) this.#violated('went back', says)
		if (now.version === before.version && described(now) !== described(before)) this.#violated('went back', says)
		if (now.jobId !== before.jobId) return
		if (now.progress < before.progress || readyPages(now) < readyPages(before)) this.#violated('went back', says)
	}

	#violated(kind: ViolationKind, text: string): void {
		this.violations.push({ kind, text })
	}
}

function ending({ status, completedAt, failure, readyPages: ready }: Snapshot): string {
	return `${status} at ${completedAt}${failure ? ` (${failure.code})` : ''}, pages ${ready || 'none'}`
}

function described({ version, jobId, status, progress, readyPages: ready }: Snapshot): string {
	return `version ${version}: ${status}, ${progress} %, pages ${ready || 'none'}, job ${jobId}`
}

function readyPages({ readyPages: text }: Snapshot): number {
	return (parseRanges(text) ?? []).reduce((sum, range) => sum + rangeLength(range), 0)
}
