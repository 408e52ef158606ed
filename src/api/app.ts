/** All routes, put together: what answers, and what documents it. It knows no Cloudflare runtime, so it can be read anywhere. */
import { $, createRoute } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { z } from 'zod'
import { errorText } from '../error-text.ts'
import { settingsOf } from './env.ts'
import { json, publicRefusals } from './http/answers.ts'
import { newApp } from './http/app.ts'
import { contractOf } from './http/contract.ts'
import { crossOrigin, named, unframed } from './http/edge.ts'
import { problemResponse, Refusal } from './problem.ts'
import { conversionRoutes } from './routes/conversion.ts'
import { converterRoutes } from './routes/converter.ts'
import { documentRoutes } from './routes/documents.ts'
import { pageRoutes } from './routes/pages.ts'
import { queueRoutes } from './routes/queue.ts'
import { sourceRoutes } from './routes/source.ts'
import { statusesRoutes } from './routes/statuses.ts'
import { textRoutes } from './routes/text.ts'
import { webhookRoutes } from './routes/webhook.ts'

const healthSchema = z
	.object({
		status: z.literal('ok'),
		signIn: z.enum(['token', 'provider']).meta({
			description: 'Whether people bring a token, or an identity provider in front of the service lets them in.',
		}),
	})
	.meta({ id: 'Health' })

const health = createRoute({
	method: 'get',
	path: '/healthz',
	operationId: 'getHealth',
	summary: 'Whether the service is there',
	tags: ['service'],
	security: [],
	responses: {
		200: json('It is', healthSchema),
		...publicRefusals('internal'),
	},
})

const contract = createRoute({
	method: 'get',
	path: '/openapi.json',
	operationId: 'getContract',
	summary: 'This document',
	tags: ['service'],
	security: [],
	responses: { 200: json('OpenAPI 3.1', z.looseObject({})), ...publicRefusals('internal') },
})

export const app = $(newApp().use('*', named, unframed).use('/api/*', crossOrigin))
	.openapi(health, (context) => {
		const { tokens } = settingsOf(context.env)
		return context.json(
			{ status: 'ok' as const, signIn: tokens.kind === 'keys' ? ('provider' as const) : ('token' as const) },
			200,
		)
	})
	.openapi(contract, (context) => {
		document ??= contractOf(app)
		return context.json(document, 200, { 'Cache-Control': 'public, max-age=300' })
	})
	.route('/api/documents', documentRoutes)
	.route('/api/documents', conversionRoutes)
	.route('/api/documents', textRoutes)
	.route('/api/documents', sourceRoutes)
	.route('/api/conversions', queueRoutes)
	.route('/api/converter', converterRoutes)
	.route('/api/webhook', webhookRoutes)
	.route('/api', pageRoutes)
	.route('/api', statusesRoutes)

let document: object | undefined

app.notFound((context) =>
	problemResponse(new Refusal('not_found', 'There is nothing at this address.'), context.get('requestId')),
)

app.onError((error, context) => {
	const requestId = context.get('requestId')
	if (error instanceof Refusal) return problemResponse(error, requestId)
	// What the framework finds by itself: a body that is not JSON.
	if (error instanceof HTTPException && error.status < 500) {
		return problemResponse(new Refusal('malformed', 'The body is not JSON.'), requestId)
	}
	// The cause is for the log; the caller learns only that it is not their fault.
	console.error('A request failed', {
		requestId,
		method: context.req.method,
		route: context.req.routePath,
		error: errorText(error),
	})
	return problemResponse(new Refusal('internal', 'Try again in a moment.'), requestId)
})

/** For `hc`, the typed client. */
export type App = typeof app
