/** One of the two processes: started, told where to stop, killed, and started again on the same state. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from '../../../scripts/local/complaint.ts'
import { type Folder, forgetWorker, PROJECT } from '../../../scripts/local/folder.ts'
import { openLog } from '../../../scripts/local/log.ts'
import { type GuardedProcess, startGuarded } from '../../../scripts/local/processes.ts'
import { toolEnvironment } from '../../../scripts/local/wrangler.ts'
import { type Choice, CONTROL_PATH, MARKER } from '../control.ts'
import type { Half } from '../points.ts'
import type { WorkerOptions } from './bundle.ts'
import { READY } from './ready.ts'

/** A start takes one second; this is for a machine that is busy. Milliseconds. */
const START_WITHIN = 30_000
/** A page that is being converted holds the Worker's only thread. */
const ANSWER_WITHIN = 30_000
/** What a process says before it ends is read by then. Milliseconds. */
const SAID_WITHIN = 2_000
/** Miniflare starts a runtime again that ended by itself, but not so that the other process finds it. */
const CRASHED = /The Workers runtime crashed unexpectedly/

export interface HalfProcess {
	start(): Promise<void>
	/** Resolves when what was started stands still: at its point, or because it crashed by itself. */
	stopped(): Promise<'at its point' | 'crashed'>
	choose(choice: Choice): Promise<void>
	/** SIGKILL for the whole group; resolves when nothing of it is left. */
	kill(): Promise<void>
}

export interface HalfOptions {
	folder: Folder
	port: number
	worker: WorkerOptions
	/** Of the Worker, besides those of its configuration. */
	variables: Record<string, string>
}

export async function halfProcess(half: Half, { folder, port, worker, variables }: HalfOptions): Promise<HalfProcess> {
	const address = `http://127.0.0.1:${port}${CONTROL_PATH}`
	const optionsFile = join(folder.bundles, `${half}.json`)
	const state = half === 'api' ? folder.apiState : folder.converterState
	await writeFile(
		optionsFile,
		JSON.stringify({
			host: '127.0.0.1',
			port,
			unsafeDevRegistryPath: folder.registry,
			// Where `wrangler dev` puts it, and so does what makes the tables.
			resourcePersistencePath: join(state, 'v3'),
			resourceTmpPath: join(state, 'tmp'),
			logRequests: false,
			cf: false,
			workers: [{ ...worker, bindings: { ...worker.bindings, ...variables } }],
		}),
	)
	const log = openLog(join(folder.logs, `${half}.log`))
	let running: GuardedProcess | null = null
	let halt = Promise.withResolvers<'at its point' | 'crashed'>()

	async function start(): Promise<void> {
		// A killed one could not take its own entry out, and nobody believes a second while the first is there.
		await forgetWorker(folder, worker.name)
		const ready = Promise.withResolvers<void>()
		const stopping = Promise.withResolvers<'at its point' | 'crashed'>()
		halt = stopping
		const started = startGuarded({
			script: join(import.meta.dirname, 'runtime.ts'),
			args: [optionsFile],
			cwd: PROJECT,
			env: toolEnvironment(),
			onLine(line) {
				log.write(line)
				if (line === READY) ready.resolve()
				else if (line.startsWith(MARKER)) stopping.resolve('at its point')
				else if (CRASHED.test(line)) stopping.resolve('crashed')
			},
		})
		running = started
		const failed = new Complaint(`The ${half} process did not start:\n${log.tail()}`)
		void started.ended.then(() => ready.reject(failed))
		const timer = setTimeout(() => ready.reject(failed), START_WITHIN)
		try {
			await ready.promise
		} finally {
			clearTimeout(timer)
		}
	}

	return {
		start,
		stopped: () => halt.promise,
		async choose(choice) {
			const body = JSON.stringify(choice)
			const answer = fetch(address, { method: 'PUT', body, signal: AbortSignal.timeout(ANSWER_WITHIN) })
			const told = answer.catch(async (cause) => {
				// One that has crashed says so a moment later.
				await sleep(SAID_WITHIN)
				throw new Error(`The ${half} process is not to be talked to`, { cause })
			})
			// One that is busy may come to its point before it has answered, and then it never does.
			await Promise.race([told, halt.promise])
			told.catch(() => undefined)
		},
		async kill() {
			running?.kill()
			await running?.ended
			running = null
		},
	}
}
