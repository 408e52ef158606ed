/** The lineup, for those who run the service: who waits, and stopping and going on. */
import { Hono } from 'hono'
import { queueCommandSchema } from '../../core/protocol.ts'
import { within } from '../../deadline.ts'
import { lineupOf } from '../objects.ts'
import { type AppEnv, operatorOf, parseBody } from './context.ts'

/** Milliseconds. */
const DEADLINE = 5_000

export const queueRoutes = new Hono<AppEnv>()
	.get('/queue', async (context) => {
		await operatorOf(context)
		return context.json(await within(DEADLINE, lineupOf(context.env).overview()), 200, { 'Cache-Control': 'no-store' })
	})
	.post('/queue', async (context) => {
		const { sub } = await operatorOf(context)
		const { action } = await parseBody(context, queueCommandSchema)
		const lineup = lineupOf(context.env)
		const queue = await within(DEADLINE, action === 'pause' ? lineup.pause(sub) : lineup.resume())
		console.info('The lineup was told', { action, by: sub })
		return context.json(queue, 200, { 'Cache-Control': 'no-store' })
	})
