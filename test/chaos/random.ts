/** Randomness that a seed repeats. */

export interface Random {
	/** A whole number from `lowest` to `highest`, both included. */
	whole(lowest: number, highest: number): number
	/** One of some; there must be one. */
	oneOf<T>(some: readonly T[]): T
	/** Whether something happens that happens with this probability. */
	chance(probability: number): boolean
	shuffled<T>(some: readonly T[]): T[]
}

/** mulberry32 by Tommy Ettinger: 32 bits of state, which is plenty for choosing. */
export function randomOf(seed: number): Random {
	let state = seed >>> 0

	function next(): number {
		state = (state + 0x6d2b79f5) >>> 0
		let mixed = Math.imul(state ^ (state >>> 15), state | 1)
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
	}

	const whole = (lowest: number, highest: number) => lowest + Math.floor(next() * (highest - lowest + 1))
	return {
		whole,
		chance: (probability) => next() < probability,
		oneOf(some) {
			const one = some[whole(0, some.length - 1)]
			if (one === undefined) throw new RangeError('There is nothing to choose from')
			return one
		},
		shuffled(some) {
			const cards = [...some]
			for (let last = cards.length - 1; last > 0; last--) {
				const other = whole(0, last)
				const [one, two] = [cards[last], cards[other]]
				if (one !== undefined && two !== undefined) [cards[last], cards[other]] = [two, one]
			}
			return cards
		},
	}
}
