/**
 * How many documents of an owner wait, as far as one isolate knows. It is a brake and not an account: each isolate counts
 * what it let in itself, and asks the lineup now and then.
 */

/** While there is room, the lineup is asked this often at most. Milliseconds. */
const ASKED_EVERY = 10_000
/** … and while it gets narrow. */
const ASKED_EVERY_WHEN_NARROW = 1_000
const OWNERS_KNOWN = 10_000

interface Known {
	/** As the lineup said. */
	count: number
	/** Let in since it was asked for that. */
	added: number
	/** When it was last asked, in milliseconds since the epoch. */
	askedAt: number
}

/**
 * - `go`: there is room.
 * - `go and ask`: there is room, and it is time to ask again; nobody need wait for the answer.
 * - `ask`: whether there is room, only the lineup knows.
 */
export type Judgement = 'go' | 'go and ask' | 'ask'

export class WaitingCounts {
	readonly #owners = new Map<string, Known>()

	/** Whether another document of this owner's may wait. @param limit how many may */
	judge(owner: string, limit: number, now: number): Judgement {
		const known = this.#owners.get(owner)
		if (!known) return 'go and ask'
		const { count, added, askedAt } = known
		const since = now - askedAt
		if (count + added <= limit / 2) return since >= 0 && since < ASKED_EVERY ? 'go' : 'go and ask'
		// Nobody is refused by guess.
		const isRecent = since >= 0 && since < ASKED_EVERY_WHEN_NARROW
		return count + added < limit && isRecent ? 'go' : 'ask'
	}

	/** The lineup is being asked. @returns what to give to {@link heard} with its answer */
	asks(owner: string, now: number): number {
		const known = this.#owners.get(owner) ?? { count: 0, added: 0, askedAt: now }
		this.#keep(owner, { ...known, askedAt: now })
		return known.added
	}

	/** The lineup has answered. @param addedBefore those that were let in before it was asked are in its count */
	heard(owner: string, count: number, addedBefore: number): void {
		const known = this.#owners.get(owner)
		if (known) this.#keep(owner, { ...known, count, added: Math.max(0, known.added - addedBefore) })
	}

	/** Another document of this owner's was let in. */
	added(owner: string): void {
		const known = this.#owners.get(owner)
		if (known) this.#keep(owner, { ...known, added: known.added + 1 })
	}

	#keep(owner: string, known: Known): void {
		this.#owners.delete(owner)
		this.#owners.set(owner, known)
		const eldest = this.#owners.keys().next().value
		if (this.#owners.size > OWNERS_KNOWN && eldest !== undefined) this.#owners.delete(eldest)
	}
}
