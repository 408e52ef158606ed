/**
 * The API Worker's settings, checked once when the isolate starts working: a wrong one is refused in words then, not
 * by a failure somewhere later.
 */
import { z } from 'zod'
import { DEFAULT_MAX_RETRIES, defaultRetryPolicy, type RetryPolicy } from '../core/job/retry.ts'

/** Variables are text. */
const milliseconds = z
	.string()
	.regex(/^\d{1,7}$/, 'is a number of milliseconds')
	.transform(Number)

const settingsSchema = z
	.object({
		AUTH_JWT_SECRET: z
			.string('is missing: set it with `wrangler secret put AUTH_JWT_SECRET`')
			.min(32, 'needs at least 32 characters'),
		MAX_RETRIES: z
			.string()
			.regex(/^(?:\d|10)$/, 'is a number from 0 to 10')
			.transform(Number)
			.default(DEFAULT_MAX_RETRIES),
		RETRY_BASE_DELAY_MS: milliseconds.default(defaultRetryPolicy.baseDelay),
		RETRY_MAX_DELAY_MS: milliseconds.default(defaultRetryPolicy.maxDelay),
		WEBHOOK_ALLOW_LOCAL: z
			.enum(['true', 'false'], 'is true or false')
			.default('false')
			.transform((text) => text === 'true'),
	})
	.refine(({ RETRY_BASE_DELAY_MS: base, RETRY_MAX_DELAY_MS: max }) => base <= max, {
		path: ['RETRY_BASE_DELAY_MS'],
		error: 'is more than RETRY_MAX_DELAY_MS',
	})

export interface Settings {
	/** Signs and checks bearer tokens; the keys of other signatures are derived from it. */
	jwtSecret: string
	/** How often each part of a job may be tried again, unless its start says otherwise. */
	maxRetries: number
	retryPolicy: RetryPolicy
	/** Whether webhooks may be at `http://localhost` or `http://127.0.0.1`: for development and tests only. */
	webhookAllowLocal: boolean
}

const checked = new WeakMap<object, Settings>()

/** @throws Error that names each setting which is wrong, without its value */
export function settingsOf(env: ApiEnv): Settings {
	const known = checked.get(env)
	if (known) return known
	const result = settingsSchema.safeParse(env)
	if (!result.success) {
		const wrong = result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
		throw new Error(`Configuration: ${wrong.join('; ')}`)
	}
	const { AUTH_JWT_SECRET, MAX_RETRIES, RETRY_BASE_DELAY_MS, RETRY_MAX_DELAY_MS, WEBHOOK_ALLOW_LOCAL } = result.data
	const settings: Settings = {
		jwtSecret: AUTH_JWT_SECRET,
		maxRetries: MAX_RETRIES,
		retryPolicy: { baseDelay: RETRY_BASE_DELAY_MS, maxDelay: RETRY_MAX_DELAY_MS },
		webhookAllowLocal: WEBHOOK_ALLOW_LOCAL,
	}
	checked.set(env, settings)
	return settings
}
