/**
 * The second line behind the alarms: now and then, whatever should have moved is looked for in the history, and poked.
 *
 * A document that is poked looks after itself as its alarm would have made it, and sets that alarm again.
 */
import { within } from '../deadline.ts'
import { errorText } from '../error-text.ts'
import { DocumentHistory } from './history/documents.ts'
import { documentOf, lineupOf } from './objects.ts'

/** A job that has been active for so long may be stuck, or only long. Milliseconds. */
const SUSPICIOUS_AFTER = 600_000
/** At most so many are poked at a time; where it begins is random, so everybody's turn comes. */
const POKED_AT_ONCE = 200
/** Milliseconds. */
const DEADLINE = 10_000

/** @param random from 0 (inclusive) to 1 (exclusive) */
export async function pokeTheStuck(env: ApiEnv, now: number, random: number): Promise<void> {
	const from = Math.floor(random * 0x1_0000_0000)
		.toString(16)
		.padStart(8, '0')
	const ids = await within(
		DEADLINE,
		new DocumentHistory(env.HISTORY).activeSince(now - SUSPICIOUS_AFTER, now, from, POKED_AT_ONCE),
	)
	const pokes = [lineupOf(env).poke(), ...ids.map((id) => documentOf(env, id).poke())]
	const answers = await Promise.allSettled(pokes.map((poke) => within(DEADLINE, poke)))
	for (const answer of answers) {
		if (answer.status === 'rejected') console.warn('A poke was not answered', { error: errorText(answer.reason) })
	}
}
