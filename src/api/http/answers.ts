/** How answers are described in the OpenAPI document: by the schemas they are made of, and by the codes of refusals. */
import type { z } from 'zod'
import { problemSchema } from '../../core/protocol.ts'
import { catalogue, type ProblemCode } from '../problem.ts'

export function json<S extends z.ZodType>(description: string, schema: S) {
	return { description, content: { 'application/json': { schema } } }
}

/** Bytes of some types. */
export function bytes(description: string, ...types: string[]) {
	return { description, content: Object.fromEntries(types.map((type) => [type, { schema: {} }])) }
}

type StatusOf<C extends ProblemCode> = (typeof catalogue)[C]['status']
interface RefusalAnswer {
	description: string
	content: { 'application/problem+json': { schema: typeof problemSchema } }
}

/** Answers every route may give that wants a token. */
const COMMON = ['malformed', 'unauthorized', 'rate_limited', 'internal', 'unavailable'] as const

/** The refusals of a route that wants a token, by their status. */
export function refusals<const C extends ProblemCode>(...codes: C[]) {
	return publicRefusals<(typeof COMMON)[number] | C>(...COMMON, ...codes)
}

/** … and of one that wants none. */
export function publicRefusals<const C extends ProblemCode>(...codes: C[]): Record<StatusOf<C>, RefusalAnswer> {
	const answers: Partial<Record<number, RefusalAnswer>> = {}
	for (const code of codes) {
		const { status, title } = catalogue[code]
		const said = answers[status]?.description
		const description = `\`${code}\`: ${title}`
		answers[status] = {
			description: said === undefined ? description : `${said}; ${description}`,
			content: { 'application/problem+json': { schema: problemSchema } },
		}
	}
	return answers as Record<StatusOf<C>, RefusalAnswer>
}
