/**
 * The service's HTTP interface, typed. Runs wherever there are `fetch` and `WebSocket`: browsers, Node, Workers.
 *
 * Every answer goes through the protocol's schemas, so what comes out of here has the shape that its type says.
 */
import type { z } from 'zod'
import { type ConversionList, conversionListSchema } from '../core/conversions.ts'
import type { Metadata } from '../core/labels.ts'
import type { Quality } from '../core/options.ts'
import {
	type conversionCommandSchema,
	type DocumentList,
	documentListSchema,
	documentSchema,
	type Manifest,
	manifestSchema,
	type PlatenDocument,
	type RetryRequest,
	type StartRequest,
	type Statuses,
	statusesSchema,
	ticketSchema,
	type Uploaded,
	uploadedSchema,
} from '../core/protocol.ts'
import { type Priority, type Snapshot, snapshotSchema } from '../core/snapshot.ts'
import { type DocumentWords, documentWordsSchema, type PageWords, pageWordsSchema } from '../core/words.ts'
import { jsonOf, PlatenError, refusalOf, unanswered } from './error.ts'
import { KnownVersions } from './known-versions.ts'
import { send, type UploadBody } from './upload.ts'

/** No call but a transfer takes this long unless something is broken, a status read that waits included. Milliseconds. */
const CALL_TIMEOUT = 30_000
/** … and none of these: a whole file, the text of a whole document. */
const TRANSFER_TIMEOUT = 300_000

/** How long to wait before each repetition of a command that brought no answer. Milliseconds. */
const REPEATED_AFTER = [300, 1_000]

export interface ClientOptions {
	/** Where the service is, as in `https://platen.example.com`. */
	baseUrl: string | URL
	/**
	 * The bearer token; asked before every call, so it may be renewed behind this. Empty where something else says who
	 * calls: Cloudflare Access in front of the service.
	 */
	getToken: () => string | Promise<string>
	/** Called whenever a token was refused, beside the error that the call throws. */
	onUnauthorized?: (() => void) | undefined
}

export interface UploadOptions {
	/** The file's name as people know it. */
	name: string
	contentType: string
	priority?: Priority | undefined
	quality?: Quality | undefined
	/** False: only keep it, and convert when `start` is called. */
	convert?: boolean | undefined
	/** Your own id of the document: when there is one with it already, that one is the answer, whatever the file. */
	externalId?: string | undefined
	/** Comes back with the document; 2 KB of JSON at most. */
	metadata?: Metadata | undefined
	/** Give the same one when the same file is sent again after an upload without an answer: it is there once then. */
	idempotencyKey?: string | undefined
	signal?: AbortSignal | undefined
}

export interface StatusQuery {
	/** A version: none below it is answered; with `wait`, the answer comes as soon as there is a higher one. */
	since?: number | undefined
	/** Seconds after which the answer comes all the same, 25 at most. */
	wait?: number | undefined
	signal?: AbortSignal | undefined
}

export interface DocumentsQuery {
	cursor?: string | undefined
	limit?: number | undefined
	/** Only the document with this one: none or one, and as it is just now. */
	externalId?: string | undefined
}

export interface ConversionsQuery {
	cursor?: string | undefined
	limit?: number | undefined
}

export interface PagesQuery {
	/** Only these, as in `"1-5,9"`. */
	pages?: string | undefined
	/** Of this job rather than of the one that is served. */
	job?: string | undefined
}

export interface TextQuery {
	/** Of this job rather than of the one that is served. */
	job?: string | undefined
}

/**
 * Every method throws {@link PlatenError} and nothing else. Commands (start, retry, cancel) that bring no answer are
 * repeated before they do; each has a key of its own by which the service knows the repetition.
 */
