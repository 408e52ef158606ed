/**
 * What every request goes through and every answer carries: an id, who may read it across origins, and how to treat it.
 *
 * Headers are set on the answer itself: the framework's own way makes another answer for each, which costs more than all
 * that a status read does.
 */
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { settingsOf } from '../env.ts'
import type { AppEnv } from './app.ts'

/** An id that comes with the request, from a proxy, is kept if it looks like one. */
const REQUEST_ID = /^[\w-]{8,64}$/

export function requestIdOf(request: Request): string {
	const given = request.headers.get('X-Request-Id')
	return given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID()
}

export const named: MiddlewareHandler<AppEnv> = async (context, next) => {
	context.set('requestId', requestIdOf(context.req.raw))
	await next()
	if (context.res.status !== 101) context.res.headers.set('X-Request-Id', context.get('requestId'))
}

/** What every answer says of how to treat it. */
export const manners = {
	'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
	'X-Content-Type-Options': 'nosniff',
	'Referrer-Policy': 'no-referrer',
	'Cross-Origin-Resource-Policy': 'cross-origin',
	'Strict-Transport-Security': 'max-age=31536000',
} as const

/** Nothing that is answered here is a page, may be framed, or is anything but what it says. */
export const unframed: MiddlewareHandler<AppEnv> = async (context, next) => {
	await next()
	// An upgrade's headers cannot be changed.
	if (context.res.status === 101) return
	for (const [name, value] of Object.entries(manners)) context.res.headers.set(name, value)
}

const sharing = cors({
	origin: (origin, context) => (settingsOf(context.env).allowedOrigins.includes(origin) ? origin : null),
	allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
	allowHeaders: [
		'Authorization',
		'Content-Type',
		'Idempotency-Key',
		'If-None-Match',
		'Range',
		'X-Filename',
		'X-Request-Id',
	],
	exposeHeaders: [
		'Content-Disposition',
		'ETag',
		'Location',
		'RateLimit',
		'RateLimit-Policy',
		'Retry-After',
		'X-Request-Id',
	],
	maxAge: 7_200,
})

/** Tokens come in a header and never by cookie, so this only says whose scripts may read the answers. */
export const crossOrigin: MiddlewareHandler<AppEnv> = async (context, next) => {
	if (context.req.raw.headers.has('Origin') || context.req.method === 'OPTIONS') return await sharing(context, next)
	await next()
	if (context.res.status !== 101) context.res.headers.append('Vary', 'Origin')
}

/** Whether a page of this origin may use the service: our own, one that is allowed, or no page at all. */
export function isOriginAllowed(request: Request, allowed: readonly string[]): boolean {
	const origin = request.headers.get('Origin')
	return origin === null || origin === new URL(request.url).origin || allowed.includes(origin)
}
