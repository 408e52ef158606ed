/**
 * A local instance: the converter Worker and the API Worker, each a `wrangler dev` process of its own.
 *
 * The order matters: a nudge that is sent while no converter is there is dropped without a word, so the API begins to
 * answer only when the converter does.
 */
import { devNull } from 'node:os'
import { join } from 'node:path'
import { createToken } from '../../src/client/token.ts'
import { bundleWorker, copyWebApp } from './bundle.ts'
import { Complaint } from './complaint.ts'
import { clearRegistry, type Folder, forgetWorker, PROJECT, shown } from './folder.ts'
import { untilAnswers } from './health.ts'
import { errorsIn, openLog, type ProcessLog } from './log.ts'
import { applyMigrations } from './migrations.ts'
import { becomesFree, freePorts } from './ports.ts'
import { type GuardedProcess, startGuarded } from './processes.ts'
import { claimFolder, healthAddress, releaseFolder } from './record.ts'
import { localSecret } from './secret.ts'
import { buildWebApp } from './web-app.ts'
import {
	CONVERTER_NAME,
	type DevOptions,
	devArguments,
	PROJECT_CONFIGS,
	serviceEnvironment,
	type WorkerConfigs,
	WRANGLER,
} from './wrangler.ts'

/** A start that takes longer than this never succeeds. Milliseconds. */
const START_WITHIN = 90_000

/**
 * wrangler (4.155) restarts a workerd that crashed, but then binds the other process's entrypoint to a Worker that there
 * is not ("dev-registry-proxy"). So a converter whose runtime has crashed is replaced as a whole.
 */
const RUNTIME_CRASHED = /The Workers runtime crashed unexpectedly/
/** Within ten minutes. */
const CRASHES_BORNE = 10

export interface ServiceOptions {
	folder: Folder
	port: number
	/** Settings of the API Worker, by name; see `src/api/env.ts`. */
	settings?: Readonly<Record<string, string>>
	/** Told what is being done, for people. */
	onStep?: (text: string) => void
	/** Told what goes wrong inside a Worker, line by line. */
	onError?: (line: string) => void
	/** Ends a start that is under way. */
	signal?: AbortSignal
	configs?: WorkerConfigs
}

export interface LocalService {
	port: number
	/** Resolves when a process has ended that should not have, and the other as well; with what there is to say about it. */
	broken: Promise<Complaint>
	/** Ends everything; resolves when nothing is left. */
	stop(): Promise<void>
	/** Ends everything at once, as an accident would: `broken` tells when it is done. */
	kill(): void
}

/**
 * Starts an instance; resolves when it can convert.
 *
 * @throws Complaint when the port or the folder is taken, or a part does not start; nothing is left running then
 */
