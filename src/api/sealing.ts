/**
 * Seals what must not lie about readable: AES-256-GCM under keys that are derived from the Worker's secret, one for each
 * purpose. What was sealed for one context (a document, an owner) cannot be opened for another.
 */
import { hkdfSync } from 'node:crypto'

/** Bytes of the nonce, which stands before the ciphertext. */
const NONCE = 12

/** @param secret the Worker's own */
export async function sealingKey(secret: string, purpose: string): Promise<CryptoKey> {
	const bytes = new Uint8Array(hkdfSync('sha256', secret, '', `platen ${purpose} v1`, 32))
	return await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

/** @param context is bound to it, and not kept secret */
export async function seal(key: CryptoKey, text: string, context: string): Promise<string> {
	const nonce = crypto.getRandomValues(new Uint8Array(NONCE))
	const sealed = await crypto.subtle.encrypt(algorithm(nonce, context), key, new TextEncoder().encode(text))
	return Buffer.concat([nonce, new Uint8Array(sealed)]).toString('base64url')
}

/**
 * @param keys the current one first, then those that were in use before
 * @returns null when it was sealed under none of them, or for another context
 */
export async function unseal(keys: readonly CryptoKey[], sealed: string, context: string): Promise<string | null> {
	const bytes = Buffer.from(sealed, 'base64url')
	for (const key of keys) {
		try {
			const nonce = bytes.subarray(0, NONCE)
			const opened = await crypto.subtle.decrypt(algorithm(nonce, context), key, bytes.subarray(NONCE))
			return new TextDecoder().decode(opened)
		} catch {
			// Sealed under another one, perhaps.
		}
	}
	return null
}

function algorithm(iv: Uint8Array, context: string) {
	return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(context) }
}