export interface Client {
	/** Uploads a document and, unless told otherwise, starts its conversion. Progress is in bytes. */
	upload(
		body: UploadBody,
		options: UploadOptions,
		onProgress?: (sent: number, total: number) => void,
	): Promise<Uploaded>
	/** The caller's documents, newest first. */
	documents(query?: DocumentsQuery): Promise<DocumentList>
	document(id: string): Promise<PlatenDocument>
	/** May be a second old, but never older than what this client has heard of the document. */
	status(id: string, query?: StatusQuery): Promise<Snapshot>
	/** Up to fifty at once, in this order; those that are not there, or not the caller's, are left out. */
	statuses(ids: readonly string[]): Promise<Statuses>
	/** The document's conversions, newest first, each with what happened to it. */
	conversions(id: string, query?: ConversionsQuery): Promise<ConversionList>
	/** Starts a conversion, or answers how the running one is doing. */
	start(id: string, request?: StartRequest): Promise<Snapshot>
	/** Goes on where a failed or cancelled conversion ended: pages that are ready stay ready. */
	retry(id: string, request?: RetryRequest): Promise<Snapshot>
	/** Ends a running conversion; one that has ended stays as it is. */
	cancel(id: string): Promise<Snapshot>
	/** Erases the document with all that was made of it, for good. */
	erase(id: string): Promise<void>
	/** The manifest: where images, thumbnails and texts of the pages are. */
	pages(id: string, query?: PagesQuery): Promise<Manifest>
	/** What lies at an address of the manifest, as text. */
	text(address: string): Promise<string>
	/** The words of a page with their places, from an address of the manifest. */
	words(address: string): Promise<PageWords>
	/** The text of all pages, with a form feed between each two: `split('\f')[n - 1]` is that of page n. */
	wholeText(id: string, query?: TextQuery): Promise<string>
	/** The words of all pages with their places. */
	wholeWords(id: string, query?: TextQuery): Promise<DocumentWords>
	/** The document as it was uploaded. */
	source(id: string): Promise<Uint8Array<ArrayBuffer>>
	/** What lies at an address of the manifest. */
	bytes(address: string): Promise<Uint8Array<ArrayBuffer>>
	/** A single-use pass for the document's socket. */
	ticket(id: string): Promise<z.infer<typeof ticketSchema>>
	/** Where that socket is. */
	liveAddress(id: string): string
}

interface CallInit {
	method?: string
	headers?: Record<string, string>
	body?: string
	signal?: AbortSignal
	/** Milliseconds. */
	timeout?: number
}

