import type { Client } from '../../src/client/client.ts'
import type { LiveSocket, OpenSocket } from '../../src/client/socket.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'

export const DOCUMENT = '6f1d6f0c-7d1b-4c52-9a43-0d9d6f6f3a11'
const AT = '2026-10-20T12:00:00.000Z'

/** A snapshot of a conversion that is under way. */
export function snapshotWith(overrides: Partial<Snapshot> = {}): Snapshot {
	return {
		documentId: DOCUMENT,
		externalId: null,
		jobId: '0b8f8b7e-52a4-4b69-8d0e-1a6f3f1a9c55',
		version: 1000,
		status: 'processing',
		stage: 'processing_pages',
		progress: 40,
		message: 'Converting pages',
		priority: 'normal',
		requestedPriority: 'normal',
		totalPages: 14,
		processedPages: 4,
		readyPages: '1-3',
		failedPages: [],
		failedPageCount: 0,
		retryCount: 0,
		maxRetries: 3,
		nextRetryAt: null,
		queuePosition: null,
		estimatedTimeRemaining: null,
		estimatedCompletion: null,
		failure: null,
		createdAt: AT,
		startedAt: AT,
		firstPageAt: AT,
		completedAt: null,
		updatedAt: AT,
		...overrides,
	}
}

/** A socket whose other end is the test. */
export interface FakeSocket extends LiveSocket {
	protocols: string[]
	sent: string[]
	isClosed: boolean
	say(data: unknown): void
	tell(snapshot: Snapshot): void
	drop(code: number): void
}

/** Opens fake sockets and keeps them in order. */
export function fakeSockets(): { opened: FakeSocket[]; openSocket: OpenSocket } {
	const opened: FakeSocket[] = []
	return {
		opened,
		openSocket(_address, protocols, { onMessage, onClose }) {
			const socket: FakeSocket = {
				protocols,
				sent: [],
				isClosed: false,
				send: (text) => void socket.sent.push(text),
				close() {
					socket.isClosed = true
				},
				say: onMessage,
				tell: (snapshot) => onMessage(JSON.stringify({ type: 'snapshot', snapshot })),
				drop: onClose,
			}
			opened.push(socket)
			return socket
		},
	}
}

/** A client that only knows what a test gives it. */
export function fakeClient(methods: Partial<Client>): Client {
	const unexpected = (): never => {
		throw new Error('The test did not expect this call')
	}
	return {
		upload: unexpected,
		documents: unexpected,
		document: unexpected,
		status: unexpected,
		statuses: unexpected,
		conversions: unexpected,
		start: unexpected,
		retry: unexpected,
		cancel: unexpected,
		erase: unexpected,
		pages: unexpected,
		text: unexpected,
		words: unexpected,
		wholeText: unexpected,
		wholeWords: unexpected,
		source: unexpected,
		bytes: unexpected,
		ticket: unexpected,
		liveAddress: (id) => `ws://platen.test/api/documents/${id}/conversion-live`,
		...methods,
	}
}
