/**
 * Who calls. Either tokens that were signed with the Worker's own secret (HS256), or tokens of somebody's identity
 * provider, Cloudflare Access included, whose keys lie at an address (RS256 or ES256): never both, so that a public key
 * can never be mistaken for a secret.
 */
import {
	createRemoteJWKSet,
	errors,
	type JWTPayload,
	type JWTVerifyGetKey,
	type JWTVerifyOptions,
	jwtVerify,
} from 'jose'
import { type Caller, claimsSchema } from '../core/access.ts'
import type { Settings } from './env.ts'
import { isOriginAllowed } from './http/edge.ts'
import { Refusal } from './problem.ts'

/** Seconds by which clocks may differ. */
const CLOCK_SKEW = 60
/** Milliseconds that an identity provider may take to hand out its keys. */
const KEYS_DEADLINE = 3_000

/** Tokens that this isolate has checked, by the settings they were checked with; a caller comes with the same one again. */
const verified = new WeakMap<Settings, Map<string, Caller>>()
const VERIFIED_KEPT = 1_000
/** One per address, since it keeps the keys. */
const keySets = new Map<string, JWTVerifyGetKey>()

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="platen"' }

/** How Cloudflare Access says who has signed in, behind its proxy. */
const ACCESS_HEADER = 'Cf-Access-Jwt-Assertion'

/** @throws Refusal `unauthorized` · `origin_refused` · `unavailable` when the keys cannot be had just now */
export async function authenticate(request: Request, settings: Settings, now: number): Promise<Caller> {
	const token = tokenOf(request, settings)
	const known = verified.get(settings) ?? new Map<string, Caller>()
	verified.set(settings, known)
	const caller = known.get(token)
	if (caller) {
		if (caller.exp + CLOCK_SKEW > now / 1000) return caller
		known.delete(token)
	}
	const fresh = callerOf(await claimsOf(token, settings, now), settings)
	if (known.size >= VERIFIED_KEPT) known.clear()
	known.set(token, fresh)
	return fresh
}

function tokenOf(request: Request, { tokens, allowedOrigins }: Settings): string {
	const authorization = request.headers.get('Authorization')
	const bearer = /^Bearer ([A-Za-z0-9_.-]+)$/i.exec(authorization ?? '')?.[1]
	if (bearer) return bearer
	const assertion = request.headers.get(ACCESS_HEADER)
	if (tokens.kind !== 'keys' || authorization !== null || !assertion) {
		throw unauthorized('Send "Authorization: Bearer <token>".')
	}
	// The browser sends it along by itself, whoever's page makes the request.
	const isRead = request.method === 'GET' || request.method === 'HEAD'
	if (!isRead && !isOriginAllowed(request, allowedOrigins)) {
		throw new Refusal('origin_refused', 'Requests from this site are not taken. Add it to ALLOWED_ORIGINS.')
	}
	return assertion
}

async function claimsOf(token: string, { tokens }: Settings, now: number): Promise<JWTPayload> {
	const { issuer, audience } = tokens
	const options: JWTVerifyOptions = {
		clockTolerance: CLOCK_SKEW,
		currentDate: new Date(now),
		requiredClaims: ['exp'],
		...(issuer !== null && { issuer }),
		...(audience !== null && { audience }),
	}
	try {
		return tokens.kind === 'keys'
			? (await jwtVerify(token, keySetOf(tokens.url), { ...options, algorithms: ['RS256', 'ES256'] })).payload
			: await verifiedBySecret(token, tokens.secrets, { ...options, algorithms: ['HS256'] })
	} catch (error) {
		if (tokens.kind === 'keys' && areKeysOutOfReach(error)) {
			throw new Refusal('unavailable', 'The keys of the identity provider cannot be had. Try again in a moment.', {
				'Retry-After': '5',
			})
		}
		throw unauthorized('The token is not valid or has expired. Get a fresh one.')
	}
}

async function verifiedBySecret(
	token: string,
	[current, previous]: readonly string[],
	options: JWTVerifyOptions,
): Promise<JWTPayload> {
	const key = (secret = '') => new TextEncoder().encode(secret)
	try {
		return (await jwtVerify(token, key(current), options)).payload
	} catch (error) {
		// Only a signature may be the other secret's; an expired token is expired under both.
		if (previous === undefined || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error
		return (await jwtVerify(token, key(previous), options)).payload
	}
}

function keySetOf(url: string): JWTVerifyGetKey {
	const known = keySets.get(url) ?? createRemoteJWKSet(new URL(url), { timeoutDuration: KEYS_DEADLINE })
	keySets.set(url, known)
	return known
}

/** Nothing is wrong with the token, as far as can be told. */
function areKeysOutOfReach(error: unknown): boolean {
	if (!(error instanceof errors.JOSEError)) return true
	return error.code === 'ERR_JWKS_TIMEOUT' || error.code === 'ERR_JWKS_INVALID' || error.code === 'ERR_JOSE_GENERIC'
}

function callerOf(payload: JWTPayload, { operatorSubjects, tokens }: Settings): Caller {
	const { common_name: service, email } = payload
	// Service tokens of Cloudflare Access have an empty subject, and say who they are in another claim.
	const sub =
		tokens.kind === 'keys' && payload.sub === '' && typeof service === 'string' ? `service:${service}` : payload.sub
	const parsed = claimsSchema.safeParse({ ...payload, sub })
	if (!parsed.success) throw unauthorized('The token does not say who you are. Get one with `sub` and `exp`.')
	const names = tokens.kind === 'keys' && typeof email === 'string' ? [parsed.data.sub, email] : [parsed.data.sub]
	const isOperator = names.some((name) => operatorSubjects.includes(name))
	return isOperator ? { ...parsed.data, scope: `${parsed.data.scope} operator`.trim() } : parsed.data
}

function unauthorized(detail: string): Refusal {
	return new Refusal('unauthorized', detail, CHALLENGE)
}
