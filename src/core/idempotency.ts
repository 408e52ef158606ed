/**
 * Requests that may be repeated: the answer is kept under the caller's key for a day, and given again.
 *
 * The key protects from doing twice what was asked once, because an answer got lost; it is not a cache.
 */

/** Milliseconds. */
export const ANSWERS_KEPT = 86_400_000

export interface KeyedRequest {
	key: string
	/** Tells whether it is the same request: a digest of what was asked, without passwords. */
	fingerprint: string
}

/** Whether a request is to be carried out (`fresh`), was answered already, or uses the key of another one. */
export function repetition<A extends { fingerprint: string; expiresAt: number }>(
	kept: A | null,
	request: KeyedRequest,
	now: number,
): { kind: 'fresh' } | { kind: 'repeated'; answer: A } | { kind: 'key_reused' } {
	if (kept === null || kept.expiresAt <= now) return { kind: 'fresh' }
	return kept.fingerprint === request.fingerprint ? { kind: 'repeated', answer: kept } : { kind: 'key_reused' }
}
