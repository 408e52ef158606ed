/**
 * The one object that knows who waits for a converter. Wiring only: the order is decided in `core/lineup`.
 *
 * Entries and a pause are rows; reservations, nudges and turns are memory, and forgetting them only costs a claim that
 * finds nothing, and estimates for a while.
 */
import { DurableObject } from 'cloudflare:workers'
import { BUILT_IN_FORMATS } from '../../core/format.ts'
import type { Claim, Claimant, Leaver } from '../../core/gate.ts'
import { type Place, type Want, wantSchema } from '../../core/lineup/entry.ts'
import { leave, takeDueNudges } from '../../core/lineup/lineup.ts'
import {
	alarmToSet,
	claim,
	createLineups,
	forget,
	isNeeded,
	type Lineups,
	pause,
	placeTold,
	resume,
	takeRefreshed,
	unwatch,
	waitingOf,
	want,
} from '../../core/lineup/lineups.ts'
import { HANDED_BACK_AFTER, nudgeHandedBack } from '../../core/lineup/nudges.ts'
import { overviewOfAll, type Queue } from '../../core/lineup/overview.ts'
import type { Refreshed } from '../../core/lineup/watch.ts'
import { within } from '../../deadline.ts'
import { errorText } from '../../error-text.ts'
import { documentOf } from '../objects.ts'
import { LineupStore } from './store.ts'

/** Queues take at most this many messages at once. */
const NUDGES_PER_SEND = 100

/** How many of those who wait an operator sees. */
const NAMED = 50

/** Milliseconds that a document may take to hear of its place. */
const PLACED_DEADLINE = 5_000

export class LineupObject extends DurableObject<ApiEnv> {
	readonly #store: LineupStore
	readonly #lineups: Lineups
	/** When the alarm will ring; null when that is not known. */
	#alarmAt: number | null = null

	constructor(ctx: DurableObjectState, env: ApiEnv) {
		super(ctx, env)
		this.#store = new LineupStore(ctx.storage.sql)
		this.#lineups = createLineups(this.#store.load(), this.#store.pause())
	}

	/**
	 * A document says how many converters it wants from now on; once this returns, that is kept.
	 *
	 * @returns where it stands now; null when it does not wait
	 */
	want(input: unknown): Place | null {
		const word: Want = wantSchema.parse(input)
		const now = Date.now()
		const entry = want(this.#lineups, word, now)
		if (entry === null) this.#store.delete(word.documentId)
		else if (entry !== 'unchanged') this.#store.save(entry)
		const place = placeTold(this.#lineups, word, now)
		this.#attend(now)
		return place
	}

	/**
	 * The document that is next, reserved for a while but not taken.
	 *
	 * @param formats what this converter can convert
	 */
	claim(claimant: Claimant, formats: readonly string[] = BUILT_IN_FORMATS): Claim | null {
		const now = Date.now()
		const next = claim(this.#lineups, { ...claimant, formats }, now)
		this.#attend(now)
		return next && { documentId: next.documentId, jobId: next.jobId }
	}

	/** Whether a claim for some formats would find somebody. */
	isNeeded(formats: readonly string[]): boolean {
		return isNeeded(this.#lineups, formats, Date.now())
	}

	/** A converter's time is up: another is called if somebody waits. */
	leave({ converter }: Leaver): void {
		const now = Date.now()
		leave(this.#lineups.pdf, converter, now)
		this.#attend(now)
	}

	/** A job that its document does not know any more. */
	forget(documentId: string, jobId: string): void {
		if (!forget(this.#lineups, documentId, jobId)) return
		this.#store.delete(documentId)
		this.#attend(Date.now())
	}

	/** Looks after those who wait, as the alarm does; for when the alarm was lost. */
	poke(): void {
		this.#attend(Date.now())
	}

	/** A converter was nudged that is busy already: another is, but not at once, since it may be the same again. */
	handBack(): void {
		const now = Date.now()
		if (nudgeHandedBack(this.#lineups.pdf.nudges, now)) this.#attend(now, HANDED_BACK_AFTER / 1000)
	}

	/** How many documents of an owner wait. @param owner by its key */
	waiting(owner: string): number {
		return waitingOf(this.#lineups, owner)
	}

	/** The lineup as an operator sees it. */
	overview(): Queue {
		return overviewOfAll(this.#lineups, NAMED, Date.now())
	}

	/** Nobody is given work until somebody resumes. @param by the subject of who says so */
	pause(by: string): Queue {
		const now = Date.now()
		this.#store.savePause(pause(this.#lineups, by, now))
		this.#attend(now)
		return this.overview()
	}

	resume(): Queue {
		resume(this.#lineups)
		this.#store.savePause(null)
		this.#attend(Date.now())
		return this.overview()
	}

	override alarm(): void {
		this.#alarmAt = null
		this.#attend(Date.now())
	}

	#attend(now: number, delaySeconds = 0): void {
		const due = takeDueNudges(this.#lineups.pdf, now)
		for (let sent = 0; sent < due; sent += NUDGES_PER_SEND) {
			this.#send(Math.min(NUDGES_PER_SEND, due - sent), delaySeconds)
		}
		for (const refreshed of takeRefreshed(this.#lineups, now)) this.ctx.waitUntil(this.#tell(refreshed))
		const alarm = alarmToSet(this.#lineups, this.#alarmAt, now)
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

	/** Who does not hear of it now hears with the next change, or in answer to the next word. */
	async #tell({ documentId, jobId, place }: Refreshed): Promise<void> {
		try {
			const isWatched = await within(PLACED_DEADLINE, documentOf(this.env, documentId).placed(jobId, place))
			if (!isWatched) unwatch(this.#lineups, documentId)
		} catch (error) {
			console.warn('A document could not be told its place', { documentId, error: errorText(error) })
		}
	}
}
