/** A whole service for a test: both Workers, a folder of its own, a client. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFolder } from '../../scripts/local/folder.ts'
import { freePorts } from '../../scripts/local/ports.ts'
import { localSecret } from '../../scripts/local/secret.ts'
import { type LocalService, startService } from '../../scripts/local/service.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { createToken } from '../../src/client/token.ts'

export interface Running {
	service: LocalService
	path: string
	address: string
	token: string
	client: Client
}

/** @param path an earlier service's folder, to go on with its state */
export async function start(path?: string, settings: Record<string, string> = {}): Promise<Running> {
	const at = path ?? (await mkdtemp(join(tmpdir(), 'platen-test-')))
	const folder = await openFolder(at)
	const [port = 0] = await freePorts(1)
	const service = await startService({ folder, port, settings, onError: (line) => console.error(line) })
	const token = await createToken(await localSecret(folder), { sub: 'tester' })
	const address = `http://localhost:${port}`
	return { service, path: at, address, token, client: createClient({ baseUrl: address, getToken: () => token }) }
}

export async function stop({ service, path }: Running): Promise<void> {
	await service.stop()
	await rm(path, { recursive: true, force: true })
}
