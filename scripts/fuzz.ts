/** `npm run fuzz`: asks the real service whatever the OpenAPI document allows, and what it does not, and checks each answer. */
import { randomBytes, randomInt } from 'node:crypto'
import { parseArgs, styleText } from 'node:util'
import { runCampaign } from '../test/contract/campaign.ts'
import type { OpenApi } from '../test/contract/document.ts'
import { startService } from '../test/contract/service.ts'
import { makeWorld } from '../test/contract/world.ts'
import { runScript } from './local/complaint.ts'
import { endingSignal } from './local/endings.ts'
import { wholeNumber } from './local/whole-number.ts'

const HELP = `Sends requests that are made of the OpenAPI document, fitting and broken ones, and checks that every answer is one that
it tells of: status, headers, body, and nothing of the inside.

  npm run fuzz -- --requests 10000
  npm run fuzz -- --requests 10000 --seed 7

  --requests N      default 10000, shared among all operations
  --seed S          a seed makes the same requests again, but for ids; default is a new one

Exit code: 0 every answer is documented, 1 at least one is not.`

await runScript(async () => {
	const { values } = parseArgs({
		options: {
			requests: { type: 'string', default: '10000' },
			seed: { type: 'string', default: String(randomInt(1_000_000)) },
			help: { type: 'boolean', short: 'h', default: false },
		},
	})
	if (values.help) {
		console.log(HELP)
		return 0
	}
	const requests = wholeNumber('requests', values.requests)
	const seed = wholeNumber('seed', values.seed)
	const ending = endingSignal(() => process.exit(1))
	const dim = (text: string) => console.log(styleText('dim', `  ${text}`))
	dim(`seed ${seed}`)
	const secret = randomBytes(32).toString('base64url')
	const service = await startService(secret, ending)
	try {
		const { body } = await service.send({ method: 'GET', path: '/openapi.json', headers: {}, body: null })
		const document = JSON.parse(new TextDecoder().decode(body)) as OpenApi
		const world = await makeWorld(service.send, secret)
		const startedAt = performance.now()
		const send: typeof service.send = async (request) => {
			ending.throwIfAborted()
			return await service.send(request)
		}
		const { findings, tallies } = await runCampaign({ document, world, send, requests, seed, parallel: 6 })
		const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
		for (const { operation, statuses } of tallies) {
			const counts = Object.entries(statuses).map(([status, count]) => `${status} × ${count}`)
			dim(`${operation.padEnd(52)} ${counts.join(', ')}`)
		}
		for (const { operation, complaint, curl } of findings) {
			console.error(styleText('red', `${operation}: ${complaint}`))
			console.error(`  ${curl}`)
		}
		for (const line of new Set(service.complaints)) console.error(styleText('red', `logged: ${line}`))
		const sent = tallies.reduce((sum, tally) => sum + tally.requests, 0)
		console.log(
			`fuzz: ${sent} requests to ${tallies.length} operations, ${findings.length} undocumented (${seconds} s, seed ${seed})`,
		)
		return findings.length > 0 ? 1 : 0
	} finally {
		await service.stop()
	}
})
