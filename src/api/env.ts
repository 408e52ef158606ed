/**
 * The API Worker's settings, checked once when the isolate starts working: a wrong one is refused in words then, not
 * by a failure somewhere later.
 */
import { z } from 'zod'

const settingsSchema = z.object({
	AUTH_JWT_SECRET: z
		.string('is missing: set it with `wrangler secret put AUTH_JWT_SECRET`')
		.min(32, 'needs at least 32 characters'),
})

export interface Settings {
	/** Signs and checks bearer tokens; the keys of other signatures are derived from it. */
	jwtSecret: string
}

const checked = new WeakMap<object, Settings>()

/** @throws Error that names each setting which is wrong, without its value */
export function settingsOf(env: ApiEnv): Settings {
	const known = checked.get(env)
	if (known) return known
	const result = settingsSchema.safeParse({ AUTH_JWT_SECRET: env.AUTH_JWT_SECRET })
	if (!result.success) {
		const wrong = result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
		throw new Error(`Configuration: ${wrong.join('; ')}`)
	}
	const settings = { jwtSecret: result.data.AUTH_JWT_SECRET }
	checked.set(env, settings)
	return settings
}
