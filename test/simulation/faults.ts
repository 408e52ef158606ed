/** How bad a world is: drawn once a seed, so that some are nearly quiet and others terrible. They end at `until`. */
import type { Random } from './random.ts'
import type { World } from './world.ts'

export interface Faults {
	/** Nothing is wrong but with some documents. */
	calm: boolean
	/** Milliseconds from the beginning; after that everything works. */
	until: number
	/** Probabilities, each per message. */
	lostRequest: number
	lostAnswer: number
	doubled: number
	slow: number
	/** Per step of whoever keeps state, before and after it is written down. */
	crash: number
	/** Per pack, when it is stored and nobody knows yet. */
	gateDies: number
	/** Per step of a converter. */
	converterDies: number
	converterSleeps: number
	/** Per lease: it says what is not so, or does not listen. */
	liars: number
	/** Per page. */
	pageFails: number
	/** Per lease. */
	leaseFails: number
	/** The history and the bucket may be away for a while. */
	away: number
	clockJumps: number
	/** Per alarm that rings. */
	alarmsLost: number
	queuePauses: number
	/** An operator pauses the lineup. */
	pauses: number
}

export function drawFaults(random: Random): Faults {
	/** Half of the faults are not there at all, so that each is also seen alone. */
	const some = (most: number) => (random.chance(0.5) ? 0 : random.next() ** 2 * most)
	const calm = random.chance(0.15)
	const each = calm ? () => 0 : some
	const clockJumps = each(0.5)
	return {
		calm,
		// Some last until what was left behind at their beginning is swept.
		until: random.chance(0.05) ? random.between(3_500_000, 4_200_000) : random.between(20_000, 400_000),
		lostRequest: each(0.2),
		lostAnswer: each(0.2),
		doubled: each(0.2),
		slow: each(0.3),
		crash: each(0.05),
		gateDies: each(0.3),
		converterDies: each(0.1),
		converterSleeps: each(0.05),
		pageFails: each(0.1),
		leaseFails: each(0.2),
		away: each(0.6),
		clockJumps,
		// Both together are only healed once the clock has come to where it was.
		alarmsLost: clockJumps > 0 ? 0 : each(0.3),
		liars: each(0.1),
		queuePauses: each(0.5),
		pauses: each(0.5),
	}
}

/** Whether a fault strikes now. */
export function strikes(world: World, faults: Faults, probability: number): boolean {
	return probability > 0 && world.time < faults.until && world.random.chance(probability)
}
