/** Sending a body and hearing how far it is: `fetch` cannot tell, `XMLHttpRequest` can, and only browsers have it. */
import { PlatenError, unanswered } from './error.ts'

/** What can be uploaded: all of these know their length, which the service asks for. */
export type UploadBody = Blob | Uint8Array<ArrayBuffer>

export interface SendRequest {
	url: URL
	headers: Record<string, string>
	body: UploadBody
	signal: AbortSignal | undefined
	onProgress: ((sent: number, total: number) => void) | undefined
}

export interface SendAnswer {
	status: number
	body: string
}

/**
 * Posts a body. Without `XMLHttpRequest`, `onProgress` is called only when everything is sent.
 *
 * @throws PlatenError `network` or `aborted`
 */
export function send(request: SendRequest): Promise<SendAnswer> {
	return typeof XMLHttpRequest === 'undefined' ? sendByFetch(request) : sendByXhr(request)
}

async function sendByFetch({ url, headers, body, signal, onProgress }: SendRequest): Promise<SendAnswer> {
	try {
		const response = await fetch(url, { method: 'POST', headers, body, ...(signal && { signal }) })
		const answer = { status: response.status, body: await response.text() }
		const length = lengthOf(body)
		onProgress?.(length, length)
		return answer
	} catch (error) {
		throw unanswered(error)
	}
}

function sendByXhr({ url, headers, body, signal, onProgress }: SendRequest): Promise<SendAnswer> {
	const { promise, resolve, reject } = Promise.withResolvers<SendAnswer>()
	const request = new XMLHttpRequest()
	const abort = () => request.abort()
	request.open('POST', url)
	for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
	request.upload.onprogress = ({ loaded }) => onProgress?.(Math.min(loaded, lengthOf(body)), lengthOf(body))
	request.onload = () => resolve({ status: request.status, body: request.responseText })
	request.onerror = () => reject(unanswered(undefined))
	request.onabort = () => reject(new PlatenError('aborted', null, 'The upload was stopped.'))
	request.onloadend = () => signal?.removeEventListener('abort', abort)
	signal?.addEventListener('abort', abort)
	request.send(body)
	if (signal?.aborted) request.abort()
	return promise
}

function lengthOf(body: UploadBody): number {
	return body instanceof Uint8Array ? body.byteLength : body.size
}
