/** Many seeds, on several threads. */
import { Worker } from 'node:worker_threads'
import type { Run } from './simulate.ts'

export interface Campaign {
	/** The first seed. */
	from: number
	seeds: number
	threads: number
	/** Ends the campaign with the first violation; how many seeds were lived through then depends on the threads. */
	stopAtFirst?: boolean
	/** Told how many seeds are done, now and then. */
	onProgress?: (done: number) => void
}

export interface CampaignResult {
	seeds: number
	events: number
	violations: Run[]
}

/** What a thread is told, and what it says. */
export interface Share {
	from: number
	/** From one seed to the next: the threads take turns, so that the first violation is found early. */
	stride: number
	seeds: number
	stopAtFirst: boolean
}
export type Report = { seeds: number; events: number; violations: Run[] }

/** Violations that are kept; with more, the first say enough. */
const KEPT = 100

export async function runCampaign({
	from,
	seeds,
	threads,
	stopAtFirst = false,
	onProgress,
}: Campaign): Promise<CampaignResult> {
	const result: CampaignResult = { seeds: 0, events: 0, violations: [] }
	const workers: Worker[] = []
	const live = (thread: number) =>
		new Promise<void>((resolve, reject) => {
			const share: Share = {
				from: from + thread,
				stride: threads,
				seeds: Math.ceil((seeds - thread) / threads),
				stopAtFirst,
			}
			const worker = new Worker(new URL('thread.ts', import.meta.url), { workerData: share })
			workers.push(worker)
			worker.on('message', (report: Report) => {
				result.seeds += report.seeds
				result.events += report.events
				result.violations.push(...report.violations)
				result.violations.length = Math.min(result.violations.length, KEPT)
				onProgress?.(result.seeds)
				if (stopAtFirst && result.violations.length > 0) for (const each of workers) void each.terminate()
			})
			worker.on('error', reject)
			worker.on('exit', () => resolve())
		})
	await Promise.all(Array.from({ length: Math.min(threads, seeds) }, (_, thread) => live(thread)))
	result.violations.sort((one, other) => one.seed - other.seed)
	return result
}
