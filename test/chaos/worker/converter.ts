/** The converter Worker as it is deployed, with points at which it can be stopped. */
import production from '../../../src/converter/worker.ts'
import { control } from './points.ts'
import { surround, surrounded } from './surround.ts'

/** What the gate's methods may be called in the production code is its own business. */
function withPoints(env: ConverterEnv): ConverterEnv {
	return { ...env, GATE: surround(env.GATE, (method) => `converter.${method}`) }
}

export default {
	async queue(batch, env): Promise<void> {
		await surrounded('converter.queue', () => production.queue(batch, withPoints(env)))
	},

	async fetch(request, env): Promise<Response> {
		return (await control(request)) ?? (await production.fetch(request, withPoints(env)))
	},
} satisfies ExportedHandler<ConverterEnv>
