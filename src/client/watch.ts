/**
 * Watches one document's conversion until it is settled: by socket, and while no socket can be had by polls that wait for
 * news. Snapshots come with rising versions only, whichever way they took.
 */
import { backoff, type RetryPolicy } from '../core/job/retry.ts'
import { isSettled, type Snapshot } from '../core/snapshot.ts'
import type { Client } from './client.ts'
import { PlatenError } from './error.ts'
import { type After, afterTimeout, connect, type OpenSocket, openWebSocket } from './socket.ts'

/** How the news come: pushed, asked for, or not at all for now. */
export type Connection = 'connecting' | 'live' | 'polling' | 'offline'

/** How long a poll waits for news, in seconds: less than a call may take. */
const POLL_WAIT = 20
/** Between the beginnings of two polls, however soon news come, and for services that do not wait. Milliseconds. */
const POLL_DISTANCE = 1_000
/** After a poll that failed. Milliseconds. */
const POLL_AGAIN_AFTER = 2_000
const reconnectPolicy: RetryPolicy = { baseDelay: 1_000, maxDelay: 15_000 }
/** Reconnecting sooner than this helps nobody. Milliseconds. */
const SHORTEST_DELAY = 100

/** The service does not want this connection again. */
const CLOSE_REFUSED = 1008
/** We read too slowly: come back later. */
const CLOSE_TOO_SLOW = 1013
/** So many losses as if there had been; the wait after 1013 is long from the start. */
const LOSSES_WHEN_TOO_SLOW = 4

export interface WatchOptions {
	/** The version that is known already; only higher ones are told. */
	since?: number | undefined
	/** Watching is of no use: signed out, or no such document. It has ended by itself then. */
	onError?: ((error: PlatenError) => void) | undefined
	/** From 0 (inclusive) to 1 (exclusive): the jitter. */
	random?: (() => number) | undefined
	after?: After | undefined
	openSocket?: OpenSocket | undefined
}

/**
 * Watches a document's conversion.
 *
 * @param onSnapshot is told every snapshot that is newer than the last
 * @param onConnection is told when the way in which news come changes
 * @returns what stops it; it stops by itself when the conversion is settled
 */
export function watch(
	client: Client,
	documentId: string,
	onSnapshot: (snapshot: Snapshot) => void,
	onConnection: (connection: Connection) => void = () => {},
	options: WatchOptions = {},
): () => void {
	const { since = -1, onError, random = Math.random, after = afterTimeout, openSocket = openWebSocket } = options
	let highest = since
	let losses = 0
	let connection: Connection | null = null
	let stopped = false
	/** Ends the loop that polls, with its pending request; null while none does. */
	let polling: AbortController | null = null
	let endSocket = () => {}
	let cancelReconnect = () => {}
	let cancelPause = () => {}

	function stop(): void {
		stopped = true
		endSocket()
		cancelReconnect()
		stopPolling()
	}

	function say(next: Connection): void {
		if (next === connection) return
		connection = next
		onConnection(next)
	}

	function take(snapshot: Snapshot): void {
		if (stopped || snapshot.version < highest) return
		// Stopped first, so that whoever is told of the end may begin anew.
		if (isSettled(snapshot.status)) stop()
		if (snapshot.version > highest) {
			highest = snapshot.version
			onSnapshot(snapshot)
		}
	}

	/** Whether an error will still be there the next time, however often we ask. */
	function gaveUp(error: unknown): boolean {
		if (!(error instanceof PlatenError) || ![401, 403, 404].includes(error.status ?? 0)) return false
		stop()
		onError?.(error)
		return true
	}

	function openLive(): void {
		endSocket = connect(client, documentId, {
			after,
			openSocket,
			onSnapshot(snapshot) {
				losses = 0
				stopPolling()
				say('live')
				take(snapshot)
			},
			onLost(reason) {
				if (gaveUp(reason)) return
				startPolling()
				if (reason === CLOSE_REFUSED) return
				losses = reason === CLOSE_TOO_SLOW ? Math.max(losses + 1, LOSSES_WHEN_TOO_SLOW) : losses + 1
				cancelReconnect = after(Math.max(SHORTEST_DELAY, backoff(reconnectPolicy, losses, random())), openLive)
			},
		})
	}

	function startPolling(): void {
		if (polling) return
		polling = new AbortController()
		say('connecting')
		void poll(polling.signal)
	}

	function stopPolling(): void {
		polling?.abort()
		polling = null
		cancelPause()
	}

	/** Never comes to an end when it is called off. */
	function pause(milliseconds: number): Promise<void> {
		cancelPause()
		return new Promise((resolve) => {
			cancelPause = after(milliseconds, resolve)
		})
	}

	async function poll(signal: AbortSignal): Promise<void> {
		// The first poll does not wait: it tells how things stand, and that the service answers at all.
		let waiting = {}
		while (!signal.aborted) {
			const distance = pause(POLL_DISTANCE)
			try {
				const snapshot = await client.status(documentId, { ...waiting, signal })
				if (signal.aborted) return
				say('polling')
				take(snapshot)
				waiting = { since: highest, wait: POLL_WAIT }
				await distance
			} catch (error) {
				if (signal.aborted || gaveUp(error)) return
				say('offline')
				waiting = {}
				await pause(POLL_AGAIN_AFTER)
			}
		}
	}

	say('connecting')
	openLive()
	return stop
}
