/**
 * A status read, by the shortest way: most of what a service with watchers is asked. Framework and schemas take as long
 * as all the rest of it, so a read that needs neither goes past them. It gives the very answer that the route would, which
 * a test compares, and leaves everything else to the route: whatever waits, or comes from another site.
 */
import type { Snapshot } from '../../core/snapshot.ts'
import { authenticate } from '../auth.ts'
import { settingsOf } from '../env.ts'
import { noSuchDocument } from '../http/app.ts'
import { manners, requestIdOf } from '../http/edge.ts'
import { brake } from '../http/guards.ts'
import { problemResponse, Refusal } from '../problem.ts'
import { looks } from './looks.ts'

/** Nothing but a document's id and a version. */
const PLAIN_READ =
	/^https?:\/\/[^/?#]+\/api\/documents\/([\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12})\/conversion-status(?:\?since=(0|[1-9]\d{0,14}))?$/

/** Null for what the route is to answer. */
export async function plainStatus(request: Request, env: ApiEnv, context: ExecutionContext): Promise<Response | null> {
	const { method, url, headers } = request
	const [, id, since = 0] = method === 'GET' ? (PLAIN_READ.exec(url) ?? []) : []
	if (id === undefined || headers.has('Origin')) return null
	const common: Record<string, string> = { ...manners, Vary: 'Origin', 'X-Request-Id': requestIdOf(request) }
	try {
		const caller = await authenticate(request, settingsOf(env), Date.now())
		common['RateLimit-Policy'] = await brake(env, 'reads', caller)
		const etag = headers.get('If-None-Match')
		const asking = { env, keepAlive: (promise: Promise<unknown>) => context.waitUntil(promise) }
		const floor = Math.max(Number(since), versionIn(etag))
		const standing = await looks.of(asking, id, caller, 'read', floor)
		if (!standing) throw noSuchDocument()
		Object.assign(common, headersOf(standing))
		if (etag === common.ETag) return new Response(null, { status: 304, headers: common })
		common['Content-Type'] = 'application/json'
		return new Response(standing.text, { headers: common })
	} catch (error) {
		// What is wrong on our side the route finds as well, and knows how to say it.
		if (!(error instanceof Refusal)) return null
		const response = problemResponse(error, common['X-Request-Id'] ?? '')
		for (const [name, value] of Object.entries(common)) response.headers.set(name, value)
		return response
	}
}

export function headersOf({ version }: Pick<Snapshot, 'version'>) {
	return { ETag: `"${version}"`, 'Cache-Control': 'private, no-cache' }
}

/** The version that somebody says they have; 0 when they say none. */
export function versionIn(etag: string | null): number {
	return Number(/^(?:W\/)?"(\d{1,15})"$/.exec(etag ?? '')?.[1] ?? 0)
}
