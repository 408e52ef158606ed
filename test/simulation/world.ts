/**
 * Virtual time: one queue of what is to happen, one source of randomness, and a record of what did.
 *
 * Everything that happens is an event of this queue, so a crash can come between any two of them, and a seed says it all.
 */
import { Random } from './random.ts'
import { Violation } from './violation.ts'

interface Planned {
	at: number
	/** Keeps what is planned for the same time in the order in which it was planned. */
	order: number
	run: () => void
}

export class World {
	readonly random: Random
	/** Milliseconds since the world began. */
	time = 0
	/** How far clocks are off: they may be put forward or back. Milliseconds. */
	skew = 0
	events = 0
	/** Changes with everything that happens, so that two runs can be compared. */
	hash = 0x811c9dc5
	readonly #queue: Planned[] = []
	readonly #trace: ((line: string) => void) | null
	#order = 0

	constructor(seed: number, trace: ((line: string) => void) | null = null) {
		this.random = new Random(seed)
		this.#trace = trace
	}

	/** What a clock shows. Milliseconds since the epoch. */
	clock(): number {
		return 1_700_000_000_000 + this.time + this.skew
	}

	after(delay: number, run: () => void): void {
		const planned = { at: this.time + Math.max(0, delay), order: this.#order++, run }
		const queue = this.#queue
		let index = queue.push(planned) - 1
		while (index > 0) {
			const parent = (index - 1) >> 1
			if (!isBefore(planned, queue[parent] as Planned)) break
			queue[index] = queue[parent] as Planned
			index = parent
		}
		queue[index] = planned
	}

	/** Runs until nothing is planned any more. @param most events, as a bound on what never comes to rest */
	run(most: number): void {
		for (let next = this.#shift(); next; next = this.#shift()) {
			this.time = next.at
			this.events += 1
			if (this.events > most) throw new Violation('rest', `it does not come to rest in ${most} events`)
			next.run()
		}
	}

	/** @param what is called only when somebody reads along; the code is what the hash sees */
	say(who: string, code: number, what: () => string): void {
		this.hash = Math.imul(this.hash ^ (code + this.time), 0x01000193) >>> 0
		this.#trace?.(`${formatTime(this.time)}  ${who.padEnd(12)} ${what()}`)
	}

	#shift(): Planned | undefined {
		const queue = this.#queue
		const first = queue[0]
		const last = queue.pop()
		if (!first || !last || queue.length === 0) return first
		let index = 0
		for (;;) {
			let child = 2 * index + 1
			if (child >= queue.length) break
			if (child + 1 < queue.length && isBefore(queue[child + 1] as Planned, queue[child] as Planned)) child += 1
			if (!isBefore(queue[child] as Planned, last)) break
			queue[index] = queue[child] as Planned
			index = child
		}
		queue[index] = last
		return first
	}
}

function isBefore(one: Planned, other: Planned): boolean {
	return one.at < other.at || (one.at === other.at && one.order < other.order)
}

function formatTime(time: number): string {
	const seconds = time / 1000
	return seconds < 36_000 ? `${seconds.toFixed(3).padStart(10)} s` : `${(seconds / 3600).toFixed(2).padStart(10)} h`
}
