/**
 * Makes tokens that the service accepts, for servers that share its secret. Never in a browser: whoever has the secret
 * can be anybody.
 */
import { SignJWT } from 'jose'
import type { Access } from '../core/access.ts'
import type { Priority } from '../core/snapshot.ts'

/** Seconds. */
const DEFAULT_EXPIRY = 12 * 60 * 60
/** Bytes; RFC 7518 asks for a key as long as the hash. */
const SHORTEST_SECRET = 32

export interface TokenOptions {
	/** Who calls; owns what is uploaded with this token. */
	sub: string
	/** The same `sub` in another tenant is somebody else. */
	tenant?: string | undefined
	/** Space-separated: `operator`, `converter`. */
	scope?: string | undefined
	/** Makes a token for exactly these documents, which owns nothing else. */
	documents?: Record<string, Access> | undefined
	/** The highest priority that may be asked for. */
	maxPriority?: Priority | undefined
	/** Seconds from now; 12 hours when absent. */
	expiresIn?: number | undefined
}

/**
 * Signs a bearer token (JWT, HS256).
 *
 * @param secret the service's `AUTH_JWT_SECRET`, 32 bytes at least
 * @example await createToken(process.env.AUTH_JWT_SECRET, { sub: 'alice', expiresIn: 900 })
 */
export async function createToken(secret: string, options: TokenOptions): Promise<string> {
	const key = new TextEncoder().encode(secret)
	if (key.length < SHORTEST_SECRET) throw new RangeError(`The secret has fewer than ${SHORTEST_SECRET} bytes`)
	const { sub, tenant, scope, documents, maxPriority, expiresIn = DEFAULT_EXPIRY } = options
	const now = Math.floor(Date.now() / 1000)
	const claims = { tenant, scope, documents, maxPriority }
	const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
	return await new SignJWT(given)
		.setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
		.setSubject(sub)
		.setIssuedAt(now)
		.setExpirationTime(now + expiresIn)
		.sign(key)
}
