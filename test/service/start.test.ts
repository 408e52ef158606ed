import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { PROJECT } from '../../scripts/local/folder.ts'
import { freePorts } from '../../scripts/local/ports.ts'

const onLinux = test.skipIf(process.platform !== 'linux')

interface Script {
	process: ChildProcess
	/** Everything printed so far. */
	output: () => string
	errors: () => string
	/** The exit code, or the signal that ended it. */
	ended: Promise<number | NodeJS.Signals | null>
}

const running: Script[] = []
const folders: string[] = []

afterEach(async () => {
	for (const { process, ended } of running.splice(0)) {
		if (process.exitCode === null && process.signalCode === null) process.kill('SIGTERM')
		await ended
	}
	for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function newFolder(): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'platen-start-'))
	folders.push(folder)
	return folder
}

function runScript(name: string, ...args: string[]): Script {
	const child = spawn(process.execPath, [join(PROJECT, `scripts/${name}.ts`), ...args], {
		cwd: PROJECT,
		stdio: ['ignore', 'pipe', 'pipe'],
	})
	let output = ''
	let errors = ''
	child.stdout.on('data', (chunk) => (output += chunk))
	child.stderr.on('data', (chunk) => (errors += chunk))
	const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
	const script = { process: child, output: () => output, errors: () => errors, ended }
	running.push(script)
	return script
}

interface Instance extends Script {
	folder: string
	port: number
	token: string
}

/** Runs the start script; resolves when it has printed its address. */
async function start(): Promise<Instance> {
	const folder = await newFolder()
	const [port = 0] = await freePorts(1)
	const script = runScript('start', '--quiet', '--persist', folder, '--port', String(port))
	const address = new RegExp(`^http://localhost:${port}/#token=(\\S+)\\n$`)
	while (!address.test(script.output())) {
		if (script.process.exitCode !== null) throw new Error(`It did not start: ${script.errors()}`)
		await sleep(50)
	}
	return { ...script, folder, port, token: address.exec(script.output())?.[1] ?? '' }
}

async function documentsAnswer({ port }: Instance, token: string): Promise<number> {
	const headers = { Authorization: `Bearer ${token}` }
	return (await fetch(`http://localhost:${port}/api/documents`, { headers })).status
}

/** Processes that belong to an instance: its folder is in their environment or on their command line. */
async function processesOf(folder: string): Promise<string[]> {
	const found: string[] = []
	for (const pid of await readdir('/proc')) {
		if (!/^\d+$/.test(pid)) continue
		const about = await Promise.all(['environ', 'cmdline'].map((file) => readText(`/proc/${pid}/${file}`)))
		if (about.some((text) => text.includes(folder))) found.push(pid)
	}
	return found
}

async function readText(path: string): Promise<string> {
	return await readFile(path, 'utf8').catch(() => '')
}

async function untilNoneIsLeft(folder: string): Promise<void> {
	await expect.poll(() => processesOf(folder), { timeout: 10_000, interval: 100 }).toEqual([])
}

test('two instances do not meet: each has its own secret, which only its owner may read', async () => {
	const [one, other] = await Promise.all([start(), start()])
	expect(await documentsAnswer(one, one.token)).toBe(200)
	expect(await documentsAnswer(other, other.token)).toBe(200)
	expect(await documentsAnswer(one, other.token)).toBe(401)
	expect(await documentsAnswer(other, one.token)).toBe(401)
	for (const file of ['auth.env', 'service.json']) {
		expect(((await stat(join(one.folder, file))).mode & 0o777).toString(8)).toBe('600')
	}
})

onLinux('Ctrl-C ends every process, and gives the folder back', async () => {
	const instance = await start()
	expect((await processesOf(instance.folder)).length).toBeGreaterThan(4)
	instance.process.kill('SIGINT')
	expect(await instance.ended).toBe(0)
	await untilNoneIsLeft(instance.folder)
	await expect(access(join(instance.folder, 'service.json'))).rejects.toThrow('ENOENT')
})

onLinux('SIGKILL of the start script ends every process, and the folder can be used again', async () => {
	const instance = await start()
	instance.process.kill('SIGKILL')
	expect(await instance.ended).toBe('SIGKILL')
	await untilNoneIsLeft(instance.folder)

	const again = runScript('start', '--quiet', '--persist', instance.folder, '--port', String(instance.port))
	await expect.poll(() => again.output(), { timeout: 90_000 }).toContain('#token=')
	expect(await documentsAnswer(instance, instance.token)).toBe(200)
})

onLinux('when a Worker dies, everything ends and says so', async () => {
	const instance = await start()
	const members = await processesOf(instance.folder)
	const wrangler = await findAsync(members, async (pid) => {
		const command = await readText(`/proc/${pid}/cmdline`)
		return command.includes('wrangler.converter.toml') && !command.includes('guard.ts')
	})
	process.kill(Number(wrangler), 'SIGKILL')
	expect(await instance.ended).toBe(1)
	expect(instance.errors()).toContain('The converter process')
	await untilNoneIsLeft(instance.folder)
})

test('a second start on the same folder is refused', async () => {
	const { folder, port } = await start()
	const [otherPort = 0] = await freePorts(1)
	const second = runScript('start', '--persist', folder, '--port', String(otherPort))
	expect(await second.ended).toBe(1)
	expect(second.errors()).toContain('is running on')
	expect(second.errors()).toContain(`http://localhost:${port}`)
})

test('a port that is taken is said to be, and leaves nothing running', async () => {
	const folder = await newFolder()
	const server = createServer().listen(0, '127.0.0.1')
	await once(server, 'listening')
	const address = server.address()
	const port = typeof address === 'object' && address ? address.port : 0
	const script = runScript('start', '--persist', folder, '--port', String(port))
	expect(await script.ended).toBe(1)
	expect(script.errors()).toContain(`Port ${port} is taken`)
	expect(script.errors()).toContain('--port')
	server.close()
})

test('token prints a token and nothing else, which the service of that folder takes', async () => {
	const instance = await start()
	const script = runScript('token', '--sub', 'alice', '--expires', '5m', '--persist', instance.folder)
	expect(await script.ended).toBe(0)
	expect(script.errors()).toBe('')
	expect(script.output()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
	const [, payload = ''] = script.output().split('.')
	const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
	expect(claims).toEqual({ sub: 'alice', iat: expect.any(Number), exp: claims.iat + 300 })
	expect(await documentsAnswer(instance, script.output().trim())).toBe(200)
})

async function findAsync<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T | undefined> {
	for (const item of items) if (await test(item)) return item
	return undefined
}
