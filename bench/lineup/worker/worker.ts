/**
 * The API Worker's objects as they are deployed, driven from inside: what is measured is the object and a call to it, not
 * HTTP. It all shares one thread with what Miniflare simulates, so an object of its own machine does better.
 */
import { type Answers, CLAIMS_AT_A_TIME, type Order } from '../orders.ts'
import type { BenchEnv } from './env.ts'
import {
	type Claimed,
	claimant,
	claimSomebody,
	finish,
	type Lineup,
	lineupNamed,
	newcomer,
	stay,
	stepOf,
} from './lives.ts'
import { takeRows } from './rows.ts'

export { DocumentObject, LineupObject } from '../../../src/api/worker.ts'
export { BareObject } from './bare.ts'

/** Documents whose rows are counted. */
const COUNTED = 50

export default {
	async fetch(request, env): Promise<Response> {
		return Response.json(await carryOut((await request.json()) as Order, env))
	},
} satisfies ExportedHandler<BenchEnv>

async function carryOut(order: Order, env: BenchEnv): Promise<Answers[keyof Answers]> {
	switch (order.type) {
		case 'work':
			return await timeAll(order.count, order.inFlight, stepOf(order.work, env, order.lineup))
		case 'claims':
			return await timeClaims(lineupNamed(env, order.lineup), order.count, order.nudged)
		case 'rows':
			return await rowsOfOne(env, order.lineup)
		case 'first':
			return await timeFirst(env, order.lineup)
		case 'rest':
			await lineupNamed(env, order.lineup).pause('bench')
			return null
	}
}

/** @returns milliseconds */
async function timeAll(count: number, inFlight: number, step: (index: number) => Promise<unknown>): Promise<number> {
	let next = 0
	const startedAt = performance.now()
	async function lane(): Promise<void> {
		while (next < count) await step(next++)
	}
	await Promise.all(Array.from({ length: inFlight }, lane))
	return performance.now() - startedAt
}

async function timeClaims(object: Lineup, count: number, nudged: boolean): Promise<number[]> {
	const times: number[] = []
	for (let batch = 0; batch < count; batch++) {
		const claimed: Claimed[] = []
		const startedAt = performance.now()
		while (claimed.length < CLAIMS_AT_A_TIME) claimed.push(await claimSomebody(object, claimed.length, nudged))
		times.push(performance.now() - startedAt)
		// Rises also from one order to the next.
		for (const each of claimed) await stay(object, each, Date.now() * 1000 + batch)
	}
	return times
}

async function rowsOfOne(env: BenchEnv, lineup: string): Promise<Answers['rows']> {
	const object = lineupNamed(env, lineup)
	await env.BARE.getByName(lineup).countRows()
	const rows = { want: 0, claim: 0, done: 0 }
	takeRows()
	for (let index = 0; index < COUNTED; index++) {
		await object.want(newcomer(index))
		rows.want += takeRows() / COUNTED
		const claimed = await claimSomebody(object, index)
		rows.claim += takeRows() / COUNTED
		await finish(object, claimed)
		rows.done += takeRows() / COUNTED
	}
	return rows
}

async function timeFirst(env: BenchEnv, lineup: string): Promise<Answers['first']> {
	const object = lineupNamed(env, lineup)
	const startedAt = performance.now()
	await object.claim(claimant(0))
	const ms = performance.now() - startedAt
	return { ms, waiting: (await object.overview()).depth.total }
}
