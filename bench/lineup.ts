/**
 * How much the one lineup bears: `npm run bench:lineup -- [--rounds 5]`
 *
 * The object itself in workerd, on a folder of its own, called from inside; then its rules alone. Machines are noisy, so
 * what counts are the ratios to a bare object that was measured in between.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runScript } from '../scripts/local/complaint.ts'
import { endingSignal } from '../scripts/local/endings.ts'
import { wholeNumber } from '../scripts/local/whole-number.ts'
import { timeCore } from './lineup/core.ts'
import { figure, mean, median, printTable, quantile } from './lineup/figures.ts'
import { CLAIMS_AT_A_TIME, requestsFor, type Work } from './lineup/orders.ts'
import { type Crowded, IN_FLIGHT, measureCrowd, measureRates, type Rates } from './lineup/rounds.ts'
import { startService } from './lineup/service.ts'

/** Nothing goes on for longer, whatever happens. Milliseconds. */
const END_WITHIN = 600_000
/** How many who wait, and how many documents come and go meanwhile. */
const CORE = [
	{ waiting: 10_000, lives: 1_000 },
	{ waiting: 100_000, lives: 60 },
]
const TARGET = 250

const said: Record<Work, string> = {
	bare: 'bare object, 1 row a request',
	want: 'want, a new row each',
	life: 'life of a small document (want, claim, want 0)',
	claim: 'claim that finds nobody',
	overview: 'overview',
}

await runScript(async () => {
	const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
	const rounds = wholeNumber('rounds', values.rounds)
	const ending = endingSignal(() => process.exit(1))
	const signal = AbortSignal.any([ending, AbortSignal.timeout(END_WITHIN)])
	const startedAt = performance.now()
	const path = await mkdtemp(join(tmpdir(), 'platen-bench-'))
	try {
		const service = await startService(path, signal)
		try {
			const rates = await measureRates(service, rounds)
			printRates('Requests a second, lineups that are empty at first', rates, [
				'bare',
				'want',
				'life',
				'claim',
				'overview',
			])
			const crowded = await measureCrowd(service, rounds)
			printRates('Requests a second, 10,000 waiting', crowded.rates, ['bare', 'life', 'overview'])
			printConverters(rates, crowded.rates)
			printCrowd(crowded)
		} finally {
			await service.stop()
		}
		printCore()
	} catch (error) {
		if (!ending.aborted) throw error
		console.error('Stopped.')
		return 130
	} finally {
		await rm(path, { recursive: true, force: true })
	}
	console.log(`\n${figure((performance.now() - startedAt) / 1000)} s in all`)
	return 0
})

function printRates(title: string, rates: Rates, works: readonly Work[]): void {
	const rows = works.map((work) => {
		const inFlight = IN_FLIGHT.flatMap((count) => [rates[work][count], times(rates[work][count] / rates.bare[count])])
		return [said[work], ...inFlight]
	})
	printTable(title, [['', ...IN_FLIGHT.flatMap((count) => [`${count} in flight`, '× bare'])], ...rows])
}

function printConverters(empty: Rates, crowded: Rates): void {
	const rows = [empty, crowded].flatMap((rates, index) => {
		const documents = IN_FLIGHT.map((count) => rates.life[count] / requestsFor.life)
		const name = index === 0 ? 'nobody else waits' : '10,000 wait'
		return [
			[`documents a second, ${name}`, ...documents],
			['  converters it feeds at 1 s a document', ...documents.map(Math.round)],
			['  converters it feeds at 5 s a document', ...documents.map((each) => Math.round(each * 5))],
		]
	})
	printTable(`Converters, against ${TARGET}`, [['', ...IN_FLIGHT.map((count) => `${count} in flight`)], ...rows])
}

function printCrowd({ claims, rows, first }: Crowded): void {
	const line = (name: string, how: keyof Crowded['claims'], of: (tens: number[]) => number) => {
		const [few, crowd] = [of(claims[how].few) / CLAIMS_AT_A_TIME, of(claims[how].crowd) / CLAIMS_AT_A_TIME]
		return [name, few, crowd, times(crowd / few)]
	}
	const p99 = (tens: number[]) => quantile(tens, 0.99)
	printTable('A claim, one at a time, ms', [
		['', '10 wait', '10,000 wait', 'ratio'],
		line('of a converter that goes on, mean', 'going on', mean),
		line('  median of ten in a row', 'going on', median),
		line('  p99 of ten in a row', 'going on', p99),
		line('brought by a nudge, mean (where many wait it sends the next)', 'nudged', mean),
		line('  median of ten in a row', 'nudged', median),
		line('  p99 of ten in a row', 'nudged', p99),
	])
	printTable('The first claim after a start of the process, ms', [
		['nobody waits', `${figure(first.waiting)} wait`],
		[figure(first.empty), first.crowd],
	])
	printTable('Rows written for a small document while 10,000 wait, alarms included', [
		['want', 'claim', 'want 0', 'in all'],
		[figure(rows.want), rows.claim, rows.done, rows.want + rows.claim + rows.done],
	])
}

function printCore(): void {
	const measured = CORE.map(({ waiting, lives }) => timeCore(waiting, lives))
	const names = [...(measured[0]?.keys() ?? [])]
	const rows = names.map((name) => [
		name,
		...measured.flatMap((all) => [median(all.get(name) ?? []), quantile(all.get(name) ?? [], 0.99)]),
	])
	const columns = CORE.flatMap(({ waiting }) => [`${figure(waiting)} wait`, 'p99'])
	printTable('Rules alone, µs: median and p99; 250 converters at work, each 100th is watched', [
		['', ...columns],
		...rows,
	])
}

function times(ratio: number): string {
	return `${ratio.toFixed(2)} ×`
}
