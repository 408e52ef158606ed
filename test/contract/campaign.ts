/** Asks every operation of the document many times over, rightly and wrongly, and looks at each answer. */
import fc from 'fast-check'
import { broken } from './broken.ts'
import { nameOf, type OpenApi, operationsOf } from './document.ts'
import { fitting, requestOf, type World } from './fitting.ts'
import { judgeOf } from './judge.ts'
import { curlOf, type Request, type Response, type Send } from './request.ts'

export interface Finding {
	operation: string
	complaint: string
	/** Sends the shrunk request. */
	curl: string
}

export interface Tally {
	operation: string
	requests: number
	/** How often each status came. */
	statuses: Record<string, number>
}

export interface CampaignOptions {
	document: OpenApi
	world: World
	send: Send
	/** In all; each operation gets its share, and those without inputs a small one. */
	requests: number
	seed: number
	/** How many operations are asked at a time. */
	parallel?: number
}

/** An operation without inputs has little to say. */
const FEWEST = 10

export async function runCampaign(options: CampaignOptions): Promise<{ findings: Finding[]; tallies: Tally[] }> {
	const { document, world, send, requests, seed, parallel = 1 } = options
	const judge = judgeOf(document, world.secrets)
	const names = new Map(Object.entries(world.tokens).map(([name, token]) => [token, name.toUpperCase()]))
	const operations = operationsOf(document)
	const findings: Finding[] = []
	const tallies: Tally[] = []
	const isPlain = ({ parameters, requestBody }: (typeof operations)[number]) => !parameters?.length && !requestBody
	const plain = operations.filter(isPlain).length
	const share = Math.ceil((requests - plain * FEWEST) / Math.max(1, operations.length - plain) / 2)

	async function ask(operation: (typeof operations)[number]): Promise<void> {
		const tally: Tally = { operation: nameOf(operation), requests: 0, statuses: {} }
		tallies.push(tally)
		const numRuns = isPlain(operation) ? FEWEST / 2 : share
		const kinds = [
			{ requests: fitting(operation, document, world).map(requestOf), complaint: judge.complaintOfFitting },
			{ requests: broken(operation, document, world), complaint: judge.complaint },
		]
		for (const { requests, complaint } of kinds) {
			const answered = async (request: Request): Promise<Response> => {
				const response = await send(request)
				tally.requests += 1
				tally.statuses[response.status] = (tally.statuses[response.status] ?? 0) + 1
				return response
			}
			let last: { complaint: string; request: Request } | null = null
			const property = fc.asyncProperty(requests, async (request) => {
				const wrong = complaint(request, await answered(request))
				if (wrong === null) return
				last = { complaint: wrong, request }
				throw new Error(wrong)
			})
			const { failed, counterexample, errorInstance } = await fc.check(property, { numRuns, seed, endOnFailure: false })
			if (!failed) continue
			const request = counterexample?.[0]
			const found = last as { complaint: string; request: Request } | null
			findings.push({
				operation: tally.operation,
				complaint: found?.complaint ?? String(errorInstance),
				curl: request ? curlOf(request, names) : '',
			})
		}
	}

	const waiting = [...operations]
	const work = async () => {
		for (let operation = waiting.shift(); operation; operation = waiting.shift()) await ask(operation)
	}
	await Promise.all(Array.from({ length: parallel }, work))
	return { findings, tallies }
}
