/** The real Workers in one workerd without wrangler's development proxy, on a folder of their own, with nobody outside. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4MiniflareOptions } from 'miniflare'
import { bundleWorker } from '../../scripts/local/bundle.ts'
import { Complaint } from '../../scripts/local/complaint.ts'
import { type Folder, openFolder, PROJECT } from '../../scripts/local/folder.ts'
import { applyMigrations } from '../../scripts/local/migrations.ts'
import { runTool } from '../../scripts/local/tool.ts'
import { buildWebApp } from '../../scripts/local/web-app.ts'
import { PROJECT_CONFIGS } from '../../scripts/local/wrangler.ts'
import type { Request, Response } from './request.ts'

/** An answer that takes longer is none. Milliseconds. */
const ANSWER_WITHIN = 60_000

export interface ContractService {
	send(request: Request): Promise<Response>
	/** What the Workers complained of, line by line. */
	complaints: string[]
	stop(): Promise<void>
}

export async function startService(secret: string, signal: AbortSignal): Promise<ContractService> {
	const path = await mkdtemp(join(tmpdir(), 'platen-contract-'))
	const complaints: string[] = []
	try {
		const folder = await openFolder(path)
		const workers = await workersOf(folder, secret, signal)
		const miniflare = new Miniflare(
			convertV4MiniflareOptions({
				host: '127.0.0.1',
				port: 0,
				resourcePersistencePath: join(folder.apiState, 'v3'),
				resourceTmpPath: join(folder.apiState, 'tmp'),
				logRequests: false,
				cf: false,
				log: new Log(LogLevel.NONE),
				handleStructuredLogs({ level, message }) {
					if (level === 'error') complaints.push(message)
				},
				workers,
			} as V4MiniflareOptions),
		)
		const { hostname, port } = await miniflare.ready
		const agent = new Agent({ keepAlive: true, maxSockets: 32 })
		return {
			complaints,
			send: (request) => exchange(request, { hostname, port: Number(port), agent }),
			async stop() {
				agent.destroy()
				await miniflare.dispose()
				await rm(path, { recursive: true, force: true })
			},
		}
	} catch (error) {
		await rm(path, { recursive: true, force: true })
		throw error
	}
}

async function workersOf(folder: Folder, secret: string, signal: AbortSignal): Promise<object[]> {
	const described = join(folder.bundles, 'workers.json')
	// The API's configuration names the web app's files, and wrangler wants to see them.
	await buildWebApp(signal)
	const configs = [PROJECT_CONFIGS.api, PROJECT_CONFIGS.converter]
	const configure = join(PROJECT, 'test/chaos/service/configure.ts')
	const [api, converter, read] = await Promise.all([
		bundleWorker(folder, 'api', PROJECT_CONFIGS.api, signal),
		bundleWorker(folder, 'converter', PROJECT_CONFIGS.converter, signal),
		runTool(configure, [described, ...configs], { signal }),
		applyMigrations(folder, PROJECT_CONFIGS.api, signal),
	])
	if (!read.ok) throw new Complaint(`The configurations could not be read.\n${read.output}`)
	const options = JSON.parse(await readFile(described, 'utf8')) as Record<string, Record<string, object>>[]
	const scripts = [api, converter]
	return await Promise.all(
		options.map(async (worker, index) => ({
			...worker,
			...(await modulesOf(scripts[index] ?? '')),
			...(index === 0 && { bindings: { ...worker.bindings, AUTH_JWT_SECRET: secret } }),
			ratelimits: unlimited(worker.ratelimits ?? {}),
			// Webhooks and the like end here.
			outboundService: () => new globalThis.Response(null, { status: 503 }),
		})),
	)
}

async function modulesOf(script: string) {
	const modulesRoot = dirname(script)
	const files = await readdir(modulesRoot)
	const others = files.filter((name) => name.endsWith('.wasm'))
	const modules = [script, ...others.map((name) => join(modulesRoot, name))]
	return {
		modulesRoot,
		modules: modules.map((path) => ({ type: path.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule', path })),
	}
}

/** Who asks ten thousand times in a minute would only see brakes. */
function unlimited(brakes: Record<string, object>): Record<string, object> {
	const entries = Object.entries(brakes).map(([name, brake]) => [
		name,
		{ ...brake, simple: { limit: 10_000_000, period: 60 } },
	])
	return Object.fromEntries(entries)
}

/** By Node's own client, which sends whatever header it is given. */
function exchange(
	{ method, path, headers, body }: Request,
	to: { hostname: string; port: number; agent: Agent },
): Promise<Response> {
	return new Promise((resolve, reject) => {
		const isUpgrade = headers.upgrade !== undefined
		const asked = httpRequest({
			...to,
			method,
			path,
			timeout: ANSWER_WITHIN,
			headers: {
				...headers,
				...(isUpgrade && {
					connection: 'Upgrade',
					'sec-websocket-version': '13',
					'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
				}),
			},
		})
		asked.on('upgrade', ({ statusCode = 0, headers: said }, socket) => {
			socket.destroy()
			resolve({ status: statusCode, headers: flat(said), body: new Uint8Array() })
		})
		asked.on('response', (response) => {
			const parts: Buffer[] = []
			response.on('data', (part: Buffer) => parts.push(part))
			response.on('error', reject)
			response.on('end', () =>
				resolve({ status: response.statusCode ?? 0, headers: flat(response.headers), body: Buffer.concat(parts) }),
			)
		})
		asked.on('timeout', () => asked.destroy(new Error(`no answer within ${ANSWER_WITHIN} ms`)))
		asked.on('error', reject)
		asked.end(body ?? undefined)
	})
}

function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
	return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]))
}
