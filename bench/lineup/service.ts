/** The bench's Worker in workerd: the API Worker's configuration without wrangler's development proxy, on its own folder. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../scripts/local/ports.ts'
import { bundle, describeApi, optionsFor, startRuntime } from '../workerd/workerd.ts'
import type { Answers, Order } from './orders.ts'

const ENTRY = join(import.meta.dirname, 'worker/worker.ts')

export interface BenchService {
	order<T extends Order>(order: T): Promise<Answers[T['type']]>
	/** Ends the process and starts another on the same state. */
	restart(): Promise<void>
	stop(): Promise<void>
}

/** @param path of a folder for everything, which is made */
export async function startService(path: string, signal: AbortSignal): Promise<BenchService> {
	const optionsFile = join(path, 'options.json')
	const [port = 0] = await freePorts(1)
	await makeOptions(path, optionsFile, port, signal)
	let running = await startRuntime(optionsFile, signal)
	return {
		async order(order) {
			const body = JSON.stringify(order)
			const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, signal })
			if (!response.ok) throw new Error(`The bench Worker failed: ${await response.text()}`)
			return (await response.json()) as Answers[(typeof order)['type']]
		},
		async restart() {
			await running.stop()
			running = await startRuntime(optionsFile, signal)
		},
		stop: () => running.stop(),
	}
}

/** Writes down what Miniflare needs to know. */
async function makeOptions(path: string, optionsFile: string, port: number, signal: AbortSignal): Promise<void> {
	const api = await describeApi(path, signal)
	const worker = {
		...api,
		...(await bundle(path, 'bundle', ENTRY, api, signal)),
		durableObjects: { ...api.durableObjects, BARE: { className: 'BareObject', useSQLite: true } },
	}
	await writeFile(optionsFile, JSON.stringify(optionsFor(path, port, [worker])))
}
