/**
 * The sockets on which a document tells its progress: whole snapshots, each with a higher version than the last (I8).
 *
 * They hibernate: an object with a hundred quiet watchers sleeps, and the runtime answers their pings without it.
 */
import { z } from 'zod'
import type { Caller } from '../../core/access.ts'
import { SOCKET_PROTOCOL } from '../../core/protocol.ts'
import type { Snapshot } from '../../core/snapshot.ts'

/** At most one snapshot in this time, unless the status changes. Milliseconds. */
const COALESCED_OVER = 100

/** How long a ticket is good for, in milliseconds. */
const TICKET_DURATION = 30_000
/** More tickets than this are not kept for one document. */
const TICKETS_KEPT = 1_000

/** Clients ping every 20 s; one that has not for so long does not read either. Milliseconds. */
const SILENT_FOR = 60_000
/** Bytes that may wait for a reader. */
const MOST_BUFFERED = 1024 * 1024

const CLOSE_EXPIRED = 4401
const CLOSE_UNEXPECTED = 1008
const CLOSE_TOO_SLOW = 1013

const attachmentSchema = z.object({
	/** When the caller's token ends, in seconds since the epoch. */
	exp: z.number(),
	/** Milliseconds since the epoch. */
	openedAt: z.number().default(0),
})
type Attachment = z.infer<typeof attachmentSchema>

export class ProgressSockets {
	readonly #ctx: DurableObjectState
	readonly #read: () => Snapshot
	/**
	 * Tickets are kept in memory only. An object that forgets them refuses them, and the client asks for another: so
	 * each works at most once, without a row.
	 */
	readonly #tickets = new Map<string, { expiresAt: number; exp: number }>()
	#lastStatus: string | null = null
	#lastSentAt = 0
	#pending = false

	/** @param read gives the snapshot as it is when it is sent, not as it was when the sending was planned */
	constructor(ctx: DurableObjectState, read: () => Snapshot) {
		this.#ctx = ctx
		this.#read = read
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
	}

	issueTicket(caller: Caller, now: number): { ticket: string; expiresAt: number } {
		for (const [ticket, { expiresAt }] of this.#tickets) if (expiresAt <= now) this.#tickets.delete(ticket)
		const oldest = this.#tickets.keys().next().value
		if (this.#tickets.size >= TICKETS_KEPT && oldest) this.#tickets.delete(oldest)
		const ticket = crypto.randomUUID().replaceAll('-', '')
		const expiresAt = now + TICKET_DURATION
		this.#tickets.set(ticket, { expiresAt, exp: caller.exp })
		return { ticket, expiresAt }
	}

	/** When the ticket's owner loses access, in seconds since the epoch; null for a ticket that is not good. */
	redeem(ticket: string, now: number): { exp: number } | null {
		const known = this.#tickets.get(ticket)
		this.#tickets.delete(ticket)
		return known && known.expiresAt > now ? { exp: known.exp } : null
	}

	/** Opens a socket that first of all says how things stand. */
	accept(exp: number, now: number): Response {
		const { 0: client, 1: server } = new WebSocketPair()
		this.#ctx.acceptWebSocket(server)
		server.serializeAttachment({ exp, openedAt: now } satisfies Attachment)
		server.send(messageOf(this.#read()))
		return new Response(null, {
			status: 101,
			webSocket: client,
			headers: { 'Sec-WebSocket-Protocol': SOCKET_PROTOCOL },
		})
	}

	/** Whether anybody looks on. @param except a socket that is closing */
	isWatched(except?: WebSocket): boolean {
		return this.#ctx.getWebSockets().some((socket) => socket !== except)
	}

	/** The next snapshot is sent after {@link COALESCED_OVER} only, as if one had been sent now. */
	hold(now: number): void {
		this.#lastSentAt = now
		this.#lastStatus = this.#read().status
	}

	/** Tells everybody, now or within {@link COALESCED_OVER}. */
	publish(now: number): void {
		if (this.#ctx.getWebSockets().length === 0) return
		const statusChanged = this.#read().status !== this.#lastStatus
		const wait = this.#lastSentAt + COALESCED_OVER - now
		if (statusChanged || wait <= 0) {
			this.#send(now)
		} else if (!this.#pending) {
			this.#pending = true
			setTimeout(() => {
				if (this.#pending) this.#send(Date.now())
			}, wait)
		}
	}

	/** Clients say nothing but `ping`, which the runtime answers by itself. */
	refuse(socket: WebSocket): void {
		socket.close(CLOSE_UNEXPECTED, 'This socket only listens to ping')
	}

	/** The document is gone. */
	dismiss(): void {
		this.#pending = false
		for (const socket of this.#ctx.getWebSockets()) socket.close(CLOSE_UNEXPECTED, 'The document was erased')
	}

	#send(now: number): void {
		this.#pending = false
		const snapshot = this.#read()
		this.#lastStatus = snapshot.status
		this.#lastSentAt = now
		const message = messageOf(snapshot)
		for (const socket of this.#ctx.getWebSockets()) {
			try {
				const reason = this.#reasonToClose(socket, now)
				if (reason) socket.close(...reason)
				else socket.send(message)
			} catch {
				// A socket that is going away cannot be written to; its client comes back by itself.
			}
		}
	}

	/**
	 * Whoever does not read makes the object buffer without bound, so a reader must show signs of life: its pings, which
	 * the runtime answers without us. In between, whole snapshots ten times a second are all that can pile up.
	 */
	#reasonToClose(socket: WebSocket, now: number): [code: number, reason: string] | null {
		const attachment = attachmentSchema.safeParse(socket.deserializeAttachment())
		if (!attachment.success || attachment.data.exp * 1000 <= now) {
			return [CLOSE_EXPIRED, 'The token has expired, connect again with a fresh ticket']
		}
		const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0
		const isSilent = now - Math.max(pinged, attachment.data.openedAt) > SILENT_FOR
		if (isSilent || bufferedBy(socket) > MOST_BUFFERED) {
			return [CLOSE_TOO_SLOW, 'Nothing was heard of you for too long, connect again later']
		}
		return null
	}
}

/** Bytes that wait for a reader; not every runtime says it. */
function bufferedBy(socket: WebSocket): number {
	const { bufferedAmount } = socket as { bufferedAmount?: unknown }
	return typeof bufferedAmount === 'number' ? bufferedAmount : 0
}

function messageOf(snapshot: Snapshot): string {
	return JSON.stringify({ type: 'snapshot', snapshot })
}
