/**
 * A status read that waits for news. It is held here, in the Worker, on a progress socket like any other: a call that
 * was left pending in the document's object would keep it awake, and that is the dearest thing there is.
 */
import type { Caller } from '../core/access.ts'
import { socketMessageSchema } from '../core/protocol.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { DocumentObject, NotFound } from './document/object.ts'
import { callerHeader } from './objects.ts'

/**
 * The first snapshot that is newer than `since`, or after `wait` the one there is.
 *
 * @param since a version
 * @param wait seconds
 */
export async function awaitNews(
	object: DurableObjectStub<DocumentObject>,
	caller: Caller,
	since: number,
	wait: number,
): Promise<{ outcome: 'found'; snapshot: Snapshot } | NotFound> {
	const headers = { Upgrade: 'websocket', 'x-platen-caller': callerHeader(caller) }
	const { webSocket: socket } = await object.fetch('https://document/live', { headers })
	if (!socket) return { outcome: 'not_found' }
	const newest = await firstAfter(socket, since, wait * 1000)
	socket.close()
	// A socket that was closed on us has news that it did not tell: the document may be gone.
	return newest ? { outcome: 'found', snapshot: newest } : await object.status(caller)
}

/** Null when the socket closed before anything newer came. */
function firstAfter(socket: WebSocket, since: number, milliseconds: number): Promise<Snapshot | null> {
	const { promise, resolve } = Promise.withResolvers<Snapshot | null>()
	let last: Snapshot | null = null
	const timer = setTimeout(() => resolve(last), milliseconds)
	socket.addEventListener('message', ({ data }) => {
		last = socketMessageSchema.parse(JSON.parse(String(data))).snapshot
		if (last.version > since) resolve(last)
	})
	socket.addEventListener('close', () => resolve(null))
	socket.addEventListener('error', () => resolve(null))
	socket.accept()
	return promise.finally(() => clearTimeout(timer))
}
