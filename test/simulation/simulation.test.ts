import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCampaign } from './campaign.ts'
import { guards } from './guards.ts'
import { simulate } from './simulate.ts'

const PROJECT = join(import.meta.dirname, '../..')
const SEEDS = 10_000

test(`nothing that must not happen happens in ${SEEDS} worlds`, { timeout: 300_000 }, async () => {
	const { seeds, events, violations } = await runCampaign({ from: 1, seeds: SEEDS, threads: availableParallelism() })
	console.info(`simulate: ${seeds} seeds, ${events} events, ${violations.length} violations`)
	expect(violations).toEqual([])
	expect(seeds).toBe(SEEDS)
	// Worlds in which nothing happens prove nothing.
	expect(events / seeds).toBeGreaterThan(200)
})

test('a seed replays exactly, whether somebody reads along or not', () => {
	const lines: string[] = []
	const again: string[] = []
	const runs = [simulate(4711), simulate(4711, (line) => lines.push(line)), simulate(4711, (line) => again.push(line))]
	expect(new Set(runs.map(({ hash, events }) => `${hash} ${events}`)).size).toBe(1)
	expect(lines).toEqual(again)
	expect(lines.length).toBeGreaterThan(50)
	expect(simulate(4712).hash).not.toBe(runs[0]?.hash)
})

/** Worlds in which something was wrong once. What was wrong also has a test of its own where it was mended. */
test.each([
	[12, 'percent was taken back with a lost lease'],
	[294, 'nudges multiplied while a converter was busy'],
	[925, 'a reservation outlived a clock put back'],
	[6371, 'ten converters worked on one job'],
	[7278, 'a lease outlived a clock put back'],
	[9015, 'a document was created while its reservation was swept'],
	[319194, 'a document was created on the reservation of another upload'],
])('seed %i: %s, and does not any more', (seed) => {
	expect(simulate(seed).violation).toBeNull()
})

test.each(guards)('the guard "$name" is where the simulation looks for it', async ({ also, ...guard }) => {
	for (const { file, without } of also ? [guard, also] : [guard]) {
		const source = await readFile(join(PROJECT, file), 'utf8')
		expect(source.split(without[0]).length - 1, file).toBe(1)
	}
})
