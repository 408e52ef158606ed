/**
 * What the owner's webhook is still to be told of a document, and when: the schedule, apart from clock and chance.
 *
 * Whether the owner has a webhook at all is learnt from the history's answer, which is asked anyway. So events are kept
 * until it comes, and owners without a webhook pay nothing.
 */
import { z } from 'zod'
import { type ConversionEvent, conversionEventSchema } from '../webhook.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * The longest waits between one try and the next, in milliseconds; half of it is certain, half is chance. An endpoint
 * that is away for half a day misses nothing.
 */
const WAITS = [5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR] as const
/** How often an event is told at most. */
export const MOST_TRIES = WAITS.length + 1
/** The longest that an endpoint may ask to be left alone. Milliseconds. */
export const LONGEST_WAIT = DAY
/** What was not told so long after it happened is given up. Milliseconds. */
export const GIVEN_UP_AFTER = 2 * DAY
/** More events of one document than this do not wait; the oldest are given up. */
export const MOST_PENDING = 20

export const callSchema = z.object({
	event: conversionEventSchema,
	/** The number of the job that it is about. */
	number: z.int(),
	/** When it happened. */
	at: z.number(),
	/** How often it was told in vain. */
	tries: z.int(),
	/** Not to be told before this time. */
	notBefore: z.number(),
})
export type Call = z.infer<typeof callSchema>

export const callsSchema = z.object({
	/** Whether the owner had a webhook when that was last heard. */
	isWanted: z.boolean(),
	/** What has happened and was not told. */
	pending: z.array(callSchema),
	/** How many events were given up. */
	dropped: z.int(),
})
export type Calls = z.infer<typeof callsSchema>

export const noCalls: Readonly<Calls> = { isWanted: false, pending: [], dropped: 0 }

/** What came of a call. */
export type CallAnswer = Pick<Call, 'event' | 'number'> &
	/** `retryAfter`: for how long the endpoint wants to be left alone, in milliseconds; null when it did not say. */
	({ isDelivered: true } | { isDelivered: false; retryAfter: number | null })

/** Something has happened. */
export function noted(calls: Calls, events: readonly ConversionEvent[], number: number, now: number): Calls {
	if (events.length === 0) return calls
	const news = events.map((event): Call => ({ event, number, at: now, tries: 0, notBefore: 0 }))
	const all = [...calls.pending, ...news]
	const superfluous = Math.max(0, all.length - MOST_PENDING)
	return { ...calls, pending: all.slice(superfluous), dropped: calls.dropped + superfluous }
}

/** Calls were answered, or not. @param random from 0 (inclusive) to 1 (exclusive) */
export function answered(calls: Calls, answers: readonly CallAnswer[], random: number, now: number): Calls {
	let { dropped } = calls
	const pending = calls.pending.flatMap((call) => {
		const answer = answers.find(({ event, number }) => event === call.event && number === call.number)
		if (!answer) return [call]
		if (answer.isDelivered) return []
		const next = missed(call, answer.retryAfter, random, now)
		if (next) return [next]
		dropped += 1
		return []
	})
	return { ...calls, pending, dropped }
}

/** A call that came to nothing as it waits for the next try; null when it is given up. */
function missed(call: Call, retryAfter: number | null, random: number, now: number): Call | null {
	const longest = WAITS[call.tries]
	if (longest === undefined) return null
	const wait = Math.max(Math.floor(longest * (0.5 + random / 2)), Math.min(retryAfter ?? 0, LONGEST_WAIT))
	const notBefore = now + wait
	return notBefore > call.at + GIVEN_UP_AFTER ? null : { ...call, tries: call.tries + 1, notBefore }
}

/** What is to be told now. */
export function callsDue({ isWanted, pending }: Calls, now: number): Call[] {
	// A time that lies further ahead than any wait was set by a clock that has been put back since.
	return isWanted ? pending.filter(({ notBefore }) => notBefore <= now || notBefore > now + LONGEST_WAIT) : []
}
