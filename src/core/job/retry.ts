/**
 * When to try again: exponential growth, full jitter, a cap. The curve, the jitter and the clock are kept apart, so
 * that the schedule can be tested exactly.
 *
 * Full jitter: Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
import { z } from 'zod'

export const retryPolicySchema = z.object({
	/** Milliseconds. */
	baseDelay: z.number().nonnegative(),
	/** Milliseconds. */
	maxDelay: z.number().nonnegative(),
})
export type RetryPolicy = z.infer<typeof retryPolicySchema>

export const DEFAULT_MAX_RETRIES = 3

export const defaultRetryPolicy: RetryPolicy = { baseDelay: 1_000, maxDelay: 30_000 }

/** The longest wait before a retry in milliseconds; `losses` counts from 1. */
export function backoffCeiling(policy: RetryPolicy, losses: number): number {
	return Math.min(policy.maxDelay, policy.baseDelay * 2 ** Math.max(0, losses - 1))
}

/**
 * The wait before a retry in milliseconds.
 *
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function backoff(policy: RetryPolicy, losses: number, random: number): number {
	return Math.floor(backoffCeiling(policy, losses) * random)
}
