/** The bench's Worker in workerd: the API Worker's configuration without wrangler's development proxy, on its own folder. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Complaint } from '../../scripts/local/complaint.ts'
import { PROJECT } from '../../scripts/local/folder.ts'
import { freePorts } from '../../scripts/local/ports.ts'
import { type GuardedProcess, startGuarded } from '../../scripts/local/processes.ts'
import { runTool } from '../../scripts/local/tool.ts'
import { PROJECT_CONFIGS, toolEnvironment, WRANGLER } from '../../scripts/local/wrangler.ts'
import { READY } from '../../test/chaos/service/ready.ts'
import type { Answers, Order } from './orders.ts'

const ENTRY = join(import.meta.dirname, 'worker/worker.ts')
const CHAOS_SERVICE = join(PROJECT, 'test/chaos/service')
/** Milliseconds. */
const START_WITHIN = 30_000

interface ApiOptions {
	compatibilityDate: string
	compatibilityFlags: string[]
	durableObjects: Record<string, unknown>
}

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
	await mkdir(path, { recursive: true })
	const described = join(path, 'api.json')
	await run(join(CHAOS_SERVICE, 'configure.ts'), [described, PROJECT_CONFIGS.api], signal)
	const [api] = JSON.parse(await readFile(described, 'utf8')) as [ApiOptions]
	const modulesRoot = await bundle(path, api, signal)
	const files = (await readdir(modulesRoot)).filter((name) => name.endsWith('.js'))
	const worker = {
		...api,
		modulesRoot,
		modules: files.map((name) => ({ type: 'ESModule', path: join(modulesRoot, name) })),
		durableObjects: { ...api.durableObjects, BARE: { className: 'BareObject', useSQLite: true } },
	}
	// Nudges go to a queue without consumer: whoever hears them works on other machines.
	const options = {
		host: '127.0.0.1',
		port,
		resourcePersistencePath: join(path, 'state'),
		resourceTmpPath: join(path, 'tmp'),
		logRequests: false,
		cf: false,
		workers: [worker],
	}
	await writeFile(optionsFile, JSON.stringify(options))
}

async function bundle(path: string, { compatibilityDate, compatibilityFlags }: ApiOptions, signal: AbortSignal) {
	const out = join(path, 'bundle')
	// A configuration of its own, since the API Worker's wants the web app built.
	const config = join(path, 'wrangler.json')
	const settings = { name: 'platen-bench', main: ENTRY, compatibility_date: compatibilityDate }
	await writeFile(config, JSON.stringify({ ...settings, compatibility_flags: compatibilityFlags }))
	await run(WRANGLER, ['deploy', '--dry-run', '--config', config, '--outdir', out], signal)
	return out
}

async function run(script: string, args: string[], signal: AbortSignal): Promise<void> {
	const { ok, output } = await runTool(script, args, { signal })
	if (!ok) throw new Complaint(`The bench Worker could not be made.\n${output}`)
}

async function startRuntime(optionsFile: string, signal: AbortSignal): Promise<GuardedProcess> {
	const ready = Promise.withResolvers<void>()
	const lines: string[] = []
	const started = startGuarded({
		script: join(CHAOS_SERVICE, 'runtime.ts'),
		args: [optionsFile],
		cwd: PROJECT,
		env: toolEnvironment(),
		onLine(line) {
			if (line === READY) ready.resolve()
			else if (lines.push(line) <= 20) console.error(line)
		},
	})
	const fail = () => ready.reject(new Complaint('The bench Worker did not start.'))
	void started.ended.then(fail)
	const timer = setTimeout(fail, START_WITHIN)
	signal.addEventListener('abort', started.kill, { once: true })
	try {
		await ready.promise
		return started
	} catch (error) {
		started.kill()
		throw error
	} finally {
		clearTimeout(timer)
	}
}
