/**
 * Owners' endpoints: each is there for the whole time, comes, goes, or never was, and may be away for a while. What came
 * is kept account of.
 *
 * webhook: nobody is called who has no endpoint · an event has one id, and an id one event · what is told is so · no
 * event is lost while the endpoint is there
 */
import { type Call, MOST_PENDING } from '../../src/core/job/calls.ts'
import { type Conversion, isActive } from '../../src/core/job/job.ts'
import { type ConversionEvent, messageId } from '../../src/core/webhook.ts'
import type { SimulatedDocument } from './document.ts'
import { type Faults, strikes } from './faults.ts'
import type { History } from './storage.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** What an endpoint may ask for, in milliseconds. */
const RETRY_AFTER = 100_000

export class SimulatedReceiver {
	readonly #world: World
	readonly #faults: Faults
	readonly #history: History
	/** Owners whose endpoint was there at some time, and those for whom it was there the whole time. */
	readonly #sometimes = new Set<string>()
	readonly #always = new Set<string>()
	readonly #away = new Set<string>()
	/** Ids by event, and events by id. */
	readonly #ids = new Map<string, string>()
	readonly #events = new Map<string, string>()

	constructor(owners: readonly string[], world: World, faults: Faults, history: History) {
		this.#world = world
		this.#faults = faults
		this.#history = history
		const { random } = world
		for (const owner of new Set(owners)) {
			const dice = random.next()
			if (dice < 0.4) continue
			this.#sometimes.add(owner)
			if (dice < 0.8) this.#always.add(owner)
			if (dice < 0.9) history.webhooks.add(owner)
			if (dice >= 0.8) {
				world.after(random.between(0, faults.until), () => {
					if (dice < 0.9) history.webhooks.delete(owner)
					else history.webhooks.add(owner)
				})
			}
			if (random.chance(faults.away)) this.#planAbsence(owner)
		}
	}

	/** A document begins to call. */
	calling(document: SimulatedDocument): void {
		if (this.#sometimes.has(document.owner)) return
		throw new Violation('webhook', `${document.id} calls, and its owner never had an endpoint`)
	}

	/** Whether the owner is to be called. */
	isSetUp(owner: string): boolean {
		return this.#history.webhooks.has(owner)
	}

	/** @returns whether it was taken, and else how long the endpoint wants to be left alone */
	call(
		document: SimulatedDocument,
		{ number, event }: Call,
		{ job }: Conversion,
	): { isDelivered: true } | { isDelivered: false; retryAfter: number | null } {
		const { random } = this.#world
		const missed = { isDelivered: false, retryAfter: random.chance(0.2) ? RETRY_AFTER : null } as const
		if (this.#away.has(document.owner) || strikes(this.#world, this.#faults, this.#faults.lostRequest)) return missed
		if (!job) throw new Violation('webhook', `${document.id} tells of a job that it does not have`)
		const key = keyOf(document.id, number, event)
		const id = messageId(job.id, event)
		if ((this.#ids.get(key) ?? id) !== id) throw new Violation('webhook', `${key} has two ids`)
		if ((this.#events.get(id) ?? key) !== key) throw new Violation('webhook', `${id} stands for two events`)
		if (!isSo(event, job)) throw new Violation('webhook', `${key} is told of a job that is ${job.phase.status}`)
		this.#ids.set(key, id)
		this.#events.set(id, key)
		// It took it, and nobody hears so.
		return strikes(this.#world, this.#faults, this.#faults.lostAnswer) ? missed : { isDelivered: true }
	}

	/** At rest. */
	check(document: SimulatedDocument): void {
		const saved = document.saved()
		if (saved?.life.state !== 'kept') return
		const { pending, dropped } = saved.calls
		if (pending.length > 0) throw new Violation('webhook', `${document.id} still has ${pending.length} events to tell`)
		if (!this.#always.has(document.owner)) return
		const keys = [...document.rows.jobs.values()].flatMap(({ number, job }) =>
			job ? eventsOf(job).map((event) => keyOf(document.id, number, event)) : [],
		)
		// Faults end long before the last try, so nothing is given up but what are too many to wait.
		const mayBeLost = keys.length > MOST_PENDING ? dropped : 0
		const lost = keys.filter((key) => !this.#ids.has(key))
		if (lost.length > mayBeLost) throw new Violation('webhook', `${lost} were never told`)
	}

	#planAbsence(owner: string): void {
		const { random } = this.#world
		this.#world.after(random.between(0, this.#faults.until), () => {
			this.#away.add(owner)
			this.#world.after(random.between(0, Math.max(0, this.#faults.until - this.#world.time)), () => {
				this.#away.delete(owner)
			})
		})
	}
}

type Job = NonNullable<Conversion['job']>

/** What there was to tell of a job that has ended. */
function eventsOf(job: Job): ConversionEvent[] {
	const events: ConversionEvent[] = []
	// A retry that goes on with pages has its first one when it begins.
	if (job.firstPageAt !== null && job.firstPageAt !== job.createdAt) events.push('conversion.first_page')
	const { status } = job.phase
	if (status === 'completed' || status === 'failed' || status === 'cancelled') events.push(`conversion.${status}`)
	return events
}

function isSo(event: ConversionEvent, job: Job): boolean {
	if (event === 'conversion.first_page') return job.firstPageAt !== null
	return !isActive(job) && event === `conversion.${job.phase.status}`
}

function keyOf(documentId: string, number: number, event: ConversionEvent): string {
	return `${documentId}/${number}/${event}`
}
