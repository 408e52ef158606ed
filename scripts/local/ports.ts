/** Ports of this machine. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from './complaint.ts'
import { isCode } from './system-error.ts'

/** Both meanings of `localhost`: a port that only one of them has free is not free. */
const LOOPBACKS = ['127.0.0.1', '::1']
/** Attempts, each a tenth of a second. */
const PATIENCE = 10

/** Whether nobody listens on this port of the loopback interface. */
async function isFree(port: number): Promise<boolean> {
	for (const host of LOOPBACKS) {
		if ((await tryListening(port, host)) === 'taken') return false
	}
	return true
}

/** The same, with patience for an instance that was killed a moment ago. */
export async function becomesFree(port: number): Promise<boolean> {
	for (let attempt = 1; attempt < PATIENCE; attempt++) {
		if (await isFree(port)) return true
		await sleep(100)
	}
	return isFree(port)
}

/**
 * Where free ports are looked for: below those that systems give to outgoing connections (Linux from 32,768, others from
 * 49,152), since any connection could take one of these between now and its use.
 */
const LOWEST = 15_000
const HIGHEST = 32_000
/** Ports tried before giving up. */
const TRIES = 200

/** Different ports that are free now. Somebody else may take one before it is used; who starts on it will notice. */
export async function freePorts(count: number): Promise<number[]> {
	const ports = new Set<number>()
	for (let tries = 0; tries < TRIES; tries++) {
		const port = randomInt(LOWEST, HIGHEST)
		if (!ports.has(port) && (await isFree(port))) ports.add(port)
		if (ports.size === count) return [...ports]
	}
	throw new Complaint('No free port can be had on this machine.')
}

/** Reads a port from the command line. */
export function parsePort(text: string): number {
	const port = Number(text)
	if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port
	throw new Complaint(`--port is a number from 1 to 65535, not "${text}".`)
}

/** `unknown` where this machine does not know such an address (no IPv6). */
function tryListening(port: number, host: string): Promise<'free' | 'taken' | 'unknown'> {
	const { promise, resolve, reject } = Promise.withResolvers<'free' | 'taken' | 'unknown'>()
	const server = createServer()
	server.once('error', (error) => {
		if (isCode(error, 'EADDRINUSE')) resolve('taken')
		else if (isCode(error, 'EADDRNOTAVAIL') || isCode(error, 'EAFNOSUPPORT')) resolve('unknown')
		else if (isCode(error, 'EACCES')) reject(new Complaint(`You may not listen on port ${port}. Take one above 1023.`))
		else reject(error)
	})
	server.listen({ port, host, exclusive: true }, () => {
		server.close(() => resolve('free'))
	})
	return promise
}
