/** A whole service of two processes on one folder, whose halves can be killed and started again. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Folder, openFolder } from '../../../scripts/local/folder.ts'
import { applyMigrations } from '../../../scripts/local/migrations.ts'
import { freePorts } from '../../../scripts/local/ports.ts'
import { localSecret } from '../../../scripts/local/secret.ts'
import { PROJECT_CONFIGS } from '../../../scripts/local/wrangler.ts'
import { type Client, createClient } from '../../../src/client/client.ts'
import { createToken } from '../../../src/client/token.ts'
import { HALVES, type Half } from '../points.ts'
import type { WorkerOptions } from './bundle.ts'
import { type HalfProcess, halfProcess } from './process.ts'

/** Until both halves have found each other. Milliseconds. */
const MEET_WITHIN = 15_000
const ASK_EVERY = 20
/** As many as there may be, so that chunks which are hit again and again are not given up. */
const MAX_RETRIES = '10'

export interface Instance {
	client: Client
	address: string
	token: string
	folder: Folder
	half(half: Half): HalfProcess
	/** Starts what is not running; resolves when the converter reaches the gate. */
	start(halves: readonly Half[]): Promise<void>
	kill(halves: readonly Half[]): Promise<void>
}

/** Makes an instance, which is not started yet. */
export async function makeInstance(
	path: string,
	workers: Record<Half, WorkerOptions>,
	signal: AbortSignal,
): Promise<Instance> {
	const folder = await openFolder(path)
	const secret = await localSecret(folder)
	await applyMigrations(folder, PROJECT_CONFIGS.api, signal)
	const [apiPort = 0, converterPort = 0] = await freePorts(HALVES.length)
	const processes = {
		api: await halfProcess('api', {
			folder,
			port: apiPort,
			worker: workers.api,
			variables: { AUTH_JWT_SECRET: secret, MAX_RETRIES },
		}),
		converter: await halfProcess('converter', {
			folder,
			port: converterPort,
			worker: workers.converter,
			variables: {},
		}),
	}
	const token = await createToken(secret, { sub: 'chaos' })
	const address = `http://127.0.0.1:${apiPort}`
	const client = createClient({ baseUrl: address, getToken: () => token })

	async function meet(): Promise<void> {
		const deadline = Date.now() + MEET_WITHIN
		for (;;) {
			signal.throwIfAborted()
			const response = await fetch(`http://127.0.0.1:${converterPort}/healthz?gate`)
			await response.body?.cancel()
			if (response.ok) return
			if (Date.now() > deadline) throw new Error('The halves do not find each other')
			await sleep(ASK_EVERY)
		}
	}

	return {
		client,
		address,
		token,
		folder,
		half: (half) => processes[half],
		async start(halves) {
			await Promise.all(halves.map((half) => processes[half].start()))
			await meet()
		},
		async kill(halves) {
			await Promise.all(halves.map((half) => processes[half].kill()))
		},
	}
}

/** Where an instance keeps what outlives a kill. */
export function statePath({ folder }: Instance): string {
	return join(folder.apiState, 'v3')
}
