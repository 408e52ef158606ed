/** Which kills there will be: a seed gives the same ones again. */
import type { Choice } from './control.ts'
import { HALVES, type Half, POINTS } from './points.ts'
import { randomOf } from './random.ts'

export interface Kill {
	/** The process that is stopped. */
	half: Half
	/** What is killed: that process, or the other as well. */
	killed: readonly Half[]
	/** Where it is stopped; null for a kill at some time, whatever goes on. */
	choice: Choice | null
	/** When it is killed if it was not stopped before. Milliseconds from when the service is up. */
	within: number
}

/** One of so many kills is at some time rather than at a point. */
const AT_SOME_TIME = 5
/** Milliseconds. */
const LATEST = 2_000
/** A point that is not passed for so long will not be passed soon. Milliseconds. */
const PATIENCE = 3_000

/** Every point once, in an order of its own, then all of them again. */
export function planOf(kills: number, seed: number): Kill[] {
	const random = randomOf(seed)
	const plan: Kill[] = []
	let deck = random.shuffled(POINTS)
	while (plan.length < kills) {
		const both = random.chance(1 / 3)
		const killed = (half: Half) => (both ? HALVES : [half])
		if (plan.length % AT_SOME_TIME === AT_SOME_TIME - 1) {
			const half = random.oneOf(HALVES)
			plan.push({ half, killed: killed(half), choice: null, within: random.whole(0, LATEST) })
			continue
		}
		const point = deck.pop()
		if (!point) {
			deck = random.shuffled(POINTS)
			continue
		}
		const { half, name, upTo } = point
		plan.push({ half, killed: killed(half), choice: { point: name, nth: random.whole(1, upTo) }, within: PATIENCE })
	}
	return plan
}

/** Where a converter is at work on a chunk, and the API knows. */
const AT_WORK = ['gate.finish:begin', 'files.put(pack):after', 'gate.source:end', 'gate.opened:begin']

/**
 * Cuts a plan into rounds. The last kill of each ends everything while somebody is at work, since nothing disturbs how
 * that comes on again: it is what the time of recovery is taken from.
 */
export function roundsOf(plan: readonly Kill[], length: number): Kill[][] {
	return Array.from({ length: Math.ceil(plan.length / length) }, (_, index): Kill[] => {
		const round = plan.slice(index * length, (index + 1) * length)
		const point = AT_WORK[index % AT_WORK.length] ?? ''
		return [...round.slice(0, -1), { half: 'api', killed: HALVES, choice: { point, nth: 1 }, within: PATIENCE }]
	})
}
