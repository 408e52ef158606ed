/**
 * Who may come in, before anything of the request is looked at: a token, its scope, and not too often. Every documented
 * route has one of these, or says that it is public; a test walks all routes and sees.
 */
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type Caller, isConverter, isOperator, mayOwn } from '../../core/access.ts'
import { SOCKET_PROTOCOL, TICKET_PROTOCOL_PREFIX } from '../../core/protocol.ts'
import { authenticate } from '../auth.ts'
import { settingsOf } from '../env.ts'
import { Refusal } from '../problem.ts'
import type { AppEnv } from './app.ts'

type Guard = MiddlewareHandler<AppEnv>

/** What is counted together, per caller: requests within a window, as in `wrangler.toml`, which a test compares. */
export const brakes = {
	commands: { binding: 'COMMAND_BRAKE', requests: 1_200, seconds: 60 },
	reads: { binding: 'READ_BRAKE', requests: 12_000, seconds: 60 },
} as const
type Brake = keyof typeof brakes

/** Anybody whose token is good; whether they may see the document is the document's to say. */
export const signedIn = guard(() => null)

/** Who watches: by a ticket, which is a pass of its own and for its document to look at, or by token. */
export const watchers: Guard = (context, next) =>
	ticketIn(context.req.raw) === null ? signedIn(context, next) : next()

/** The ticket that a socket is asked for with: a browser can send nothing but subprotocols. */
export function ticketIn({ headers }: Request): string | null {
	const protocols = (headers.get('Sec-WebSocket-Protocol') ?? '').split(',').map((part) => part.trim())
	const pass = protocols.find((protocol) => protocol.startsWith(TICKET_PROTOCOL_PREFIX))
	return pass && protocols.includes(SOCKET_PROTOCOL) ? pass.slice(TICKET_PROTOCOL_PREFIX.length) : null
}

/** Those who may have documents of their own, rather than being let in to some. */
export const owners = guard((caller) =>
	mayOwn(caller) ? null : new Refusal('not_found', 'This token is for reading some documents, not for having any.'),
)

/** Those who run the service. */
export const operators = guard((caller) =>
	isOperator(caller) ? null : new Refusal('forbidden', 'This needs a token with the scope "operator".'),
)

/** Somebody's own converter. */
export const converters = guard((caller) =>
	isConverter(caller) ? null : new Refusal('forbidden', 'This needs a token with the scope "converter".'),
)

function guard(refused: (caller: Caller) => Refusal | null): Guard {
	return async (context, next) => {
		const caller = await authenticate(context.req.raw, settingsOf(context.env), Date.now())
		context.set('caller', caller)
		const isRead = context.req.method === 'GET' || context.req.method === 'HEAD'
		const policy = await brake(context.env, isRead ? 'reads' : 'commands', caller)
		const refusal = refused(caller)
		if (refusal) throw refusal
		await next()
		// An upgrade's headers cannot be changed.
		if (context.res.status !== 101) context.res.headers.set('RateLimit-Policy', policy)
	}
}

/**
 * Refuses who comes too often. The platform counts per place and not exactly: it is a brake, not an account.
 *
 * The fields are those of draft-ietf-httpapi-ratelimit-headers. What is left the platform does not tell, so `RateLimit`
 * is said only when nothing is.
 *
 * @returns the policy, as its field
 */
export async function brake(env: ApiEnv, name: Brake, { tenant, sub }: Caller): Promise<string> {
	const { binding, requests, seconds } = brakes[name]
	const policy = `"${name}";q=${requests};w=${seconds}`
	const { success } = await env[binding].limit({ key: JSON.stringify([tenant, sub]) })
	if (success) return policy
	throw new Refusal('rate_limited', `Slow down: at most ${requests} requests in ${seconds} s. Try again then.`, {
		'Retry-After': String(seconds),
		'RateLimit-Policy': policy,
		RateLimit: `"${name}";r=0;t=${seconds}`,
	})
}

/** Commands are small. Bytes. */
const MAX_BODY = 16 * 1024

const small: Guard = bodyLimit({
	maxSize: MAX_BODY,
	onError: () => {
		throw new Refusal('too_large', `The body may have ${MAX_BODY} bytes.`)
	},
})

/** A command: small, and JSON whatever it calls itself, since nothing else is ever taken there. */
export const jsonBody: Guard = (context, next) => {
	const { raw } = context.req
	const headers = new Headers(raw.headers)
	headers.set('Content-Type', 'application/json')
	context.req.raw = new Request(raw, { headers })
	return small(context, next)
}
