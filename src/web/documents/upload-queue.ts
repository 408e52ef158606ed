/** The files on their way to the service. They go on while one looks at something else. */
import type { Client } from '../../client/client.ts'
import { PlatenError } from '../../client/error.ts'
import { type DocumentList, MAX_UPLOAD_BYTES } from '../../core/protocol.ts'
import { formatBytes } from '../format.ts'

export type DocumentItem = DocumentList['items'][number]

export type Upload = { key: number; name: string; size: number } & (
	| { state: 'waiting' }
	/** `sent` is in bytes; all of them sent means that the service is still storing them. */
	| { state: 'sending'; sent: number }
	/** What can be repeated may be sent again as it is. */
	| { state: 'refused'; reason: string; canRepeat: boolean }
)

interface UploadsState {
	uploads: readonly Upload[]
	/** What was uploaded here, newest first: the service's list learns of it only a moment later. */
	recent: readonly DocumentItem[]
}

interface UploadFile {
	file: File
	isSingle: boolean
	abort: AbortController
	/** The same for every repetition, so that a file whose answer got lost is not there twice. */
	idempotencyKey: string
}

/** More at once only share the same line. */
const AT_ONCE = 2

/** Uploads file after file; a store for `useSyncExternalStore`. */
export class UploadQueue {
	/** Called for a file that was chosen alone, when it is there. */
	onSingle: (document: DocumentItem) => void = () => {}

	readonly #client: Client
	#state: UploadsState = { uploads: [], recent: [] }
	readonly #listeners = new Set<() => void>()
	readonly #files = new Map<number, UploadFile>()
	#nextKey = 1
	#running = 0

	constructor(client: Client) {
		this.#client = client
	}

	readonly current = (): UploadsState => this.#state

	readonly subscribe = (listener: () => void): (() => void) => {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	add(files: readonly File[]): void {
		const added = files.map((file): Upload => {
			const upload = { key: this.#nextKey++, name: file.name, size: file.size }
			// The service says the same, but only after the file was sent for nothing.
			const reason = reasonToRefuse(file.size)
			if (reason !== null) return { ...upload, state: 'refused', reason, canRepeat: false }
			this.#files.set(upload.key, {
				file,
				isSingle: files.length === 1,
				abort: new AbortController(),
				idempotencyKey: crypto.randomUUID(),
			})
			return { ...upload, state: 'waiting' }
		})
		this.#become({ uploads: [...this.#state.uploads, ...added] })
		this.#startWaiting()
	}

	/** Sends a file again whose upload brought no answer. */
	repeat(key: number): void {
		const upload = this.#state.uploads.find((candidate) => candidate.key === key)
		if (upload?.state !== 'refused' || !upload.canRepeat) return
		this.#replace({ key, name: upload.name, size: upload.size, state: 'waiting' })
		this.#startWaiting()
	}

	/** Stops an upload, or forgets a refused one. */
	dismiss(key: number): void {
		this.#files.get(key)?.abort.abort()
		this.#files.delete(key)
		this.#become({ uploads: this.#state.uploads.filter((upload) => upload.key !== key) })
	}

	#startWaiting(): void {
		for (const upload of this.#state.uploads) {
			if (this.#running >= AT_ONCE) return
			if (upload.state === 'waiting') void this.#send(upload)
		}
	}

	async #send({ key, name, size }: Upload): Promise<void> {
		const entry = this.#files.get(key)
		if (!entry) return
		const { file, isSingle, abort, idempotencyKey } = entry
		this.#running++
		this.#replace({ key, name, size, state: 'sending', sent: 0 })
		try {
			const contentType = file.type || 'application/octet-stream'
			const options = { name, contentType, idempotencyKey, signal: abort.signal }
			const { document, conversion } = await this.#client.upload(file, options, (sent) =>
				this.#replace({ key, name, size, state: 'sending', sent }),
			)
			const item = { ...document, status: conversion.status, totalPages: conversion.totalPages }
			this.dismiss(key)
			this.#become({ recent: [item, ...this.#state.recent] })
			if (isSingle) this.onSingle(item)
		} catch (error) {
			const reason = error instanceof PlatenError ? error.detail : 'The file could not be read.'
			const canRepeat = error instanceof PlatenError && isPassing(error)
			if (!canRepeat) this.#files.delete(key)
			this.#replace({ key, name, size, state: 'refused', reason, canRepeat })
		} finally {
			this.#running--
			this.#startWaiting()
		}
	}

	/** Puts the newer state of an upload in its place; one that was dismissed has none. */
	#replace(next: Upload): void {
		this.#become({ uploads: this.#state.uploads.map((upload) => (upload.key === next.key ? next : upload)) })
	}

	#become(change: Partial<UploadsState>): void {
		this.#state = { ...this.#state, ...change }
		for (const listener of this.#listeners) listener()
	}
}

/** Whether it was not the file's fault, so that the same may well be taken in a moment. */
function isPassing({ code, status }: PlatenError): boolean {
	return code === 'network' || code === 'timeout' || code === 'incomplete_upload' || (status !== null && status >= 500)
}

/** @param size in bytes */
function reasonToRefuse(size: number): string | null {
	if (size === 0) return 'The file is empty.'
	if (size <= MAX_UPLOAD_BYTES) return null
	return `The file is too large: it has ${formatBytes(size)}, a document may have ${formatBytes(MAX_UPLOAD_BYTES)}.`
}
