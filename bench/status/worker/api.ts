/** The API Worker as it is deployed, but for its brakes: what counts there in the isolate is here an object with rows. */
import api from '../../../src/api/worker.ts'

export { ConverterGate, DocumentObject, LineupObject } from '../../../src/api/worker.ts'

const open: RateLimit = { limit: async () => ({ success: true }) }
let quick: ApiEnv | null = null

export default {
	async fetch(request, env, context): Promise<Response> {
		if (request.method === 'PUT') {
			await makeTables(env.HISTORY, (await request.json()) as string[])
			return new Response(null, { status: 204 })
		}
		// One for all requests, as the runtime's own is.
		quick ??= { ...env, COMMAND_BRAKE: open, READ_BRAKE: open }
		return await api.fetch(request, quick, context)
	},
} satisfies ExportedHandler<ApiEnv>

async function makeTables(history: D1Database, statements: string[]): Promise<void> {
	for (const statement of statements) await history.prepare(statement).run()
}
