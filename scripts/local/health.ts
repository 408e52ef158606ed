/** Asking a local process whether it is there. */
import { setTimeout as sleep } from 'node:timers/promises'

/** One question; a process that starts may take a connection long before it answers. Milliseconds. */
const ANSWER_WITHIN = 5_000
const ASK_EVERY = 50

/** Whether this address answers 2xx. */
export async function answers(address: string, headers: Record<string, string> = {}): Promise<boolean> {
	try {
		const response = await fetch(address, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN) })
		await response.body?.cancel()
		return response.ok
	} catch {
		return false
	}
}

/** Asks until the address answers 2xx or `signal` says that it is of no use any more; then its reason is thrown. */
export async function untilAnswers(
	address: string,
	signal: AbortSignal,
	headers: Record<string, string> = {},
): Promise<void> {
	while (!(await answers(address, headers))) {
		signal.throwIfAborted()
		await sleep(ASK_EVERY, undefined, { signal }).catch(() => signal.throwIfAborted())
	}
}
