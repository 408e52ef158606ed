/** One live connection: from its ticket to its end. */
import { SOCKET_PROTOCOL, socketMessageSchema, TICKET_PROTOCOL_PREFIX } from '../core/protocol.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { Client } from './client.ts'
import { jsonOf, PlatenError } from './error.ts'

/** A connection that has said nothing by then is given up. Milliseconds. */
const CONNECT_WITHIN = 10_000
/** The service closes sockets that stay silent for a minute. Milliseconds. */
const PING_EVERY = 20_000
/** The runtime answers pings at once; without an answer the link is dead, whatever TCP believes. Milliseconds. */
const PONG_WITHIN = 10_000

/** Runs something later; gives back what calls it off. */
export type After = (milliseconds: number, run: () => void) => () => void

export interface LiveSocket {
	send(text: string): void
	close(): void
}

export type OpenSocket = (
	address: string,
	protocols: string[],
	handlers: { onMessage: (data: unknown) => void; onClose: (code: number) => void },
) => LiveSocket

export interface ConnectOptions {
	after: After
	openSocket: OpenSocket
	onSnapshot: (snapshot: Snapshot) => void
	/** The connection is over, and not by its stop; called once. */
	onLost: (reason: number | PlatenError) => void
}

/** There was no close frame. */
const ABNORMAL = 1006

/**
 * Gets a ticket, opens the document's socket and keeps it alive.
 *
 * @returns what ends it, after which nothing is called any more
 */
export function connect(client: Client, documentId: string, options: ConnectOptions): () => void {
	const { after, openSocket, onSnapshot, onLost } = options
	let over = false
	let socket: LiveSocket | null = null
	let cancelTimer = after(CONNECT_WITHIN, () => lost(ABNORMAL))

	function end(): void {
		over = true
		cancelTimer()
		socket?.close()
	}

	function lost(reason: number | PlatenError): void {
		if (over) return
		end()
		onLost(reason)
	}

	/** Anything that arrives is a sign of life. */
	function pingLater(): void {
		cancelTimer()
		cancelTimer = after(PING_EVERY, () => {
			socket?.send('ping')
			cancelTimer = after(PONG_WITHIN, () => lost(ABNORMAL))
		})
	}

	function receive(data: unknown): void {
		if (over || typeof data !== 'string') return
		pingLater()
		// What a newer service says beside that is not for us.
		const message = data === 'pong' ? null : socketMessageSchema.safeParse(jsonOf(data))
		if (message?.success) onSnapshot(message.data.snapshot)
	}

	async function open(): Promise<void> {
		try {
			const { ticket } = await client.ticket(documentId)
			if (over) return
			const protocols = [SOCKET_PROTOCOL, `${TICKET_PROTOCOL_PREFIX}${ticket}`]
			socket = openSocket(client.liveAddress(documentId), protocols, { onMessage: receive, onClose: lost })
		} catch (error) {
			lost(error instanceof PlatenError ? error : ABNORMAL)
		}
	}

	void open()
	return end
}

/** The platform's own socket. */
export const openWebSocket: OpenSocket = (address, protocols, { onMessage, onClose }) => {
	const socket = new WebSocket(address, protocols)
	socket.onmessage = ({ data }) => onMessage(data)
	socket.onclose = ({ code }) => onClose(code)
	return {
		send: (text) => socket.send(text),
		close: () => socket.close(),
	}
}

/** The platform's own timer. */
export const afterTimeout: After = (milliseconds, run) => {
	const timer = setTimeout(run, milliseconds)
	return () => clearTimeout(timer)
}
