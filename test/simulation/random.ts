/** Random numbers that a seed repeats for ever: sfc32 (Chris Doty-Humphrey, PractRand), seeded by splitmix32. */
export class Random {
	#a: number
	#b: number
	#c: number
	#counter = 1

	constructor(seed: number) {
		let state = seed >>> 0
		const next = () => {
			state = (state + 0x9e3779b9) | 0
			let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
			mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
			return mixed ^ (mixed >>> 15)
		}
		this.#a = next()
		this.#b = next()
		this.#c = next()
		for (let round = 0; round < 12; round++) this.next()
	}

	/** From 0 (inclusive) to 1 (exclusive). */
	next(): number {
		const sum = (this.#a + this.#b + this.#counter) | 0
		this.#counter = (this.#counter + 1) | 0
		this.#a = this.#b ^ (this.#b >>> 9)
		this.#b = (this.#c + (this.#c << 3)) | 0
		this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
		return (sum >>> 0) / 0x1_0000_0000
	}

	chance(probability: number): boolean {
		return this.next() < probability
	}

	/** A whole number, both ends included. */
	between(least: number, most: number): number {
		return least + Math.floor(this.next() * (most - least + 1))
	}

	pick<T>(choices: readonly T[]): T {
		return choices[this.between(0, choices.length - 1)] as T
	}
}
