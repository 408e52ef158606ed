/** Bench Workers in workerd, without wrangler's development proxy. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Complaint } from '../../scripts/local/complaint.ts'
import { PROJECT } from '../../scripts/local/folder.ts'
import { type GuardedProcess, startGuarded } from '../../scripts/local/processes.ts'
import { runTool } from '../../scripts/local/tool.ts'
import { PROJECT_CONFIGS, toolEnvironment, WRANGLER } from '../../scripts/local/wrangler.ts'
import { READY } from '../../test/chaos/service/ready.ts'

const CHAOS_SERVICE = join(PROJECT, 'test/chaos/service')
/** Milliseconds. */
const START_WITHIN = 30_000

/** What Miniflare needs to know of the API Worker, but for its modules. */
export interface ApiOptions {
	compatibilityDate: string
	compatibilityFlags: string[]
	durableObjects: Record<string, unknown>
	bindings: Record<string, unknown>
}

/** The API Worker's configuration. @param path of a folder, which is made */
export async function describeApi(path: string, signal: AbortSignal): Promise<ApiOptions> {
	await mkdir(path, { recursive: true })
	const described = join(path, 'api.json')
	await run(join(CHAOS_SERVICE, 'configure.ts'), [described, PROJECT_CONFIGS.api], signal)
	const [api] = JSON.parse(await readFile(described, 'utf8')) as [ApiOptions]
	return api
}

/** Bundles an entry into a folder of that name. */
export async function bundle(
	path: string,
	name: string,
	entry: string,
	{ compatibilityDate, compatibilityFlags }: ApiOptions,
	signal: AbortSignal,
) {
	const modulesRoot = join(path, name)
	// A configuration of its own, since the API Worker's wants the web app built.
	const config = join(path, `${name}.wrangler.json`)
	const settings = { name: 'platen-bench', main: entry, compatibility_date: compatibilityDate }
	await writeFile(config, JSON.stringify({ ...settings, compatibility_flags: compatibilityFlags }))
	await run(WRANGLER, ['deploy', '--dry-run', '--config', config, '--outdir', modulesRoot], signal)
	const files = (await readdir(modulesRoot)).filter((file) => file.endsWith('.js'))
	return { modulesRoot, modules: files.map((file) => ({ type: 'ESModule', path: join(modulesRoot, file) })) }
}

/** Workers in one process. Nudges go to a queue without consumer: whoever hears them works on other machines. */
export function optionsFor(path: string, port: number, workers: object[]): object {
	return {
		host: '127.0.0.1',
		port,
		resourcePersistencePath: join(path, 'state'),
		resourceTmpPath: join(path, 'tmp'),
		logRequests: false,
		cf: false,
		workers,
	}
}

async function run(script: string, args: string[], signal: AbortSignal): Promise<void> {
	const { ok, output } = await runTool(script, args, { signal })
	if (!ok) throw new Complaint(`The bench Worker could not be made.\n${output}`)
}

/** @param optionsFile as Miniflare wants them, as JSON */
export async function startRuntime(optionsFile: string, signal: AbortSignal): Promise<GuardedProcess> {
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
