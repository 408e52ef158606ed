/** What every route starts from: who calls, and the parts of the request, parsed. */
import type { Context } from 'hono'
import type { z } from 'zod'
import { type Caller, isOperator } from '../../core/access.ts'
import { documentIdSchema } from '../../core/gate.ts'
import { idempotencyKeySchema } from '../../core/protocol.ts'
import { authenticate } from '../auth.ts'
import { settingsOf } from '../env.ts'
import { Refusal } from '../problem.ts'

export type AppEnv = { Bindings: ApiEnv }

/** @throws Refusal `unauthorized` */
export function callerOf(context: Context<AppEnv>): Promise<Caller> {
	return authenticate(context.req.header('Authorization'), settingsOf(context.env).jwtSecret, Date.now())
}

/** A caller who runs the service. @throws Refusal `unauthorized` or `forbidden` */
export async function operatorOf(context: Context<AppEnv>): Promise<Caller> {
	const caller = await callerOf(context)
	if (!isOperator(caller)) throw new Refusal('forbidden', 'This needs a token with the scope "operator".')
	return caller
}

/** @throws Refusal `not_found`: an id that cannot be one is as good as one that nobody has */
export function documentIdOf(context: Context<AppEnv>): string {
	const parsed = documentIdSchema.safeParse(context.req.param('id'))
	if (!parsed.success) throw noSuchDocument()
	return parsed.data
}

/** @throws Refusal `malformed`, saying which field is wrong and how */
export function parse<S extends z.ZodType>(schema: S, input: unknown, what: string): z.output<S> {
	const parsed = schema.safeParse(input)
	if (parsed.success) return parsed.data
	const wrong = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || what}: ${issue.message}`)
	throw new Refusal('malformed', `${wrong.join('; ')}.`)
}

/** The `Idempotency-Key` of a request. @throws Refusal `malformed` */
export function idempotencyKeyOf(context: Context<AppEnv>): string | null {
	const key = context.req.header('Idempotency-Key')
	return key === undefined ? null : parse(idempotencyKeySchema, key, 'Idempotency-Key')
}

/** Commands are small. Bytes. */
const MAX_BODY = 16 * 1024

/** @throws Refusal `malformed` or `too_large` */
export async function parseBody<S extends z.ZodType>(context: Context<AppEnv>, schema: S): Promise<z.output<S>> {
	const length = Number(context.req.header('Content-Length') ?? 0)
	if (length > MAX_BODY) throw new Refusal('too_large', `The body may have ${MAX_BODY} bytes.`)
	const text = await context.req.text()
	if (text.length > MAX_BODY) throw new Refusal('too_large', `The body may have ${MAX_BODY} bytes.`)
	let body: unknown
	try {
		body = JSON.parse(text)
	} catch {
		throw new Refusal('malformed', 'The body is not JSON.')
	}
	return parse(schema, body, 'body')
}

export function noSuchDocument(): Refusal {
	return new Refusal('not_found', 'There is no such document, or it is not yours.')
}
