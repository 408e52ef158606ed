/**
 * Many documents at once through the running service: `npm run bench:batch -- [--times N] FILE.pdf …`
 *
 * Everything is uploaded at the same time and watched by socket. It says how long each kind of wait was, and how far off
 * the estimates were that people saw: the first one while a document waited, the first one while it was converted. Needs
 * `npm start` in another terminal.
 */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { runScript } from '../scripts/local/complaint.ts'
import { openFolder } from '../scripts/local/folder.ts'
import { runningService } from '../scripts/local/record.ts'
import { localSecret } from '../scripts/local/secret.ts'
import { wholeNumber } from '../scripts/local/whole-number.ts'
import { type Client, createClient } from '../src/client/client.ts'
import { createToken } from '../src/client/token.ts'
import { watch } from '../src/client/watch.ts'
import { isSettled, type Snapshot } from '../src/core/snapshot.ts'

/** An estimate that somebody saw. */
interface Promised {
	/** When it was seen, and when it said that the conversion would be over. Milliseconds since the epoch. */
	at: number
	completion: number
}

interface Life {
	last: Snapshot
	positions: number
	waiting: Promised | null
	processing: Promised | null
}

await runScript(async () => {
	const { values, positionals } = parseArgs({
		options: { persist: { type: 'string' }, times: { type: 'string', default: '1' } },
		allowPositionals: true,
	})
	const folder = await openFolder(values.persist)
	const service = await runningService(folder)
	if (!service || positionals.length === 0) {
		console.error('Start the service with `npm start`, then name some PDFs: npm run bench:batch -- FILE.pdf …')
		return 1
	}
	const token = await createToken(await localSecret(folder), { sub: 'bench' })
	const client = createClient({ baseUrl: `http://localhost:${service.port}`, getToken: () => token })
	const times = wholeNumber('times', values.times)
	const files = Array.from({ length: times }, () => positionals).flat()
	const startedAt = performance.now()
	const lives = await Promise.all(files.map((file) => convert(client, file)))
	console.log(`${files.length} documents in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
	tell(lives)
	return 0
})

async function convert(client: Client, file: string): Promise<Life> {
	const bytes = new Uint8Array(await readFile(file))
	const { document, conversion } = await client.upload(bytes, { name: basename(file), contentType: 'application/pdf' })
	const life: Life = { last: conversion, positions: 0, waiting: null, processing: null }
	return new Promise((resolve) => {
		watch(client, document.id, (snapshot) => {
			life.last = snapshot
			if (snapshot.queuePosition !== null) life.positions += 1
			const promised = snapshot.estimatedCompletion && {
				at: Date.parse(snapshot.updatedAt),
				completion: Date.parse(snapshot.estimatedCompletion),
			}
			if (promised && snapshot.status === 'queued') life.waiting ??= promised
			if (promised && snapshot.status === 'processing') life.processing ??= promised
			if (isSettled(snapshot.status)) resolve(life)
		})
	})
}

function tell(lives: readonly Life[]): void {
	const count = (status: string) => lives.filter(({ last }) => last.status === status).length
	console.log(`  completed ${count('completed')}, failed ${count('failed')}`)
	const since = ({ last }: Life, time: string | null) => Date.parse(time ?? '') - Date.parse(last.createdAt ?? '')
	console.log(`  first page after   ${spread(lives.map((life) => since(life, life.last.firstPageAt)))}`)
	console.log(`  completed after    ${spread(lives.map((life) => since(life, life.last.completedAt)))}`)
	console.log(`  positions told     ${lives.reduce((sum, { positions }) => sum + positions, 0)}`)
	for (const kind of ['waiting', 'processing'] as const) {
		const errors = lives.flatMap(({ [kind]: promised, last }) => {
			if (!promised || !last.completedAt || last.status !== 'completed') return []
			const completedAt = Date.parse(last.completedAt)
			const error = Math.abs(completedAt - promised.completion)
			return [{ error, share: error / Math.max(1_000, completedAt - promised.at) }]
		})
		const share = (part: number) =>
			`${Math.round(
				at(
					errors.map((each) => each.share),
					part,
				) * 100,
			)} %`
		console.log(
			`  first estimate while ${kind} (${errors.length}): off by ${spread(errors.map(({ error }) => error))}; of the truth ${share(0.5)}, p90 ${share(0.9)}`,
		)
	}
}

function spread(values: readonly number[]): string {
	const known = values.filter((value) => !Number.isNaN(value))
	return `median ${seconds(at(known, 0.5))}, p90 ${seconds(at(known, 0.9))}, longest ${seconds(Math.max(...known))}`
}

function at(values: readonly number[], share: number): number {
	const sorted = values.toSorted((one, other) => one - other)
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function seconds(milliseconds: number): string {
	return `${(milliseconds / 1000).toFixed(1)} s`
}
