/** What every request goes through and every answer carries: an id, who may read it across origins, and how to treat it. */
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { settingsOf } from '../env.ts'
import type { AppEnv } from './app.ts'

/** An id that comes with the request, from a proxy, is kept if it looks like one. */
const REQUEST_ID = /^[\w-]{8,64}$/

export const named: MiddlewareHandler<AppEnv> = async (context, next) => {
	const given = context.req.header('X-Request-Id')
	context.set('requestId', given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID())
	await next()
	if (context.res.status !== 101) context.header('X-Request-Id', context.get('requestId'))
}

/** Nothing that is answered here is a page, may be framed, or is anything but what it says. */
export const unframed: MiddlewareHandler<AppEnv> = async (context, next) => {
	await next()
	// An upgrade's headers cannot be changed.
	if (context.res.status === 101) return
	context.header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; sandbox")
	context.header('X-Content-Type-Options', 'nosniff')
	context.header('Referrer-Policy', 'no-referrer')
	context.header('Cross-Origin-Resource-Policy', 'cross-origin')
	context.header('Strict-Transport-Security', 'max-age=31536000')
}

/** Tokens come in a header and never by cookie, so this only says whose scripts may read the answers. */
export const crossOrigin = cors({
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

/** Whether a page of this origin may use the service: our own, one that is allowed, or no page at all. */
export function isOriginAllowed(request: Request, allowed: readonly string[]): boolean {
	const origin = request.headers.get('Origin')
	return origin === null || origin === new URL(request.url).origin || allowed.includes(origin)
}
