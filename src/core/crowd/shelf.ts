/**
 * Answers that are kept for a short while, so that many who ask the same are told the same. Bounded by number and by
 * bytes; whoever was not asked for longest goes first. It has no clock: times come in.
 */
interface Kept<T> {
	value: T
	/** Milliseconds since the epoch. */
	askedAt: number
	bytes: number
}

export interface ShelfLimits {
	entries: number
	/** In all. What alone would take half of it is not kept. */
	bytes: number
	/** Milliseconds. */
	keptFor: number
}

export class Shelf<T> {
	readonly #limits: ShelfLimits
	/** Whoever was asked for last is last. */
	readonly #kept = new Map<string, Kept<T>>()
	#bytes = 0

	constructor(limits: ShelfLimits) {
		this.#limits = limits
	}

	get size(): number {
		return this.#kept.size
	}

	/** What is kept in all, in bytes. */
	get bytes(): number {
		return this.#bytes
	}

	/** Null when there is nothing, or nothing young enough. */
	get(key: string, now: number): T | null {
		const kept = this.#kept.get(key)
		if (!kept) return null
		if (!isYoung(kept.askedAt, now, this.#limits.keptFor)) {
			this.drop(key)
			return null
		}
		this.#kept.delete(key)
		this.#kept.set(key, kept)
		return kept.value
	}

	/**
	 * @param askedAt when the question was sent: the answer may be as old as that
	 * @param bytes about what it takes
	 */
	put(key: string, value: T, askedAt: number, bytes: number): void {
		this.drop(key)
		if (bytes > this.#limits.bytes / 2) return
		this.#kept.set(key, { value, askedAt, bytes })
		this.#bytes += bytes
		for (const eldest of this.#kept.keys()) {
			if (this.#kept.size <= this.#limits.entries && this.#bytes <= this.#limits.bytes) break
			this.drop(eldest)
		}
	}

	drop(key: string): void {
		const kept = this.#kept.get(key)
		if (!kept) return
		this.#kept.delete(key)
		this.#bytes -= kept.bytes
	}
}

/** Whether something of that time may still be shown. What lies ahead, a clock has said that was put back since. */
export function isYoung(askedAt: number, now: number, keptFor: number): boolean {
	return askedAt <= now && now < askedAt + keptFor
}
