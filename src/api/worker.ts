/** The API Worker: routes, objects and the gate for converters, put together. */
import { Hono } from 'hono'
import { errorText } from '../error-text.ts'
import { settingsOf } from './env.ts'
import { problemResponse, Refusal } from './problem.ts'
import type { AppEnv } from './routes/context.ts'
import { conversionRoutes } from './routes/conversion.ts'
import { documentRoutes } from './routes/documents.ts'
import { pageRoutes } from './routes/pages.ts'
import { queueRoutes } from './routes/queue.ts'
import { webhookRoutes } from './routes/webhook.ts'
import { pokeTheStuck } from './schedule.ts'

export { ConverterGate } from './converter-gate.ts'
export { DocumentObject } from './document/object.ts'
export { LineupObject } from './lineup/object.ts'

const app = new Hono<AppEnv>()
	.get('/healthz', (context) => {
		settingsOf(context.env)
		return context.json({ status: 'ok' })
	})
	.route('/api/documents', documentRoutes)
	.route('/api/documents', conversionRoutes)
	.route('/api/conversions', queueRoutes)
	.route('/api/webhook', webhookRoutes)
	.route('/api', pageRoutes)

app.notFound(() => problemResponse('not_found', 'There is nothing at this address.'))

app.onError((error, context) => {
	if (error instanceof Refusal) return problemResponse(error.code, error.detail, error.headers)
	// The cause is for the log; the caller learns only that it is not their fault.
	console.error('A request failed', {
		method: context.req.method,
		route: context.req.routePath,
		error: errorText(error),
	})
	return problemResponse('internal', 'Try again in a moment.')
})

/** For `hc`, the typed client. */
export type App = typeof app

export default {
	fetch: app.fetch,
	async scheduled(_, env) {
		try {
			await pokeTheStuck(env, Date.now(), Math.random())
		} catch (error) {
			console.error('The sweep for what is stuck failed', { error: errorText(error) })
		}
	},
} satisfies ExportedHandler<ApiEnv>
