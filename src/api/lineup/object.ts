/**
 * The one object that knows who waits for a converter. Wiring only: the order is decided in `core/lineup.ts`.
 *
 * Entries are rows; reservations and nudges are memory, and forgetting them only costs a claim that finds nothing.
 */
import { DurableObject } from 'cloudflare:workers'
import {
	alarmToSet,
	claim,
	emptyLineup,
	forget,
	HANDED_BACK_AFTER,
	handBack,
	type Lineup,
	nudgeArrived,
	takeDueNudges,
	type Want,
	want,
} from '../../core/lineup.ts'
import { errorText } from '../../error-text.ts'
import { LineupStore } from './store.ts'

/** Queues take at most this many messages at once. */
const NUDGES_PER_SEND = 100

export class LineupObject extends DurableObject<ApiEnv> {
	readonly #store: LineupStore
	readonly #lineup: Lineup
	/** When the alarm will ring; null when that is not known. */
	#alarmAt: number | null = null

	constructor(ctx: DurableObjectState, env: ApiEnv) {
		super(ctx, env)
		this.#store = new LineupStore(ctx.storage.sql)
		this.#lineup = emptyLineup()
		for (const entry of this.#store.load()) this.#lineup.entries.set(entry.documentId, entry)
	}

	/** A document says how many converters it wants from now on; once this returns, that is kept. */
	want(word: Want): void {
		const now = Date.now()
		const entry = want(this.#lineup, word, now)
		if (entry === null) this.#store.delete(word.documentId)
		else if (entry !== 'unchanged') this.#store.save(entry)
		this.#attend(now)
	}

	/**
	 * The document that is next, reserved for a while but not taken.
	 *
	 * @param nudged whether a nudge brought the converter here, rather than being done with something else
	 */
	claim(nudged: boolean): { documentId: string; jobId: string } | null {
		const now = Date.now()
		if (nudged) nudgeArrived(this.#lineup)
		const next = claim(this.#lineup, now)
		this.#attend(now)
		return next && { documentId: next.documentId, jobId: next.jobId }
	}

	/** A job that its document does not know any more. */
	forget(documentId: string, jobId: string): void {
		if (forget(this.#lineup, documentId, jobId)) this.#store.delete(documentId)
	}

	/** Looks after those who wait, as the alarm does; for when the alarm was lost. */
	poke(): void {
		this.#attend(Date.now())
	}

	/** A converter was nudged that is busy already: another is, but not at once, since it may be the same again. */
	handBack(): void {
		const now = Date.now()
		if (handBack(this.#lineup, now)) this.#attend(now, HANDED_BACK_AFTER / 1000)
	}

	override alarm(): void {
		this.#alarmAt = null
		this.#attend(Date.now())
	}

	#attend(now: number, delaySeconds = 0): void {
		const due = takeDueNudges(this.#lineup, now)
		for (let sent = 0; sent < due; sent += NUDGES_PER_SEND) {
			this.#send(Math.min(NUDGES_PER_SEND, due - sent), delaySeconds)
		}
		const alarm = alarmToSet(this.#lineup, this.#alarmAt, now)
		if (alarm === null) return
		this.#alarmAt = alarm
		this.ctx.waitUntil(this.ctx.storage.setAlarm(alarm))
	}

	/** Never waited for: a nudge that gets lost is replaced, and a queue may take its time. */
	#send(count: number, delaySeconds: number): void {
		const messages = Array.from({ length: count }, () => ({ body: { type: 'nudge' }, delaySeconds }))
		this.ctx.waitUntil(
			this.env.NUDGES.sendBatch(messages).then(
				() => undefined,
				(error: unknown) => console.warn('Nudges could not be sent', { count, error: errorText(error) }),
			),
		)
	}
}

/** There is one lineup. */
export function lineupOf(env: ApiEnv): DurableObjectStub<LineupObject> {
	return env.LINEUP.get(env.LINEUP.idFromName('lineup'))
}
