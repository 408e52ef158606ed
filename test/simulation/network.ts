/** Calls between parts: either way may be lost, doubled or slow, and whoever asks waits for so long only. */
import { type Faults, strikes } from './faults.ts'
import type { World } from './world.ts'

export type Answer<T> = { answered: true; value: T } | { answered: false }

/** Thrown by whoever dies over a call: the caller hears nothing. */
export class Crash extends Error {}

export class Network {
	readonly #world: World
	readonly #faults: Faults

	constructor(world: World, faults: Faults) {
		this.#world = world
		this.#faults = faults
	}

	/**
	 * @param deadline milliseconds
	 * @param then is called once, with the answer or the lack of one
	 */
	call<T>(deadline: number, handle: () => T, then: (answer: Answer<T>) => void): void {
		const world = this.#world
		const faults = this.#faults
		let settled = false
		const settle = (answer: Answer<T>) => {
			if (settled) return
			settled = true
			then(answer)
		}
		const deliver = () => {
			let value: T
			try {
				value = handle()
			} catch (error) {
				if (!(error instanceof Crash)) throw error
				// A connection that breaks is noticed at once, or when patience ends.
				if (world.random.chance(0.5)) settle({ answered: false })
				return
			}
			if (strikes(world, faults, faults.lostAnswer)) return
			world.after(this.#latency(), () => settle({ answered: true, value }))
		}
		if (!strikes(world, faults, faults.lostRequest)) world.after(this.#latency(), deliver)
		// A late twin may come long after its caller has gone on.
		if (strikes(world, faults, faults.doubled)) world.after(this.#latency() + world.random.between(0, 5_000), deliver)
		world.after(deadline, () => settle({ answered: false }))
	}

	#latency(): number {
		const world = this.#world
		if (strikes(world, this.#faults, this.#faults.slow)) return world.random.between(100, 40_000)
		return world.random.between(1, 20)
	}
}
