/**
 * What is said when a request is refused: RFC 9457 problem documents with a stable code. The catalogue is closed; what
 * went wrong inside never gets in here. `docs/errors.md` is checked against it.
 */
import type { Problem } from '../core/protocol.ts'

export const catalogue = {
	malformed: { status: 400, title: 'The request is malformed' },
	empty_upload: { status: 400, title: 'The file is empty' },
	incomplete_upload: { status: 400, title: 'The file did not arrive whole' },
	unauthorized: { status: 401, title: 'A valid token is needed' },
	forbidden: { status: 403, title: 'The token does not allow this' },
	origin_refused: { status: 403, title: 'This site may not use the service' },
	not_found: { status: 404, title: 'Not found' },
	conflict: { status: 409, title: 'The state of the document does not allow this' },
	conversion_active: { status: 409, title: 'A conversion is under way' },
	nothing_to_retry: { status: 409, title: 'There is nothing to try again' },
	options_differ: { status: 409, title: 'A retry cannot change the options' },
	length_required: { status: 411, title: 'The length must be given' },
	too_large: { status: 413, title: 'Too large' },
	unsupported_type: { status: 415, title: 'This kind of file cannot be converted' },
	range_not_satisfiable: { status: 416, title: 'There are no such bytes' },
	key_reused: { status: 422, title: 'The idempotency key belongs to another request' },
	upgrade_required: { status: 426, title: 'This address speaks WebSocket' },
	rate_limited: { status: 429, title: 'Too many requests' },
	too_many_waiting: { status: 429, title: 'Too many documents wait already' },
	internal: { status: 500, title: 'Something went wrong on our side' },
	unavailable: { status: 503, title: 'Busy for a moment' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof catalogue

/** A refusal, thrown from wherever it is found; `app.ts` answers with it. */
export class Refusal extends Error {
	readonly code: ProblemCode
	readonly detail: string
	readonly headers: Record<string, string>

	/** @param detail for people: what is wrong and what to do; it goes to the caller as it is */
	constructor(code: ProblemCode, detail: string, headers: Record<string, string> = {}) {
		super(detail)
		this.name = 'Refusal'
		this.code = code
		this.detail = detail
		this.headers = headers
	}
}

/** @param requestId by which the log knows the request, too */
export function problemResponse({ code, detail, headers }: Refusal, requestId: string): Response {
	const { status, title } = catalogue[code]
	const instance = `urn:platen:request:${requestId}`
	const problem: Problem = { type: `urn:platen:problem:${code}`, title, status, code, detail, instance }
	return new Response(JSON.stringify(problem), {
		status,
		headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...headers },
	})
}
