/** One request to somebody else's endpoint: bounded in time, in what is read of the answer, and in where it can lead. */
import type { WebhookAttempt } from '../../core/webhook.ts'
import { DeadlineExceeded, within } from '../../deadline.ts'
import { checkAddress } from './address.ts'

/** Milliseconds that an endpoint may take to answer. */
const ANSWER_WITHIN = 5_000
/** The longest wait that an answer can ask for, in milliseconds. */
const LONGEST_RETRY_AFTER = 86_400_000

export type Sent = WebhookAttempt & {
	/** For how long the endpoint wants to be left alone, in milliseconds; null when it did not say. */
	retryAfter: number | null
}

/** @param headers with the signatures */
export async function send(
	url: string,
	body: string,
	headers: Record<string, string>,
	allowLocal: boolean,
): Promise<Sent> {
	// What is allowed may have changed since it was kept.
	if (!checkAddress(url, allowLocal).isAllowed) return missed('address_refused')
	// Not AbortSignal.timeout: its timer goes on when the answer is there, and keeps a document's object awake.
	const controller = new AbortController()
	try {
		return await within(ANSWER_WITHIN, post(url, body, headers, controller.signal))
	} catch (error) {
		controller.abort()
		return missed(error instanceof DeadlineExceeded ? 'timed_out' : 'unreachable')
	}
}

async function post(url: string, body: string, headers: Record<string, string>, signal: AbortSignal): Promise<Sent> {
	const response = await fetch(url, {
		method: 'POST',
		body,
		headers: { 'Content-Type': 'application/json', 'User-Agent': 'Platen-Webhooks', ...headers },
		// It could lead anywhere.
		redirect: 'manual',
		signal,
	})
	const { status } = response
	// What it says is of no interest, and may have no end.
	await response.body?.cancel()
	if (response.ok) return { delivered: true, status, reason: null, retryAfter: null }
	const retryAfter = retryAfterOf(response.headers.get('Retry-After'), Date.now())
	return { delivered: false, status, reason: reasonOf(status), retryAfter }
}

function reasonOf(status: number): 'gone' | 'redirected' | 'not_taken' {
	if (status === 410) return 'gone'
	return status >= 300 && status < 400 ? 'redirected' : 'not_taken'
}

function missed(reason: 'address_refused' | 'timed_out' | 'unreachable'): Sent {
	return { delivered: false, status: null, reason, retryAfter: null }
}

/** Seconds, or a date: RFC 9110, 10.2.3. */
function retryAfterOf(header: string | null, now: number): number | null {
	if (header === null) return null
	const wait = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
	return Number.isFinite(wait) ? Math.min(Math.max(0, wait), LONGEST_RETRY_AFTER) : null
}
