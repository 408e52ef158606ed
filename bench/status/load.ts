/**
 * Requests over loopback, as many as go: each lane has a connection of its own and sends its next request when it has the
 * answer. Written on bare sockets, so that what is measured is the service and not a client.
 */
import { connect, type Socket } from 'node:net'

export interface Target {
	port: number
	/** Of each lane: several have the same, or each its own. */
	path: (lane: number) => string
	headers: Record<string, string>
}

export interface Load {
	/** Requests a second. */
	rate: number
	/** Milliseconds from request to answer. */
	times: number[]
}

/** @param milliseconds for which requests are begun; the first fifth is not counted */
export async function load(target: Target, lanes: number, milliseconds: number): Promise<Load> {
	const from = performance.now() + milliseconds / 5
	const to = performance.now() + milliseconds
	const times: number[] = []
	async function lane(index: number): Promise<void> {
		const socket = connect(target.port, '127.0.0.1')
		socket.setNoDelay(true)
		try {
			const request = requestTo(target, index)
			for (let startedAt = performance.now(); startedAt < to; ) {
				await exchange(socket, request)
				const endedAt = performance.now()
				if (startedAt >= from) times.push(endedAt - startedAt)
				startedAt = endedAt
			}
		} finally {
			socket.destroy()
		}
	}
	await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)))
	return { rate: times.length / ((performance.now() - from) / 1000), times }
}

function requestTo({ path, headers }: Target, lane: number): string {
	const lines = Object.entries({ Host: 'bench', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
	return `GET ${path(lane)} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Sends a request and reads its answer to the end: with a length, or in chunks. */
function exchange(socket: Socket, request: string): Promise<void> {
	const { promise, resolve, reject } = Promise.withResolvers<void>()
	let text = ''
	function onData(part: Buffer): void {
		text += part.toString('latin1')
		if (!isWhole(text)) return
		stop()
		if (text.startsWith('HTTP/1.1 200 ')) resolve()
		else reject(new Error(`Not as asked: ${text.slice(0, 300)}`))
	}
	function onEnd(): void {
		stop()
		reject(new Error('The connection ended'))
	}
	function stop(): void {
		socket.off('data', onData)
		socket.off('error', onEnd)
		socket.off('close', onEnd)
	}
	socket.on('data', onData)
	socket.on('error', onEnd)
	socket.on('close', onEnd)
	socket.write(request)
	return promise
}

function isWhole(text: string): boolean {
	const head = text.indexOf('\r\n\r\n')
	if (head === -1) return false
	const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head))?.[1]
	return length === undefined ? text.endsWith('\r\n0\r\n\r\n') : text.length >= head + 4 + Number(length)
}
