/** The API Worker: routes, objects and the gate for converters, put together. */
import { errorText } from '../error-text.ts'
import { app } from './app.ts'
import { plainStatus } from './crowd/status.ts'
import { pokeTheStuck } from './schedule.ts'

export { ConverterGate } from './converter-gate.ts'
export { DocumentObject } from './document/object.ts'
export { LineupObject } from './lineup/object.ts'

export default {
	async fetch(request: Request, env: ApiEnv, context?: ExecutionContext): Promise<Response> {
		return (context && (await plainStatus(request, env, context))) ?? (await app.fetch(request, env, context))
	},
	async scheduled(_, env) {
		try {
			await pokeTheStuck(env, Date.now(), Math.random())
		} catch (error) {
			console.error('The sweep for what is stuck failed', { error: errorText(error) })
		}
	},
} satisfies ExportedHandler<ApiEnv>
