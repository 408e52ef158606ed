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

test.each(guards)('the guard "$name" is where the simulation looks for it', async ({ also, ...guard }) => {
	for (const { file, without } of also ? [guard, also] : [guard]) {
		const source = await readFile(join(PROJECT, file), 'utf8')
		expect(source.split(without[0]).length - 1, file).toBe(1)
	}
})
