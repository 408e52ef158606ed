/** `npm run simulate:lineup`: what the order of the lineup does to crowds of documents, in virtual time. */
import { parseArgs } from 'node:util'
import type { Priority } from '../src/core/snapshot.ts'
import { type Fate, liveThrough } from '../test/simulation/crowd.ts'
import { batch, hundredAndOne, lowAndUrgent, steady } from '../test/simulation/crowds.ts'
import { runScript } from './local/complaint.ts'

const HELP = `Lets crowds of documents wait for a few converters, in virtual time, and says who waited for how long.

  npm run simulate:lineup

A page takes 60 ms of a converter's time. Nothing goes wrong; for that there is \`npm run simulate\`.`

/** Documents a second that keep two converters busy for most of the time. */
const STEADY = [1.2, 1.45] as const
const PRIORITIES: readonly Priority[] = ['urgent', 'high', 'normal', 'low']

await runScript(async () => {
	const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } })
	if (values.help) {
		console.log(HELP)
		return 0
	}
	urgent()
	owners()
	for (const perSecond of STEADY) hour(perSecond)
	for (const converters of [1, 4]) {
		console.log(`200 documents of all sizes at once, ${plural(converters, 'converter')}`)
		estimates(liveThrough(batch(), converters))
	}
	return 0
})

function urgent(): void {
	const fates = liveThrough(lowAndUrgent(), 1)
	const [low, last] = [fates.slice(0, -1), fates.at(-1)]
	if (!last) return
	const waiting = low.filter(({ startedAt }) => after(startedAt, last.at) >= 0).length
	console.log('50 documents of low priority wait for one converter, and an urgent one comes after 10 s')
	console.log(`  the urgent one begins ${seconds(after(last.startedAt, last.at))} later, before ${waiting} that waited`)
	console.log(`  low ones completed ${low.filter(({ status }) => status === 'completed').length} of ${low.length}\n`)
}

function owners(): void {
	for (const converters of [1, 8]) {
		const fates = liveThrough(hundredAndOne(), converters)
		const one = fates.at(-1)
		if (!one) return
		const end = Math.max(...fates.map(({ completedAt }) => completedAt ?? Number.NaN))
		console.log(`One owner with 100 documents, another with one 5 s later, ${plural(converters, 'converter')}`)
		console.log(
			`  the one begins after ${seconds(after(one.startedAt, one.at))}, is completed after ${seconds(after(one.completedAt, one.at))}`,
		)
		console.log(`  the hundred take ${seconds(end)}\n`)
	}
}

function hour(perSecond: number): void {
	const fates = liveThrough(steady(perSecond), 2)
	const pages = fates.reduce((sum, fate) => sum + fate.pages, 0)
	const load = Math.round(((pages * 60) / 3_600_000 / 2) * 100)
	console.log(`An hour of ${perSecond} documents a second, 2 converters busy with pages for ${load} % of it`)
	console.log(`  ${fates.length} documents, completed ${fates.filter(({ status }) => status === 'completed').length}`)
	for (const priority of PRIORITIES) {
		const some = fates.filter((fate) => fate.priority === priority)
		const first = spread(some.map(({ firstPageAt, at }) => after(firstPageAt, at)))
		const second = spread(
			some.filter((fate) => fate.pages > 1).map((fate) => after(fate.secondPageAt, fate.firstPageAt)),
		)
		console.log(`  ${priority.padEnd(7)} first page after ${first}; page 2 after page 1 ${second}`)
	}
	estimates(fates)
}

function estimates(fates: readonly Fate[]): void {
	for (const kind of ['waiting', 'processing'] as const) {
		const errors = fates.flatMap((fate) => fate.estimates[kind] ?? [])
		const absolute = errors.map(({ error }) => Math.abs(error))
		const relative = errors.map(({ estimate, error }) => Math.abs(error) / Math.max(1_000, estimate + error))
		const percent = (share: number) => `${Math.round(at(relative, share) * 100)} %`
		const most = `median ${seconds(at(absolute, 0.5))}, p90 ${seconds(at(absolute, 0.9))}`
		console.log(
			`  first estimate while ${kind} (${errors.length}): off by ${most}; of the truth ${percent(0.5)}, p90 ${percent(0.9)}`,
		)
	}
	console.log()
}

function after(time: number | null, since: number | null): number {
	return time === null || since === null ? Number.NaN : time - since
}

function spread(values: readonly number[]): string {
	return `median ${seconds(at(values, 0.5))}, p99 ${seconds(at(values, 0.99))}, longest ${seconds(Math.max(...values))}`
}

function at(values: readonly number[], share: number): number {
	const sorted = values.toSorted((one, other) => one - other)
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function seconds(milliseconds: number): string {
	return `${(milliseconds / 1000).toFixed(1)} s`
}

function plural(count: number, noun: string): string {
	return `${count} ${noun}${count === 1 ? '' : 's'}`
}
