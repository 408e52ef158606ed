/**
 * Those who wait, kept in their order: a sorted list, so that the next is at its head and a position is an index. To move
 * one of 10,000 costs microseconds (a search and one move of memory), which a tree would not better at such sizes.
 */

import { prioritySchema } from '../snapshot.ts'
import type { Entry } from './entry.ts'
import { compareEntries, type Standing } from './order.ts'

interface OwnerLine {
	waiting: number
	/** The latest arrival since the owner has had somebody waiting. */
	last: number
}

export class Line {
	readonly #sorted: Entry[] = []
	readonly #byDocument = new Map<string, Entry>()
	/** By owner and priority. */
	readonly #owners = new Map<string, OwnerLine>()
	#places = 0

	/** In their order. */
	get entries(): readonly Entry[] {
		return this.#sorted
	}

	get size(): number {
		return this.#sorted.length
	}

	/** Converters that are wanted in all. */
	get places(): number {
		return this.#places
	}

	of(documentId: string): Entry | undefined {
		return this.#byDocument.get(documentId)
	}

	/** Takes the place of what was there of the same document. */
	put(entry: Entry): void {
		this.remove(entry.documentId)
		this.#sorted.splice(this.indexOf(entry), 0, entry)
		this.#byDocument.set(entry.documentId, entry)
		this.#places += entry.want
		const owner = this.#owners.get(ownerKey(entry)) ?? { waiting: 0, last: entry.arrival }
		this.#owners.set(ownerKey(entry), {
			waiting: owner.waiting + 1,
			last: Math.max(owner.last, entry.arrival),
		})
	}

	remove(documentId: string): boolean {
		const entry = this.#byDocument.get(documentId)
		if (!entry) return false
		this.#sorted.splice(this.indexOf(entry), 1)
		this.#byDocument.delete(documentId)
		this.#places -= entry.want
		const owner = this.#owners.get(ownerKey(entry))
		if (owner && owner.waiting > 1) this.#owners.set(ownerKey(entry), { ...owner, waiting: owner.waiting - 1 })
		else this.#owners.delete(ownerKey(entry))
		return true
	}

	/** The latest arrival of an owner's with this priority; null when none of them waits. */
	lastOfOwner(entry: Pick<Entry, 'owner' | 'priority'>): number | null {
		return this.#owners.get(ownerKey(entry))?.last ?? null
	}

	/** How many documents of an owner wait, of all priorities. */
	waitingOf(owner: string): number {
		return prioritySchema.options.reduce(
			(sum, priority) => sum + (this.#owners.get(ownerKey({ owner, priority }))?.waiting ?? 0),
			0,
		)
	}

	/** Where an entry stands, or would if it came; from 0. */
	indexOf(entry: Standing): number {
		let low = 0
		let high = this.#sorted.length
		while (low < high) {
			const middle = (low + high) >>> 1
			const other = this.#sorted[middle]
			if (other && compareEntries(other, entry) < 0) low = middle + 1
			else high = middle
		}
		return low
	}
}

function ownerKey({ owner, priority }: Pick<Entry, 'owner' | 'priority'>): string {
	return `${priority} ${owner}`
}
