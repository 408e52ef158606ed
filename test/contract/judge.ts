/** Whether an answer is one that the document tells of. */
import { type Schema as JsonSchema, Validator } from '@cfworker/json-schema'
import { codesOf, type OpenApi, type Operation, operationsOf, type Schema } from './document.ts'
import { pattern } from './fitting.ts'
import type { Request, Response } from './request.ts'

export interface Judge {
	/** What is wrong with an answer; null when nothing is. */
	complaint(request: Request, response: Response): string | null
	/** Likewise, for a request that fits the document: nothing of its form is a reason to refuse it. */
	complaintOfFitting(request: Request, response: Response): string | null
}

/** An answer without body. */
const EMPTY = new Set([101, 204, 205, 304])
/** Refusals that say that something is wrong with the request, not with the state. */
const FORMAL = new Set([400, 401, 403, 405, 411, 413, 414, 415, 426])

/** What tells that something of the inside got out. */
const INSIDE = [
	// JSON writes the end of a line as a backslash and an n.
	/(?:\n|\\n)\s+at .+:\d+:\d+/,
	/node_modules|src\/api\/|file:\/\//,
	/\b(?:Type|Reference|Range|Syntax|Zod)Error\b/,
	/SQLITE|D1_ERROR|no such table/,
]

/** @param secrets texts that must be in no answer */
export function judgeOf(document: OpenApi, secrets: readonly string[]): Judge {
	const operations = operationsOf(document).map((operation) => ({ operation, matches: pattern(operation.path) }))
	const validators = new Map<Schema, Validator>()
	const components = closed(document.components) as object

	function validatorOf(schema: Schema): Validator {
		const known =
			validators.get(schema) ?? new Validator({ ...(closed(schema) as object), components } as JsonSchema, '2020-12')
		validators.set(schema, known)
		return known
	}

	function operationOf({ method, path }: Request): Operation | null {
		const [place = ''] = path.split('?')
		const asked = method === 'HEAD' ? 'GET' : method
		const found = operations.filter(({ operation, matches }) => operation.method === asked && matches.test(place))
		// Where two match, the one with fewer parameters is meant.
		found.sort((one, other) => one.operation.path.split('{').length - other.operation.path.split('{').length)
		return found[0]?.operation ?? null
	}

	function bodyComplaint(operation: Operation | null, { status, headers, body }: Response): string | null {
		const type = headers['content-type']?.split(';')[0]?.trim() ?? ''
		const answer = operation?.responses[status]
		const isRefusal = status >= 400
		const text = new TextDecoder().decode(body)
		if (answer && !answer.content) return body.byteLength === 0 ? null : `${status} should have no body: ${text}`
		const media = answer?.content?.[type]
		if (answer && !media) return `${status} with the undocumented type "${type}"`
		if (!type.endsWith('json')) return null
		const value = parsed(text)
		if (value === undefined) return `not JSON: ${text.slice(0, 200)}`
		const schema = media?.schema ?? (isRefusal ? { $ref: '#/components/schemas/Problem' } : {})
		const { valid, errors } = validatorOf(schema).validate(value)
		if (!valid)
			return `a body that does not fit its schema: ${errors.at(-1)?.error} at ${errors.at(-1)?.instanceLocation}`
		return isRefusal
			? problemComplaint(status, value as Record<string, unknown>, answer ? codesOf(answer) : ['not_found'])
			: null
	}

	function complaint(request: Request, response: Response): string | null {
		const { status, headers } = response
		const operation = operationOf(request)
		const said = [new TextDecoder().decode(response.body), ...Object.values(headers)].join('\n')
		if (secrets.some((secret) => said.includes(secret))) return 'an answer that gives a secret or a token away'
		if (INSIDE.some((sign) => sign.test(said))) return `an answer that shows the inside: ${said.slice(0, 300)}`
		if (status === 500) return `500: ${said.slice(0, 300)}`
		if (!headers['x-request-id'] && status !== 101) return 'an answer without X-Request-Id'
		if (request.method === 'OPTIONS' && status === 204) return null
		const isDocumented = operation ? String(status) in operation.responses : status === 404
		if (!isDocumented) return `the undocumented status ${status}: ${said.slice(0, 300)}`
		if (request.method === 'HEAD' || EMPTY.has(status)) return response.body.byteLength === 0 ? null : 'a body too many'
		return bodyComplaint(operation, response)
	}

	return {
		complaint,
		complaintOfFitting(request, response) {
			const wrong = complaint(request, response)
			if (wrong) return wrong
			const isRefused = FORMAL.has(response.status) || response.status > 500
			const text = () => new TextDecoder().decode(response.body).slice(0, 300)
			return isRefused ? `what fits the document is refused with ${response.status}: ${text()}` : null
		},
	}
}

function problemComplaint(status: number, problem: Record<string, unknown>, codes: string[]): string | null {
	const { code, type, detail } = problem
	if (problem.status !== status) return `a problem that says ${problem.status} under ${status}`
	if (type !== `urn:platen:problem:${code}`) return `a problem of the type ${type} with the code ${code}`
	if (typeof detail !== 'string' || detail.length < 5 || detail.length > 2_000) return `a problem that says: ${detail}`
	return codes.includes(String(code)) ? null : `the undocumented code ${code} (${codes.join(', ')})`
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return undefined
	}
}

/** The same schema, in which an object may have only the members that are named: an answer says nothing else. */
function closed(schema: unknown, inAll = false): unknown {
	if (Array.isArray(schema)) return schema.map((part) => closed(part, inAll))
	if (typeof schema !== 'object' || schema === null) return schema
	const copy = Object.fromEntries(
		Object.entries(schema).map(([name, part]) => [name, name === 'default' ? part : closed(part, name === 'allOf')]),
	)
	const names = 'properties' in schema && 'type' in schema && [schema.type].flat().includes('object')
	return names && !inAll && !('additionalProperties' in schema) ? { ...copy, additionalProperties: false } : copy
}
