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

/** Comma-separated. */
const list = z
	.string()
	.default('')
	.transform((text) =>
		text
			.split(',')
			.map((part) => part.trim())
			.filter((part) => part !== ''),
	)

const origins = list.refine(
	(parts) => parts.every((part) => URL.canParse(part) && new URL(part).origin === part),
	'is a list of origins, as in https://app.example.com',
)

const settingsSchema = z
	.object({
		AUTH_JWT_SECRET: z
			.string('is missing: set it with `wrangler secret put AUTH_JWT_SECRET`')
			.min(32, 'needs at least 32 characters'),
		AUTH_JWT_SECRET_PREVIOUS: z.string().min(32, 'needs at least 32 characters').optional(),
		AUTH_JWKS_URL: z.url({ protocol: /^https?$/, error: 'is no address' }).optional(),
		AUTH_ISSUER: z.string().min(1).optional(),
		AUTH_AUDIENCE: z.string().min(1).optional(),
		OPERATOR_SUBJECTS: list,
		ALLOWED_ORIGINS: origins,
		MAX_WAITING_PER_OWNER: z
			.string()
			.regex(/^[1-9]\d{0,5}$/, 'is a number of documents')
			.transform(Number)
			.default(1_000),
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
	.refine((given) => given.AUTH_JWKS_URL === undefined || (given.AUTH_ISSUER && given.AUTH_AUDIENCE), {
		path: ['AUTH_JWKS_URL'],
		error: 'needs AUTH_ISSUER and AUTH_AUDIENCE: whose tokens are good, and for whom they must be',
	})

/** Whose tokens are good. Issuer and audience are null when they are not looked at. */
export type Tokens =
	| { kind: 'secret'; secrets: readonly string[]; issuer: string | null; audience: string | null }
	| { kind: 'keys'; url: string; issuer: string; audience: string }

export interface Settings {
	tokens: Tokens
	/** The Worker's own secrets: the current one first, then the previous one, if it is being replaced. */
	secrets: readonly [current: string, previous?: string]
	/** Who runs the service, by subject, or by e-mail address where an identity provider vouches for it. */
	operatorSubjects: readonly string[]
	/** Origins of other sites whose pages may use the service. */
	allowedOrigins: readonly string[]
	/** How many documents of one owner may wait for a converter. */
	maxWaitingPerOwner: number
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
	const given = result.data
	const current = given.AUTH_JWT_SECRET
	const secrets: Settings['secrets'] =
		given.AUTH_JWT_SECRET_PREVIOUS === undefined ? [current] : [current, given.AUTH_JWT_SECRET_PREVIOUS]
	const settings: Settings = {
		tokens:
			given.AUTH_JWKS_URL !== undefined && given.AUTH_ISSUER !== undefined && given.AUTH_AUDIENCE !== undefined
				? { kind: 'keys', url: given.AUTH_JWKS_URL, issuer: given.AUTH_ISSUER, audience: given.AUTH_AUDIENCE }
				: {
						kind: 'secret',
						secrets: secrets.filter((each) => each !== undefined),
						issuer: given.AUTH_ISSUER ?? null,
						audience: given.AUTH_AUDIENCE ?? null,
					},
		secrets,
		operatorSubjects: given.OPERATOR_SUBJECTS,
		allowedOrigins: given.ALLOWED_ORIGINS,
		maxWaitingPerOwner: given.MAX_WAITING_PER_OWNER,
		maxRetries: given.MAX_RETRIES,
		retryPolicy: { baseDelay: given.RETRY_BASE_DELAY_MS, maxDelay: given.RETRY_MAX_DELAY_MS },
		webhookAllowLocal: given.WEBHOOK_ALLOW_LOCAL,
	}
	checked.set(env, settings)
	return settings
}
