/**
 * Signed addresses of page bytes. They say which bytes of which pack they stand for, so they work in an `<img>`, their
 * content never changes, and serving one asks no object.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { documentIdSchema } from '../core/gate.ts'

const HOUR = 3_600_000

/** An address is good for at least this long, in milliseconds. */
const VALID_FOR = HOUR

export interface PageBytes {
	documentId: string
	fence: number
	offset: number
	length: number
	type: 'image/png' | 'image/webp' | 'text/plain' | 'application/json'
}

const extensions = {
	'image/png': 'png',
	'image/webp': 'webp',
	'text/plain': 'txt',
	'application/json': 'json',
} as const
const types = { png: 'image/png', webp: 'image/webp', txt: 'text/plain', json: 'application/json' } as const

/** Signs and checks addresses with a key of their own, derived from the Worker's secret. */
export class PageAddresses {
	/** The current one signs; the one before it is still believed. */
	readonly #keys: readonly [Buffer, ...Buffer[]]

	/** @param secrets of the Worker, the current one first */
	constructor([current, previous]: readonly [current: string, previous?: string]) {
		this.#keys = previous === undefined ? [keyOf(current)] : [keyOf(current), keyOf(previous)]
	}

	/** When addresses given out now end: rounded up to the hour, so that a browser finds them again in its cache. */
	expiry(now: number): number {
		return Math.ceil((now + VALID_FOR) / HOUR) * HOUR
	}

	/** The path of an address. */
	sign(bytes: PageBytes, expiresAt: number): string {
		const name = `${bytes.documentId}/${bytes.fence}/${bytes.offset}-${bytes.length}.${extensions[bytes.type]}`
		const expires = Math.floor(expiresAt / 1000)
		return `/api/pages/${name}?expires=${expires}&signature=${signatureOf(this.#keys[0], name, expires).toString('base64url')}`
	}

	/** What an address stands for; null when it is not one of ours or has ended. */
	verify(path: { documentId: string; fence: string; name: string }, query: unknown, now: number): SignedBytes | null {
		const parsed = addressSchema.safeParse({ ...path, ...(typeof query === 'object' ? query : {}) })
		if (!parsed.success) return null
		const { documentId, fence, name, expires, signature } = parsed.data
		const isOurs = this.#keys.some((key) => {
			const expected = signatureOf(key, `${documentId}/${fence}/${path.name}`, expires)
			return signature.length === expected.length && timingSafeEqual(signature, expected)
		})
		if (!isOurs) return null
		return expires * 1000 > now ? { documentId, fence, ...name, expiresAt: expires * 1000 } : null
	}
}

function keyOf(secret: string): Buffer {
	return createHmac('sha256', secret).update('platen page addresses v1').digest()
}

function signatureOf(key: Buffer, name: string, expires: number): Buffer {
	// 128 bits suffice against guessing, and keep a manifest of a thousand pages small.
	return createHmac('sha256', key).update(`${expires} ${name}`).digest().subarray(0, 16)
}

export interface SignedBytes extends PageBytes {
	expiresAt: number
}

const digits = z
	.string()
	.regex(/^[1-9]\d{0,14}$/)
	.transform(Number)

const addressSchema = z.object({
	documentId: documentIdSchema,
	fence: digits,
	name: z.string().transform((text, context) => {
		const match = /^(\d{1,12})-(\d{1,12})\.(png|webp|txt|json)$/.exec(text)
		if (!match) {
			context.addIssue('not the name of page bytes')
			return z.NEVER
		}
		return { offset: Number(match[1]), length: Number(match[2]), type: types[match[3] as keyof typeof types] }
	}),
	expires: digits,
	signature: z.base64url().transform((text) => Buffer.from(text, 'base64url')),
})
