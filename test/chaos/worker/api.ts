/** The API Worker as it is deployed, with points at which it can be stopped. */
import production, {
	DocumentObject as ProductionDocument,
	ConverterGate as ProductionGate,
	LineupObject as ProductionLineup,
} from '../../../src/api/worker.ts'
import { withPoints } from './bindings.ts'
import { control } from './points.ts'
import { putPointsIntoStorage } from './storage.ts'
import { surrounded, surroundMethods } from './surround.ts'

export class ConverterGate extends ProductionGate {
	constructor(ctx: ExecutionContext, env: ApiEnv) {
		super(ctx, withPoints(env))
	}
}

export class DocumentObject extends ProductionDocument {
	constructor(ctx: DurableObjectState, env: ApiEnv) {
		super(putPointsIntoStorage(ctx, 'document'), withPoints(env))
	}
}

export class LineupObject extends ProductionLineup {
	constructor(ctx: DurableObjectState, env: ApiEnv) {
		super(putPointsIntoStorage(ctx, 'lineup'), withPoints(env))
	}
}

surroundMethods(ConverterGate, ProductionGate, 'gate')
surroundMethods(DocumentObject, ProductionDocument, 'document')
surroundMethods(LineupObject, ProductionLineup, 'lineup')

export default {
	async fetch(request, env, ctx): Promise<Response> {
		const answer = await control(request)
		if (answer) return answer
		const serve = () => Promise.resolve(production.fetch(request, withPoints(env), ctx))
		return await (request.method === 'GET' ? serve() : surrounded(`http.${request.method}`, serve))
	},

	async scheduled(controller, env): Promise<void> {
		await production.scheduled(controller, withPoints(env))
	},
} satisfies ExportedHandler<ApiEnv>
