/** `npm run simulate:guards`: takes each guard out of a copy of the engine, and shows that the simulation notices. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs, styleText } from 'node:util'
import type { runCampaign } from '../test/simulation/campaign.ts'
import { type Guard, guards } from '../test/simulation/guards.ts'
import { Complaint, runScript } from './local/complaint.ts'
import { PROJECT } from './local/folder.ts'
import { wholeNumber } from './local/whole-number.ts'

const HELP = `Takes each guard of the engine out of a copy, and lives through worlds until the simulation finds that it is gone.

  npm run simulate:guards
  npm run simulate:guards -- --only fence

  --seeds N     worlds at most for each guard; default 50000
  --only TEXT   only guards whose name contains this
  --threads T   default: as many as there are processors

Exit code: 0 every guard that was taken out was found, 1 otherwise.`

await runScript(async () => {
	const { values } = parseArgs({
		options: {
			seeds: { type: 'string', default: '50000' },
			only: { type: 'string', default: '' },
			threads: { type: 'string', default: String(availableParallelism()) },
			help: { type: 'boolean', short: 'h', default: false },
		},
	})
	if (values.help) {
		console.log(HELP)
		return 0
	}
	const seeds = wholeNumber('seeds', values.seeds)
	const threads = wholeNumber('threads', values.threads)
	const chosen = guards.filter(({ name }) => name.includes(values.only))
	let found = 0
	for (const guard of chosen) {
		const finding = await findingWithout(guard, seeds, threads)
		if (finding) found += 1
		const mark = finding ? styleText('green', '✓') : styleText('red', '✗')
		console.log(`${mark} ${guard.name.padEnd(64)} ${finding ?? styleText('red', `not found in ${seeds} seeds`)}`)
	}
	console.log(`simulate:guards: ${chosen.length} guards removed, ${found} found, ${chosen.length - found} not found`)
	return found === chosen.length ? 0 : 1
})

/** What is found when a guard is gone; null when nothing is. */
async function findingWithout(guard: Guard, seeds: number, threads: number): Promise<string | null> {
	const copy = await mkdtemp(join(tmpdir(), 'platen-guard-'))
	try {
		for (const part of ['src/core', 'test/simulation']) {
			await cp(join(PROJECT, part), join(copy, part), { recursive: true })
		}
		await cp(join(PROJECT, 'package.json'), join(copy, 'package.json'))
		await symlink(join(PROJECT, 'node_modules'), join(copy, 'node_modules'))
		for (const { file, without } of guard.also ? [guard, guard.also] : [guard]) {
			const path = join(copy, file)
			await writeFile(path, edited(guard.name, file, await readFile(path, 'utf8'), without))
		}
		const campaign: { runCampaign: typeof runCampaign } = await import(
			pathToFileURL(join(copy, 'test/simulation/campaign.ts')).href
		)
		const { violations } = await campaign.runCampaign({ from: 1, seeds, threads, stopAtFirst: true })
		const [first] = violations
		return first
			? `${first.violation?.invariant} at seed ${first.seed}: ${first.violation?.detail.split('\n')[0]}`
			: null
	} finally {
		await rm(copy, { recursive: true, force: true })
	}
}

function edited(name: string, file: string, source: string, [text, replacement]: Guard['without']): string {
	const [before, after, ...more] = source.split(text)
	if (after !== undefined && more.length === 0) return `${before}${replacement}${after}`
	throw new Complaint(`"${name}" has moved: its text must be in ${file} exactly once.`)
}
