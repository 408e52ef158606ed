/** The lineup, for those who run the service: who waits, and stopping and going on. */
import { createRoute } from '@hono/zod-openapi'
import { queueSchema } from '../../core/lineup/overview.ts'
import { queueCommandSchema } from '../../core/protocol.ts'
import { within } from '../../deadline.ts'
import { json, refusals } from '../http/answers.ts'
import { newApp } from '../http/app.ts'
import { jsonBody, operators } from '../http/guards.ts'
import { lineupOf } from '../objects.ts'

/** Milliseconds. */
const DEADLINE = 5_000

const tags = ['operations']
const security = [{ bearer: [] }]

const look = createRoute({
	method: 'get',
	path: '/queue',
	operationId: 'getQueue',
	summary: 'Who waits for a converter, and for how long',
	tags,
	security,
	middleware: operators,
	responses: { 200: json('The lineup', queueSchema), ...refusals('forbidden') },
})

const tell = createRoute({
	method: 'post',
	path: '/queue',
	operationId: 'commandQueue',
	summary: 'Pause or resume all conversions',
	tags,
	security,
	middleware: [operators, jsonBody] as const,
	request: { body: { required: true, content: { 'application/json': { schema: queueCommandSchema } } } },
	responses: {
		200: json('The lineup as it is now', queueSchema),
		...refusals('forbidden', 'too_large'),
	},
})

export const queueRoutes = newApp()
	.openapi(look, async (context) => {
		const queue = await within(DEADLINE, lineupOf(context.env).overview())
		return context.json(queue, 200, { 'Cache-Control': 'no-store' })
	})
	.openapi(tell, async (context) => {
		const { action } = context.req.valid('json')
		const { sub } = context.get('caller')
		const lineup = lineupOf(context.env)
		const queue = await within(DEADLINE, action === 'pause' ? lineup.pause(sub) : lineup.resume())
		console.info('The lineup was told', { requestId: context.get('requestId'), action, by: sub })
		return context.json(queue, 200, { 'Cache-Control': 'no-store' })
	})
