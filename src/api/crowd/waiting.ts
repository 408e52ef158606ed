/**
 * A brake on how many documents of one owner wait for a converter. What the lineup knows is asked for behind the answers,
 * and waited for only when it gets narrow: so a start costs no further request as long as there is room.
 */
import type { Owner } from '../../core/access.ts'
import { ownerKey } from '../../core/access.ts'
import { WaitingCounts } from '../../core/crowd/waiting.ts'
import { within } from '../../deadline.ts'
import { errorText } from '../../error-text.ts'
import { settingsOf } from '../env.ts'
import { lineupOf } from '../objects.ts'
import { Refusal } from '../problem.ts'
import type { Asking } from './looks.ts'

/** Milliseconds that the lineup may take to answer. */
const LINEUP_DEADLINE = 2_000
/** Seconds after which it is worth another try. */
const RETRY_AFTER = '30'

/** Of this isolate. */
const counts = new WaitingCounts()

/**
 * Lets another document of the owner's wait, or refuses.
 *
 * @param bringsNone whether after all none would be added; asked only before refusing
 * @throws Refusal `too_many_waiting`
 */
export async function admit(asking: Asking, owner: Owner, bringsNone: () => Promise<boolean>): Promise<void> {
	const limit = settingsOf(asking.env).maxWaitingPerOwner
	const key = ownerKey(owner)
	switch (counts.judge(key, limit, Date.now())) {
		case 'go':
			return
		case 'go and ask':
			asking.keepAlive(ask(asking.env, key))
			return
		case 'ask': {
			const waiting = await ask(asking.env, key)
			if (waiting === null || waiting < limit || (await bringsNone())) return
			throw new Refusal(
				'too_many_waiting',
				`${waiting} of your documents wait for a converter, and ${limit} may. Try again when some are done.`,
				{ 'Retry-After': RETRY_AFTER },
			)
		}
	}
}

/** A document of the owner's that was let in waits now. */
export function admitted(owner: Owner): void {
	counts.added(ownerKey(owner))
}

/** Null when the lineup does not answer: a brake must not stop everything. */
async function ask(env: ApiEnv, key: string): Promise<number | null> {
	const before = counts.asks(key, Date.now())
	try {
		const waiting = await within(LINEUP_DEADLINE, lineupOf(env).waiting(key))
		counts.heard(key, waiting, before)
		return waiting
	} catch (error) {
		console.warn('The lineup could not be asked how many wait', { error: errorText(error) })
		return null
	}
}
