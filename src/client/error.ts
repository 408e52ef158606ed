/** What goes wrong between a client and the service, as one kind of error. */
import { problemSchema } from '../core/protocol.ts'

/** Codes that the client gives by itself; every other code comes from the service's problem document. */
export type ClientErrorCode = 'network' | 'timeout' | 'aborted' | 'unexpected_answer'

/**
 * A call that did not succeed.
 *
 * `code` is stable and for programs, `detail` is for people and says what to do next.
 */
export class PlatenError extends Error {
	readonly code: string
	/** The HTTP status; null when there was no answer. */
	readonly status: number | null
	readonly detail: string

	constructor(code: string, status: number | null, detail: string, options?: ErrorOptions) {
		super(`${code}: ${detail}`, options)
		this.name = 'PlatenError'
		this.code = code
		this.status = status
		this.detail = detail
	}
}

/** The error that an answer of 4xx or 5xx stands for; an answer that is no problem document (a proxy's page) is one too. */
export function refusalOf(status: number, body: string): PlatenError {
	const problem = problemSchema.safeParse(jsonOf(body))
	if (problem.success) return new PlatenError(problem.data.code, status, problem.data.detail)
	return new PlatenError('unexpected_answer', status, `The service answered ${status}. Try again in a moment.`)
}

/** The error for a call that brought no answer at all. */
export function unanswered(cause: unknown): PlatenError {
	if (cause instanceof PlatenError) return cause
	const name = cause instanceof Error ? cause.name : ''
	if (name === 'AbortError') return new PlatenError('aborted', null, 'The call was stopped.', { cause })
	if (name === 'TimeoutError') {
		return new PlatenError('timeout', null, 'The service takes too long to answer. Try again in a moment.', { cause })
	}
	return new PlatenError('network', null, 'The service cannot be reached. Check the connection and try again.', {
		cause,
	})
}

/** JSON or undefined, which no schema of the protocol accepts. */
export function jsonOf(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return undefined
	}
}
