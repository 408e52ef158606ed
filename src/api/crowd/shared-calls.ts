/**
 * Calls to objects that many requests of one isolate wait for.
 *
 * No promise is shared, since workerd ties each to the request it came from: when that request ends first, whoever else
 * waits for it hangs for good, and without the compatibility flag `handle_cross_request_promise_resolution` (so in the
 * tests' runner) always. So whoever makes the call keeps their own request alive for it and leaves the outcome here; the
 * others look after it by timers of their own, and none for longer than {@link FOLLOWED_FOR}.
 */

/** Milliseconds that others wait for somebody else's call before they make their own. */
const FOLLOWED_FOR = 2_000
/** They look after it sooner at first, and this often in the end. Milliseconds. */
const FIRST_LOOK_AFTER = 1
const LOOKS_EVERY = 16

type Outcome<T> = { ok: true; value: T } | { ok: false; error: unknown }

export interface SharedCall<T> {
	/** Rises with every call of this isolate: what began later has a higher one. */
	readonly number: number
	/** Milliseconds since the epoch. */
	readonly askedAt: number
	/** Null until there is one. */
	outcome: Outcome<T> | null
}

/** Keeps a request alive until a promise is settled: its `waitUntil`. */
export type KeepAlive = (promise: Promise<unknown>) => void

export class SharedCalls<T> {
	/** The newest of each key. */
	readonly #underWay = new Map<string, SharedCall<T>>()
	#newest = 0

	/** Number of the newest call, of whatever key. */
	get newest(): number {
		return this.#newest
	}

	/** The newest call for this key that nobody has an answer to yet. */
	underWay(key: string): SharedCall<T> | null {
		return this.#underWay.get(key) ?? null
	}

	/**
	 * Makes a call, for whoever comes meanwhile as well.
	 *
	 * @param onAnswer is told the answer, unless the call was disowned meanwhile or another took its place
	 * @throws what the call throws
	 */
	async lead(
		key: string,
		askedAt: number,
		call: () => Promise<T>,
		keepAlive: KeepAlive,
		onAnswer: (value: T) => void,
	): Promise<T> {
		this.#newest += 1
		const shared: SharedCall<T> = { number: this.#newest, askedAt, outcome: null }
		this.#underWay.set(key, shared)
		const settled = outcomeOf(call()).then((outcome) => {
			if (this.#underWay.get(key) === shared) {
				this.#underWay.delete(key)
				if (outcome.ok) onAnswer(outcome.value)
			}
			shared.outcome = outcome
			return outcome
		})
		keepAlive(settled)
		return resultOf(await settled)
	}

	/**
	 * Waits for somebody else's call.
	 *
	 * @returns null when nothing was heard of it
	 * @throws what the call throws
	 */
	async follow(key: string, shared: SharedCall<T>): Promise<T | null> {
		let pause = FIRST_LOOK_AFTER
		for (let waited = 0; waited < FOLLOWED_FOR; waited += pause) {
			await new Promise((resolve) => setTimeout(resolve, pause))
			if (shared.outcome) return resultOf(shared.outcome)
			pause = Math.min(LOOKS_EVERY, pause * 2)
		}
		// The first to give up leaves the way free for another call.
		if (this.#underWay.get(key) === shared) this.#underWay.delete(key)
		return null
	}

	/** Nobody joins the call that is under way from now on: what it answers may be out of date. */
	disown(key: string): void {
		this.#underWay.delete(key)
	}
}

function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
	return promise.then(
		(value) => ({ ok: true, value }),
		(error: unknown) => ({ ok: false, error }),
	)
}

function resultOf<T>(outcome: Outcome<T>): T {
	if (outcome.ok) return outcome.value
	throw outcome.error
}
