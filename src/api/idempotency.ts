/** What makes a request the same request: its key, and a digest of what it asks. */
import { createHash, createHmac } from 'node:crypto'
import type { Caller, Owner } from '../core/access.ts'
import type { Settings } from './env.ts'
import { documentOf } from './objects.ts'

/**
 * The id of the document that an owner uploads under an idempotency key: the same each time, and not to be guessed by
 * others.
 */
export function documentIdFor(secret: string, { tenant, sub }: Owner, key: string): string {
	const hmac = createHmac('sha256', secret)
		.update(JSON.stringify(['platen document v1', tenant, sub, key]))
		.digest()
	return uuidFrom(hmac)
}

/** A digest as a UUID of version 8 (RFC 9562, 5.8). */
export function uuidFrom(digest: Buffer): string {
	const bytes = digest.subarray(0, 16)
	bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
	bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
	const hex = bytes.toString('hex')
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/**
 * The same, while the Worker's secret is being replaced: an upload that was begun under the previous one is found again.
 */
export async function documentIdOf(env: ApiEnv, { secrets }: Settings, caller: Caller, key: string): Promise<string> {
	const [current, previous] = secrets
	if (previous !== undefined) {
		const before = documentIdFor(previous, caller, key)
		const known = await documentOf(env, before).document(caller)
		if (known.outcome === 'found') return before
	}
	return documentIdFor(current, caller, key)
}

/**
 * @param command parsed, so that what is written differently but means the same is the same. A password is left out: of a
 * digest it could be found by trying
 */
export function fingerprintOf(command: object): string {
	const { password: _, ...asked } = { password: undefined, ...command }
	return createHash('sha256').update(JSON.stringify(asked)).digest('hex')
}
