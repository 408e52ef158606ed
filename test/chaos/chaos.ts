/** Runs lanes side by side until all the kills of a plan are done. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runLane } from './lane.ts'
import { uploadFiles } from './load/files.ts'
import { planOf, roundsOf } from './plan.ts'
import { HALVES } from './points.ts'
import { randomOf } from './random.ts'
import { bundleWorkers } from './service/bundle.ts'
import { makeInstance } from './service/instance.ts'
import { sumOf, type Tally } from './tally.ts'

export interface ChaosOptions {
	kills: number
	seed: number
	/** Services that run side by side, each with its share of the kills. */
	lanes: number
	/** Kills before everything settles and is looked at. */
	killsPerRound: number
	signal: AbortSignal
	/** Told what is being done, for people. */
	onProgress: (text: string) => void
}

export interface Outcome extends Tally {
	/** Where the state and the logs are, for whoever looks into a violation; null when there was none. */
	kept: string | null
}

export async function runChaos({
	kills,
	seed,
	lanes,
	killsPerRound,
	signal,
	onProgress,
}: ChaosOptions): Promise<Outcome> {
	const path = await mkdtemp(join(tmpdir(), 'platen-chaos-'))
	const failure = new AbortController()
	const ending = AbortSignal.any([signal, failure.signal])
	let kept: string | null = path
	try {
		const [workers, files] = await Promise.all([bundleWorkers(join(path, 'bundles'), ending), uploadFiles()])
		const plan = planOf(kills, seed)
		const runs = Array.from({ length: lanes }, async (_, lane) => {
			const instance = await makeInstance(join(path, `lane-${lane + 1}`), workers, ending)
			try {
				return await runLane({
					instance,
					files,
					rounds: roundsOf(
						plan.filter((_, number) => number % lanes === lane),
						killsPerRound,
					),
					random: randomOf(seed + lane + 1),
					signal: ending,
					onRound: (text) => onProgress(lanes > 1 ? `lane ${lane + 1}, ${text}` : text),
				})
			} catch (error) {
				// One that cannot go on must not be waited for by the others.
				failure.abort(error)
				throw error
			} finally {
				await instance.kill(HALVES)
			}
		})
		const results = await Promise.allSettled(runs)
		ending.throwIfAborted()
		const tally = sumOf(results.map((result) => (result as PromiseFulfilledResult<Tally>).value))
		if (tally.violations.length === 0) kept = null
		return { ...tally, kept }
	} catch (error) {
		if (!signal.aborted) onProgress(`state and logs are in ${path}`)
		throw error
	} finally {
		// Stopped by those who started it: nobody will look into that.
		if (kept === null || signal.aborted) await rm(path, { recursive: true, force: true })
	}
}
