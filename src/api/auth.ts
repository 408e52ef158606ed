/** Who calls, by bearer token (HS256 only). */
import { jwtVerify } from 'jose'
import { type Caller, claimsSchema } from '../core/access.ts'
import { Refusal } from './problem.ts'

/** Seconds by which clocks may differ. */
const CLOCK_SKEW = 60

/** Tokens that this isolate has checked; a caller comes with the same one again and again. */
const verified = new Map<string, Caller>()
const VERIFIED_KEPT = 1_000

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="platen"' }

/**
 * @param authorization the header's value
 * @throws Refusal `unauthorized`
 */
export async function authenticate(authorization: string | undefined, secret: string, now: number): Promise<Caller> {
	const token = /^Bearer ([A-Za-z0-9_.-]+)$/i.exec(authorization ?? '')?.[1]
	if (!token) throw unauthorized('Send "Authorization: Bearer <token>".')

	const key = `${secret} ${token}`
	const known = verified.get(key)
	if (known) {
		if (known.exp + CLOCK_SKEW > now / 1000) return known
		verified.delete(key)
	}
	const caller = await verify(token, secret, now)
	if (verified.size >= VERIFIED_KEPT) verified.clear()
	verified.set(key, caller)
	return caller
}

async function verify(token: string, secret: string, now: number): Promise<Caller> {
	try {
		const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
			algorithms: ['HS256'],
			clockTolerance: CLOCK_SKEW,
			currentDate: new Date(now),
			requiredClaims: ['sub', 'exp'],
		})
		return claimsSchema.parse(payload)
	} catch {
		throw unauthorized('The token is not valid or has expired. Get a fresh one.')
	}
}

function unauthorized(detail: string): Refusal {
	return new Refusal('unauthorized', detail, CHALLENGE)
}
