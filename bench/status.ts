/**
 * How much a status read costs: `npm run bench:status -- [--rounds 12]`
 *
 * The real API Worker in workerd, by HTTP over loopback, against a bare Worker and a bare object in the same process. All
 * take turns, so that a slow moment of the machine hits all of them; what counts are the ratios.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runScript } from '../scripts/local/complaint.ts'
import { endingSignal } from '../scripts/local/endings.ts'
import { wholeNumber } from '../scripts/local/whole-number.ts'
import { figure, median, printTable, quantile } from './lineup/figures.ts'
import { load, type Target } from './status/load.ts'
import { type StatusService, startService } from './status/service.ts'

/** Nothing goes on for longer, whatever happens. Milliseconds. */
const END_WITHIN = 600_000
/** Of each in a round: short, so that what disturbs one disturbs its neighbours. Milliseconds. */
const SLICE = 400
const LANES = [1, 16, 64] as const
const PDF = new TextEncoder().encode('%PDF-1.7\nnobody converts this\n%%EOF')
/** No version is as high, so nothing that is kept will do. */
const NEWEST = 10 ** 14

const works = ['worker', 'token', 'cached', 'object', 'cold'] as const
type Work = (typeof works)[number]

const said: Record<Work, string> = {
	worker: 'a bare Worker',
	token: 'a bare Worker that checks the token',
	cached: 'status read, all of one document',
	object: 'a bare object read, token checked, each lane its own',
	cold: 'status read that asks the object, each lane its own document',
}
const against: Partial<Record<Work, readonly Work[]>> = {
	token: ['worker'],
	cached: ['worker', 'token'],
	cold: ['object'],
}

interface Measured {
	rates: number[]
	times: number[]
}

await runScript(async () => {
	const { values } = parseArgs({ options: { rounds: { type: 'string', default: '12' } } })
	const rounds = wholeNumber('rounds', values.rounds)
	const ending = endingSignal(() => process.exit(1))
	const signal = AbortSignal.any([ending, AbortSignal.timeout(END_WITHIN)])
	const path = await mkdtemp(join(tmpdir(), 'platen-bench-'))
	try {
		const service = await startService(path, signal)
		try {
			const targets = await targetsOf(service)
			for (const work of works) await load(targets[work], 16, SLICE)
			for (const lanes of LANES) print(lanes, await measure(targets, lanes, rounds, signal))
		} finally {
			await service.stop()
		}
	} catch (error) {
		if (!ending.aborted) throw error
		console.error('Stopped.')
		return 130
	} finally {
		await rm(path, { recursive: true, force: true })
	}
	return 0
})

async function targetsOf({ api, bare, token, client }: StatusService): Promise<Record<Work, Target>> {
	const ids: string[] = []
	for (let count = 0; count < Math.max(...LANES); count++) {
		const { document } = await client.upload(PDF, { name: 'bench.pdf', contentType: 'application/pdf' })
		ids.push(document.id)
	}
	const headers = { Authorization: `Bearer ${token}` }
	const status = (lane: number) => `/api/documents/${ids[lane]}/conversion-status`
	return {
		worker: { port: bare, path: () => '/worker', headers },
		token: { port: bare, path: () => '/token', headers },
		cached: { port: api, path: () => status(0), headers },
		object: { port: bare, path: (lane) => `/object/${lane}`, headers },
		cold: { port: api, path: (lane) => `${status(lane)}?since=${NEWEST}`, headers },
	}
}

async function measure(targets: Record<Work, Target>, lanes: number, rounds: number, signal: AbortSignal) {
	const measured = new Map<Work, Measured>(works.map((work) => [work, { rates: [], times: [] }]))
	for (let round = 0; round < rounds; round++) {
		for (const [work, { rates, times }] of measured) {
			signal.throwIfAborted()
			const slice = await load(targets[work], lanes, SLICE)
			rates.push(slice.rate)
			for (const time of slice.times) times.push(time)
		}
	}
	return measured
}

function print(lanes: number, measured: ReadonlyMap<Work, Measured>): void {
	const rows = [...measured].map(([work, { rates, times }]) => {
		const ratios = (against[work] ?? []).map((other) => {
			const others = measured.get(other)?.rates ?? []
			return `${median(rates.map((rate, round) => rate / (others[round] ?? Number.NaN))).toFixed(2)} × ${other}`
		})
		return [said[work], median(rates), ratios.join(', '), figure(median(times)), figure(quantile(times, 0.99))]
	})
	printTable(`${lanes} ${lanes === 1 ? 'request' : 'requests'} in flight`, [
		['', 'a second', 'median of ratios', 'ms, median', 'p99'],
		...rows,
	])
}