export async function startService(options: ServiceOptions): Promise<LocalService> {
	const { folder, port, onStep = () => {}, onError = () => {}, configs = PROJECT_CONFIGS, settings = {} } = options
	await claimFolder(folder, port)
	const processes = new Set<GuardedProcess>()
	const crashes: number[] = []
	const failure = new AbortController()
	const { promise: broken, resolve: reportBroken } = Promise.withResolvers<Complaint>()
	let isStopping = false

	async function stop(): Promise<void> {
		isStopping = true
		await Promise.all([...processes].map((each) => each.stop()))
		await releaseFolder(folder)
	}

	function kill(): void {
		for (const each of processes) each.kill()
	}

	function run(
		name: 'api' | 'converter',
		worker: Pick<DevOptions, 'script' | 'assets' | 'port' | 'inspectorPort'>,
	): void {
		const log = openLog(join(folder.logs, `${name}.log`))
		const showErrors = errorsIn((line) => onError(`${name}: ${line}`))
		const state = name === 'api' ? folder.apiState : folder.converterState
		const envFile = name === 'api' ? folder.secretFile : devNull
		const given = name === 'api' ? { ...settingsOfShell(), ...settings } : {}
		let hasCrashed = false
		const running = startGuarded({
			script: WRANGLER,
			args: devArguments({ config: configs[name], state, envFile, settings: given, ...worker }),
			cwd: PROJECT,
			env: serviceEnvironment(folder),
			onLine(line) {
				log.write(line)
				showErrors(line)
				if (name !== 'converter' || !RUNTIME_CRASHED.test(line)) return
				hasCrashed = true
				running.kill()
			},
		})
		processes.add(running)
		void running.ended.then(async (code) => {
			if (!hasCrashed || isStopping || !mayRestart()) return await reportEnd(name, code, log)
			log.close()
			processes.delete(running)
			await forgetWorker(folder, CONVERTER_NAME)
			if (isStopping) return
			onError(`${name}: workerd has crashed and is started anew; nothing is lost`)
			run(name, worker)
		})
	}

	/** A converter that crashes again and again is not worth starting. */
	function mayRestart(): boolean {
		const now = Date.now()
		crashes.push(now)
		return crashes.filter((at) => now - at < 600_000).length <= CRASHES_BORNE
	}

	async function reportEnd(name: string, code: number | null, log: ProcessLog): Promise<void> {
		log.close()
		if (isStopping) return
		const how = code === null ? 'was killed' : `has ended by itself (exit code ${code})`
		const where = shown(join(folder.logs, `${name}.log`))
		const complaint = new Complaint(`The ${name} process ${how}. From ${where}:\n\n${log.tail()}`)
		failure.abort(complaint)
		// One without the other is of no use.
		kill()
		await Promise.all([...processes].map((each) => each.ended))
		reportBroken(complaint)
	}

	async function webApp(): Promise<string> {
		await buildWebApp(signal)
		return await copyWebApp(folder)
	}

	const timeout = AbortSignal.timeout(START_WITHIN)
	const signal = AbortSignal.any([failure.signal, timeout, ...(options.signal ? [options.signal] : [])])
	try {
		if (!(await becomesFree(port))) throw portTaken(port)
		await clearRegistry(folder)
		const token = await createToken(await localSecret(folder), { sub: 'local', expiresIn: 60 })
		const [converterPort = 0, apiInspector = 0, converterInspector = 0] = await freePorts(3)

		onStep('Getting ready')
		// The API is bundled only where its files are.
		const files = webApp()
		const [converterScript, apiScript, assets] = await Promise.all([
			bundleWorker(folder, 'converter', configs.converter, signal),
			files.then(() => bundleWorker(folder, 'api', configs.api, signal)),
			files,
			applyMigrations(folder, configs.api, signal),
		])

		onStep('Starting the converter')
		run('converter', { script: converterScript, port: converterPort, inspectorPort: converterInspector })
		await untilAnswers(healthAddress(converterPort), signal)

		onStep('Starting the API')
		run('api', { script: apiScript, assets, port, inspectorPort: apiInspector })
		await untilAnswers(healthAddress(port), signal)
		// Only our own API takes this token: nobody else has come to this port meanwhile.
		await untilAnswers(`http://localhost:${port}/api/documents?limit=1`, signal, { Authorization: `Bearer ${token}` })
		await untilAnswers(`${healthAddress(converterPort)}?gate`, signal)
		return { port, broken, stop, kill }
	} catch (error) {
		await stop()
		if (error === timeout.reason) {
			throw new Complaint(
				`Platen did not start within ${START_WITHIN / 1000} s. Its logs are in ${shown(folder.logs)}.`,
			)
		}
		throw error
	}
}

function portTaken(port: number): Complaint {
	return new Complaint(
		`Port ${port} is taken by another program. Stop that one, or take another port: npm start -- --port ${port === 65_535 ? 8787 : port + 1}`,
	)
}

/** Settings that this shell may give. */
function settingsOfShell(): Record<string, string> {
	const { WEBHOOK_ALLOW_LOCAL: allowLocal } = process.env
	return allowLocal === undefined ? {} : { WEBHOOK_ALLOW_LOCAL: allowLocal }
}
