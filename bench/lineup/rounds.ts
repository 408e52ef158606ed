/** What is measured with the running Worker. Everything takes turns, so that a slow moment of the machine hits all of it. */
import { median } from './figures.ts'
import { type Answers, requestsFor, type Work, works } from './orders.ts'
import type { BenchService } from './service.ts'

export const IN_FLIGHT = [16, 64, 256] as const
type InFlight = (typeof IN_FLIGHT)[number]

/** Of each work, in a round. */
const REQUESTS = 900
const CROWD = 10_000
const FEW = 10
/** Times ten claims, in a round. */
const CLAIMS = 60
const RESTARTS = 3
/** No further round begins after so long. Milliseconds. */
const ROUNDS_WITHIN = 30_000

/** Requests a second, by what was done and how many were in flight. */
export type Rates = Record<Work, Record<InFlight, number>>

/** With lineups that are empty at first. */
export async function measureRates(service: BenchService, rounds: number): Promise<Rates> {
	await rate(service, 'life', 64, 'warm-up')
	return await rounded(rounds, works, async (work, inFlight, round) => {
		const lineup = `${work}-${inFlight}-${round}`
		const measured = await rate(service, work, inFlight, lineup)
		await service.order({ type: 'rest', lineup })
		return measured
	})
}

export interface Crowded {
	rates: Rates
	/** Milliseconds that ten took: of converters that go on, and of those that a nudge brought. */
	claims: Record<'going on' | 'nudged', { few: number[]; crowd: number[] }>
	rows: Answers['rows']
	/** How long the first claim of a new process took, in milliseconds. */
	first: { empty: number; crowd: number; waiting: number }
}

/** With 10,000 who wait. */
export async function measureCrowd(service: BenchService, rounds: number): Promise<Crowded> {
	await service.order({ type: 'work', work: 'want', lineup: 'crowd', count: CROWD, inFlight: 64 })
	await service.order({ type: 'work', work: 'want', lineup: 'few', count: FEW, inFlight: 1 })
	const rates = await rounded(rounds, ['bare', 'life', 'overview'], (work, inFlight) =>
		rate(service, work, inFlight, 'crowd'),
	)
	const claims = await measureClaims(service, rounds)
	const rows = await service.order({ type: 'rows', lineup: 'crowd' })
	return { rates, claims, rows, first: await measureFirst(service) }
}

async function measureClaims(service: BenchService, rounds: number): Promise<Crowded['claims']> {
	const claims: Crowded['claims'] = { 'going on': { few: [], crowd: [] }, nudged: { few: [], crowd: [] } }
	for (let round = 0; round < rounds; round++) {
		for (const how of ['going on', 'nudged'] as const) {
			for (const lineup of ['few', 'crowd'] as const) {
				const order = { type: 'claims', lineup, count: CLAIMS, nudged: how === 'nudged' } as const
				claims[how][lineup].push(...(await service.order(order)))
			}
		}
	}
	return claims
}

async function measureFirst(service: BenchService): Promise<Crowded['first']> {
	await service.order({ type: 'work', work: 'claim', lineup: 'empty', count: 1, inFlight: 1 })
	const empty: number[] = []
	const crowd: number[] = []
	let waiting = 0
	for (let restart = 0; restart < RESTARTS; restart++) {
		await service.restart()
		// What the process does for the first time is no object's own.
		await service.order({ type: 'first', lineup: 'few' })
		empty.push((await service.order({ type: 'first', lineup: 'empty' })).ms)
		const answer = await service.order({ type: 'first', lineup: 'crowd' })
		crowd.push(answer.ms)
		waiting = answer.waiting
	}
	return { empty: median(empty), crowd: median(crowd), waiting }
}

async function rate(service: BenchService, work: Work, inFlight: InFlight, lineup: string): Promise<number> {
	const count = REQUESTS / requestsFor[work]
	const ms = await service.order({ type: 'work', work, lineup, count, inFlight })
	return (REQUESTS / ms) * 1000
}

/** Medians of several rounds. */
async function rounded(
	rounds: number,
	some: readonly Work[],
	measure: (work: Work, inFlight: InFlight, round: number) => Promise<number>,
): Promise<Rates> {
	const measured = new Map<string, number[]>()
	const deadline = performance.now() + ROUNDS_WITHIN
	for (let round = 0; round < rounds; round++) {
		if (round > 0 && performance.now() > deadline) {
			console.log(`\n${round} of ${rounds} rounds: this machine is slow now.`)
			break
		}
		for (const inFlight of IN_FLIGHT) {
			for (const work of some) {
				const key = `${work} ${inFlight}`
				measured.set(key, [...(measured.get(key) ?? []), await measure(work, inFlight, round)])
			}
		}
	}
	const byInFlight = (work: Work) =>
		Object.fromEntries(IN_FLIGHT.map((inFlight) => [inFlight, median(measured.get(`${work} ${inFlight}`) ?? [])]))
	return Object.fromEntries(works.map((work) => [work, byInFlight(work)])) as Rates
}
