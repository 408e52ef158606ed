/** What documents and converters say to the lineup, one step at a time. */
import type { Claimant } from '../../../src/core/gate.ts'
import type { Want } from '../../../src/core/lineup/entry.ts'
import { converterOf, ownerOf, priorityOf } from '../crowd.ts'
import type { Work } from '../orders.ts'
import type { BenchEnv } from './env.ts'

export type Lineup = ReturnType<BenchEnv['LINEUP']['get']>
type Step = (index: number) => Promise<unknown>
export type Claimed = Awaited<ReturnType<typeof claimSomebody>>

/** Of a document's words none comes later than its last. */
const LAST = 2 ** 52

/** What is done for each of the works. */
export function stepOf(work: Work, env: BenchEnv, lineup: string): Step {
	const object = lineupNamed(env, lineup)
	const bare = env.BARE.getByName(lineup)
	const steps: Record<Work, Step> = {
		bare: () => bare.write(crypto.randomUUID()),
		want: (index) => object.want(newcomer(index)),
		life: (index) => life(object, index),
		claim: (index) => object.claim(claimant(index)),
		overview: () => object.overview(),
	}
	return steps[work]
}

export function lineupNamed(env: BenchEnv, name: string): Lineup {
	return env.LINEUP.getByName(name)
}

export function newcomer(index: number): Want {
	return {
		documentId: crypto.randomUUID(),
		jobId: crypto.randomUUID(),
		owner: ownerOf(index),
		priority: priorityOf(index),
		format: 'application/pdf',
		want: 1,
		firstPageOut: false,
		seq: 1,
		watched: false,
	}
}

/** That a nudge brought each is the dearest case: where many wait, each such claim has the lineup send another. */
export function claimant(index: number, nudged = true): Claimant {
	return { converter: converterOf(index), nudged }
}

/** A small document comes, and whoever is next goes. */
async function life(object: Lineup, index: number): Promise<void> {
	await object.want(newcomer(index))
	await finish(object, await claimSomebody(object, index))
}

export async function claimSomebody(object: Lineup, index: number, nudged = true) {
	const claim = await object.claim(claimant(index, nudged))
	if (!claim) throw new Error('Somebody waits, and nobody was given')
	return { documentId: claim.documentId, jobId: claim.jobId }
}

/** One that was claimed has no work left. */
export async function finish(object: Lineup, claimed: Claimed): Promise<void> {
	await object.want({ ...newcomer(0), ...claimed, want: 0, seq: LAST })
}

/** One that was claimed says that it wants as much as before, so it stays where it is. */
export async function stay(object: Lineup, claimed: Claimed, seq: number): Promise<void> {
	await object.want({ ...newcomer(0), ...claimed, seq })
}
