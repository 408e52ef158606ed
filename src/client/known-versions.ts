/** Which version of each document's conversion was seen last, so that nobody is shown an older one later. */
import type { Snapshot } from '../core/snapshot.ts'

const DOCUMENTS_KEPT = 1_000

export class KnownVersions {
	/** Whoever was heard of last is last. */
	readonly #versions = new Map<string, number>()

	/** @returns the snapshot as it is */
	heard(snapshot: Snapshot): Snapshot {
		const { documentId, version } = snapshot
		const highest = Math.max(version, this.#versions.get(documentId) ?? 0)
		this.#versions.delete(documentId)
		this.#versions.set(documentId, highest)
		const eldest = this.#versions.keys().next().value
		if (this.#versions.size > DOCUMENTS_KEPT && eldest !== undefined) this.#versions.delete(eldest)
		return snapshot
	}

	/** Undefined when nothing is known of the document. */
	of(documentId: string): number | undefined {
		return this.#versions.get(documentId)
	}
}
