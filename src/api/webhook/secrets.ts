/**
 * The secrets of an endpoint, and what they sign. They are kept together in one sealed text: the current one, and those
 * that it took the place of, which go on signing for a day so that nobody has to change both sides at once.
 *
 * Signatures: Standard Webhooks, https://www.standardwebhooks.com (read November 2026).
 */
import { createHmac, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Owner } from '../../core/access.ts'
import type { Settings } from '../env.ts'
import { seal, sealingKey, unseal } from '../sealing.ts'

const PREFIX = 'whsec_'
/** Bytes; 24 to 64 are allowed. */
const SECRET_LENGTH = 32
/** How long a secret goes on signing after another took its place. Milliseconds. */
export const PREVIOUS_SIGNS_FOR = 24 * 3_600_000
/** So many that went before are kept at most. */
const MOST_PREVIOUS = 3

const secretsSchema = z.object({
	current: z.string(),
	/** The newest first. */
	previous: z.array(z.object({ secret: z.string(), until: z.number() })),
})
export type Secrets = z.infer<typeof secretsSchema>

export function freshSecrets(): Secrets {
	return { current: newSecret(), previous: [] }
}

/** Another current secret; a rotation that is repeated takes nothing away from the one that is in use. */
export function rotated({ current, previous }: Secrets, now: number): Secrets {
	const replaced = [{ secret: current, until: now + PREVIOUS_SIGNS_FOR }, ...inForce(previous, now)]
	// The one that has been in use for longest may be the one that the endpoint knows.
	const oldest = replaced.at(-1)
	const kept = replaced.length > MOST_PREVIOUS && oldest ? [...replaced.slice(0, MOST_PREVIOUS - 1), oldest] : replaced
	return { current: newSecret(), previous: kept }
}

/** Until when a secret before the current one signs, in milliseconds since the epoch; null when none does. */
export function previousUntil({ previous }: Secrets, now: number): number | null {
	const ends = inForce(previous, now).map(({ until }) => until)
	return ends.length === 0 ? null : Math.max(...ends)
}

/**
 * The headers of a call.
 *
 * @param now of this try, in milliseconds since the epoch
 */
export function signedHeaders(id: string, body: string, secrets: Secrets, now: number): Record<string, string> {
	const timestamp = String(Math.floor(now / 1000))
	const all = [secrets.current, ...inForce(secrets.previous, now).map(({ secret }) => secret)]
	const signatures = all.map((secret) => {
		const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
		return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
	})
	return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

export async function sealSecrets(secrets: Secrets, owner: Owner, settings: Settings): Promise<string> {
	return await seal(await keyOf(settings.secrets[0]), JSON.stringify(secrets), contextOf(owner))
}

/** @returns null when they were sealed under a secret of the Worker that is no longer known */
export async function unsealSecrets(sealed: string, owner: Owner, settings: Settings): Promise<Secrets | null> {
	const text = await unseal(await keysOf(settings), sealed, contextOf(owner))
	return text === null ? null : secretsSchema.parse(JSON.parse(text))
}

function keysOf({ secrets }: Settings): Promise<CryptoKey[]> {
	return Promise.all(secrets.filter((each) => each !== undefined).map(keyOf))
}

function keyOf(secret: string): Promise<CryptoKey> {
	return sealingKey(secret, 'webhook secrets')
}

function contextOf({ tenant, sub }: Owner): string {
	return JSON.stringify([tenant, sub])
}

/** A clock that was put back keeps a secret in force no longer than it could be. */
function inForce(previous: Secrets['previous'], now: number): Secrets['previous'] {
	return previous.filter(({ until }) => until > now && until <= now + PREVIOUS_SIGNS_FOR)
}

function newSecret(): string {
	return `${PREFIX}${randomBytes(SECRET_LENGTH).toString('base64')}`
}
