/** What the routes' apps have in common. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Caller } from '../../core/access.ts'
import type { Asking } from '../crowd/looks.ts'
import { Refusal } from '../problem.ts'

export type AppEnv = {
	Bindings: ApiEnv
	Variables: {
		/** By which answers, logs and problem documents know the request. */
		requestId: string
		/** Who calls; set by the guards, so only on routes that have one. */
		caller: Caller
	}
}

/** An app whose inputs are refused in words. */
export function newApp() {
	return new OpenAPIHono<AppEnv>({
		defaultHook(result) {
			if (result.success) return
			// An id that cannot be one is as good as one that nobody has.
			if (result.target === 'param') throw noSuchDocument()
			throw malformed(result.error.issues, result.target)
		},
	})
}

/** For what may go on when the answer is out, or is shared with other requests. */
export function askingOf(context: Context<AppEnv>): Asking {
	return { env: context.env, keepAlive: (promise) => context.executionCtx.waitUntil(promise) }
}

/** Says which fields are wrong and how. */
export function malformed(issues: readonly { path: PropertyKey[]; message: string }[], what: string): Refusal {
	const wrong = issues.slice(0, 5).map((issue) => `${issue.path.join('.') || what}: ${issue.message}`)
	return new Refusal('malformed', `${wrong.join('; ')}.`)
}

export function noSuchDocument(): Refusal {
	return new Refusal('not_found', 'There is no such document, or it is not yours.')
}
