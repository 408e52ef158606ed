/** What `npm run fuzz` does at length, in short. */
import { expect, test, vi } from 'vitest'
import { runCampaign } from '../contract/campaign.ts'
import { nameOf, operationsOf } from '../contract/document.ts'
import { ask, contract, makeWorld } from './asked.ts'

test('1,500 requests that were made of the document, fitting and broken, are all answered as it says', async () => {
	vi.spyOn(console, 'info').mockReturnValue()
	const document = await contract()
	const world = await makeWorld()
	const { findings, tallies } = await runCampaign({ document, world, send: ask, requests: 1_500, seed: 1 })
	for (const { operation, complaint, curl } of findings) console.error(`${operation}: ${complaint}\n  ${curl}`)
	expect(findings).toEqual([])
	expect(tallies.map(({ operation }) => operation)).toEqual(operationsOf(document).map(nameOf))
}, 120_000)
