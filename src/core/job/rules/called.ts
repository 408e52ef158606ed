/** What an owner's webhook is to be told, and what came of it. */
import type { ConversionEvent } from '../../webhook.ts'
import { answered, type Calls, noCalls, noted } from '../calls.ts'
import type { Event, Ruling } from '../event.ts'
import { type Conversion, isActive } from '../job.ts'
import { bookkeeping, unchanged } from './ruling.ts'

/** @param closed the job that another took the place of in this step, as it ended */
export function callsAfter(before: Conversion, after: Conversion, closed: Conversion | null, now: number): Calls {
	// Of a document that is gone nothing is told any more.
	if (after.life.state !== 'kept') return after.calls.pending.length === 0 ? after.calls : noCalls
	return noted(after.calls, eventsBetween(before, closed ?? after), before.number, now)
}

function eventsBetween({ job: was }: Conversion, { job: is }: Conversion): ConversionEvent[] {
	if (was === null || is?.id !== was.id) return []
	const events: ConversionEvent[] = []
	if (was.firstPageAt === null && is.firstPageAt !== null) events.push('conversion.first_page')
	const { status } = is.phase
	if (isActive(was) && status !== 'queued' && status !== 'processing') events.push(`conversion.${status}`)
	return events
}

export function called(
	conversion: Conversion,
	{ answers, hasWebhook, random }: Extract<Event, { type: 'called' }>,
	now: number,
): Ruling<null> {
	if (conversion.life.state !== 'kept') return unchanged(null)
	const told = { ...conversion, calls: answered(conversion.calls, answers, random, now) }
	const calls = wanted(told, hasWebhook)
	// What is told again because this was forgotten comes with the same id. A job that goes on writes often enough.
	return bookkeeping({ ...conversion, calls }, null, !isActive(conversion.job))
}

/** Whether the owner has a webhook was heard just now. */
export function wanted(conversion: Conversion, hasWebhook: boolean): Calls {
	const { calls, milestone, told } = conversion
	if (hasWebhook) return calls.isWanted ? calls : { ...calls, isWanted: true }
	// What has happened since is judged by the next answer: there will be one as long as the history lacks something.
	const isKnown = milestone <= told.history
	return { ...calls, isWanted: false, pending: isKnown ? [] : calls.pending }
}
