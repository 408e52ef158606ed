/** The API Worker and bare ones, in one workerd process, each reached directly. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT } from '../../scripts/local/folder.ts'
import { freePorts } from '../../scripts/local/ports.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { createToken } from '../../src/client/token.ts'
import { bundle, describeApi, optionsFor, startRuntime } from '../workerd/workerd.ts'

const ENTRIES = join(import.meta.dirname, 'worker')
const SECRET = 'a secret that only this bench knows'

export interface StatusService {
	api: number
	bare: number
	token: string
	client: Client
	stop(): Promise<void>
}

/** @param path of a folder for everything, which is made */
export async function startService(path: string, signal: AbortSignal): Promise<StatusService> {
	const [proxy = 0, api = 0, bare = 0] = await freePorts(3)
	const described = await describeApi(path, signal)
	const common = { ...described, bindings: { ...described.bindings, AUTH_JWT_SECRET: SECRET } }
	const worker = async (name: string, port: number) => ({
		...common,
		...(await bundle(path, name, join(ENTRIES, `${name}.ts`), described, signal)),
		name,
		unsafeDirectSockets: [{ host: '127.0.0.1', port }],
	})
	const workers = [
		await worker('api', api),
		{ ...(await worker('bare', bare)), durableObjects: { BARE: { className: 'BareObject', useSQLite: true } } },
	]
	const optionsFile = join(path, 'options.json')
	await writeFile(optionsFile, JSON.stringify(optionsFor(path, proxy, workers)))
	const address = `http://127.0.0.1:${api}`
	const running = await startRuntime(optionsFile, signal)
	try {
		const made = await fetch(address, { method: 'PUT', body: JSON.stringify(await migrations()), signal })
		if (!made.ok) throw new Error(`The tables could not be made: ${await made.text()}`)
	} catch (error) {
		await running.stop()
		throw error
	}
	const token = await createToken(SECRET, { sub: 'bench' })
	const client = createClient({ baseUrl: address, getToken: () => token })
	return { api, bare, token, client, stop: () => running.stop() }
}

/** Statement by statement. */
async function migrations(): Promise<string[]> {
	const folder = join(PROJECT, 'migrations')
	const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
	const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
	return texts.flatMap((text) => text.split('--> statement-breakpoint').map((each) => each.replace(/--.*/g, '')))
}
