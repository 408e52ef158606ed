/** Signatures of addresses, under a key for each purpose that is derived from the Worker's secret. */
import { createHmac, timingSafeEqual } from 'node:crypto'

export class Signatures {
	/** The current one signs; the one before it is still believed. */
	readonly #keys: readonly [Buffer, ...Buffer[]]

	/** @param secrets of the Worker, the current one first */
	constructor([current, previous]: readonly [current: string, previous?: string], purpose: string) {
		const keyOf = (secret: string) => createHmac('sha256', secret).update(purpose).digest()
		this.#keys = previous === undefined ? [keyOf(current)] : [keyOf(current), keyOf(previous)]
	}

	sign(text: string): string {
		return signatureOf(this.#keys[0], text).toString('base64url')
	}

	isOurs(text: string, signature: Buffer): boolean {
		return this.#keys.some((key) => {
			const expected = signatureOf(key, text)
			return signature.length === expected.length && timingSafeEqual(signature, expected)
		})
	}
}

function signatureOf(key: Buffer, text: string): Buffer {
	// 128 bits suffice against guessing, and keep a manifest of a thousand pages small.
	return createHmac('sha256', key).update(text).digest().subarray(0, 16)
}