/** A client of the service at `baseUrl`. */
export function createClient({ baseUrl, getToken, onUnauthorized }: ClientOptions): Client {
	const known = new KnownVersions()

	async function authorization(): Promise<Record<string, string>> {
		const token = await getToken()
		return token === '' ? {} : { Authorization: `Bearer ${token}` }
	}

	function understood<S extends z.ZodType>(schema: S, status: number, body: string): z.output<S> {
		if (status === 401) onUnauthorized?.()
		if (status >= 400) throw refusalOf(status, body)
		const parsed = schema.safeParse(jsonOf(body))
		if (parsed.success) return parsed.data
		const detail = 'The service answered in a way that this version does not understand. Reload, or update.'
		throw new PlatenError('unexpected_answer', status, detail, { cause: parsed.error })
	}

	async function call<S extends z.ZodType>(schema: S, url: URL, init: CallInit = {}): Promise<z.output<S>> {
		const headers = { ...(await authorization()), ...init.headers }
		const { status, body } = await answerOf(url, { ...init, headers }, (response) => response.text())
		return understood(schema, status, body)
	}

	async function command(id: string, asked: z.input<typeof conversionCommandSchema>): Promise<Snapshot> {
		const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() }
		const init = { method: 'POST', headers, body: JSON.stringify(asked) }
		for (let losses = 0; ; losses++) {
			try {
				return known.heard(await call(snapshotSchema, at(of(id, '/conversion-status')), init))
			} catch (error) {
				const wait = REPEATED_AFTER[losses]
				if (wait === undefined || !isPassing(error)) throw error
				await new Promise((resolve) => setTimeout(resolve, wait))
			}
		}
	}

	function at(path: string, query: Record<string, string | number | boolean | undefined> = {}): URL {
		const url = new URL(path, baseUrl)
		for (const [name, value] of Object.entries(query)) {
			if (value !== undefined) url.searchParams.set(name, String(value))
		}
		return url
	}

	/** Addresses of the manifest are passes in themselves, so the token stays at home. */
	async function fetchSigned<T>(address: string, read: (response: Response) => Promise<T>): Promise<T> {
		const { body } = await answerOf(at(address), {}, async (response) => {
			if (!response.ok) throw refusalOf(response.status, await response.text())
			return read(response)
		})
		return body
	}

	/** What the service gives for a token, whole. */
	async function transferred<T>(url: URL, read: (response: Response) => Promise<T>): Promise<T> {
		const init = { headers: await authorization(), timeout: TRANSFER_TIMEOUT }
		const { body } = await answerOf(url, init, async (response) => {
			if (response.status === 401) onUnauthorized?.()
			if (!response.ok) throw refusalOf(response.status, await response.text())
			return read(response)
		})
		return body
	}

	const of = (id: string, part = '') => `/api/documents/${encodeURIComponent(id)}${part}`

	return {
		async upload(body, { name, contentType, idempotencyKey, signal, metadata, ...query }, onProgress) {
			const url = at('/api/documents', { ...query, metadata: metadata && JSON.stringify(metadata) })
			const headers = {
				...(await authorization()),
				'Content-Type': contentType,
				'X-Filename': encodeURIComponent(name.toWellFormed()),
				'Idempotency-Key': idempotencyKey ?? crypto.randomUUID(),
			}
			const answer = await send({ url, headers, body, signal, onProgress })
			const uploaded = understood(uploadedSchema, answer.status, answer.body)
			known.heard(uploaded.conversion)
			return uploaded
		},
		documents: (query = {}) => call(documentListSchema, at('/api/documents', { ...query })),
		document: (id) => call(documentSchema, at(of(id))),
		async status(id, { signal, since, wait } = {}) {
			// Who waits says what they wait for.
			const floor = wait ? since : Math.max(since ?? 0, known.of(id) ?? 0) || since
			const url = at(of(id, '/conversion-status'), { since: floor, wait })
			return known.heard(await call(snapshotSchema, url, signal && { signal }))
		},
		async statuses(ids) {
			const statuses = await call(statusesSchema, at('/api/conversion-statuses', { ids: ids.join(',') }))
			for (const snapshot of statuses.items) known.heard(snapshot)
			return statuses
		},
		conversions: (id, query = {}) => call(conversionListSchema, at(of(id, '/conversions'), { ...query })),
		start: (id, request = {}) => command(id, { action: 'start', ...request }),
		retry: (id, request = {}) => command(id, { action: 'retry', ...request }),
		cancel: (id) => command(id, { action: 'cancel' }),
		async erase(id) {
			const init = { method: 'DELETE', headers: await authorization() }
			const { status, body } = await answerOf(at(of(id)), init, (response) => response.text())
			if (status === 401) onUnauthorized?.()
			if (status >= 400) throw refusalOf(status, body)
		},
		pages: (id, query = {}) => call(manifestSchema, at(of(id, '/pages'), { ...query })),
		text: (address) => fetchSigned(address, (response) => response.text()),
		async words(address) {
			return understood(pageWordsSchema, 200, await fetchSigned(address, (response) => response.text()))
		},
		wholeText: (id, query = {}) => transferred(at(of(id, '/text'), { ...query }), (response) => response.text()),
		async wholeWords(id, query = {}) {
			const url = at(of(id, '/text'), { ...query, format: 'words' })
			return understood(documentWordsSchema, 200, await transferred(url, (response) => response.text()))
		},
		source: (id) => transferred(at(of(id, '/source')), bytesOf),
		bytes: (address) => fetchSigned(address, bytesOf),
		ticket: (id) => call(ticketSchema, at(of(id, '/conversion-ticket')), { method: 'POST' }),
		liveAddress(id) {
			const url = at(of(id, '/conversion-live'))
			url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
			return url.href
		},
	}
}

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
	return new Uint8Array(await response.arrayBuffer())
}

/** Whether the same call may well succeed in a moment. What took as long as a timeout is not tried twice more. */
function isPassing(error: unknown): boolean {
	return error instanceof PlatenError && (error.code === 'network' || error.status === 503)
}

async function answerOf<T>(
	url: URL,
	{ signal, timeout: milliseconds = CALL_TIMEOUT, ...init }: CallInit,
	read: (response: Response) => Promise<T>,
): Promise<{ status: number; body: T }> {
	const timeout = AbortSignal.timeout(milliseconds)
	try {
		const response = await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout })
		return { status: response.status, body: await read(response) }
	} catch (error) {
		throw unanswered(error)
	}
}
