/**
 * Somebody with a document: uploads it, starts, retries, cancels, erases, at any time and sometimes twice. What was
 * answered with a yes is a promise, and kept account of.
 */

import { ANSWERS_KEPT } from '../../src/core/idempotency.ts'
import type { Command, Start } from '../../src/core/job/event.ts'
import { TOMBSTONE_KEPT } from '../../src/core/job/rules/life.ts'
import type { ConversionOptions } from '../../src/core/options.ts'
import type { Priority } from '../../src/core/snapshot.ts'
import type { SimulatedDocument } from './document.ts'
import { type Faults, strikes } from './faults.ts'
import type { Network } from './network.ts'
import { type Bucket, sourceKey } from './storage.ts'
import type { World } from './world.ts'

interface Situation {
	world: World
	faults: Faults
	network: Network
	bucket: Bucket
}

/** Milliseconds. */
const PATIENCE = 30_000
/** Well below the time for which a document is reserved, as in the upload. */
const UPLOAD_WITHIN = 100_000

const OPTIONS: readonly ConversionOptions[] = [
	{ quality: 'medium' },
	{ quality: 'medium' },
	{ quality: 'high' },
	{ quality: 'medium', pages: '2-3,7' },
]

/** What people give; the first is the right one of every document that has one. */
export const PASSWORDS = ['the right one', 'another'] as const

export class SimulatedUser {
	readonly #document: SimulatedDocument
	readonly #situation: Situation
	/** Jobs that were promised: their start was answered with a yes. */
	readonly promised = new Set<string>()
	/** Jobs by the key that they were asked for with. */
	readonly keyed = new Map<string, Set<string>>()
	erased = false
	#successor = 0
	readonly #maxPriority: Priority
	#jobs = 0
	#keys = 0

	constructor(document: SimulatedDocument, situation: Situation) {
		this.#document = document
		this.#situation = situation
		this.#maxPriority = situation.world.random.pick(['normal', 'high', 'urgent'])
	}

	/** Lives through the faults' time. */
	begin(): void {
		const { world, faults } = this.#situation
		world.after(world.random.between(0, 5_000), () => this.#upload(0))
		const deeds = world.random.between(0, 6)
		for (let deed = 0; deed < deeds; deed++) {
			// Most of it happens at the beginning and at the end, however long it is in between.
			const at = world.random.between(1_000, Math.min(faults.until, 300_000))
			world.after(world.random.chance(0.5) ? at : Math.max(0, faults.until - at), () => this.#act())
		}
		if (world.random.chance(0.15)) world.after(world.random.between(5_000, faults.until), () => this.#erase(0))
		if (world.random.chance(0.5)) world.after(world.random.between(0, 30_000), () => this.#look())
	}

	/** Reserved, stored, created: who dies in between is found by the reservation. */
	#upload(tries: number): void {
		const { world, network, bucket, faults } = this.#situation
		const key = sourceKey(this.#document.id)
		const start = world.random.chance(0.85) ? this.#start() : null
		const again = () => {
			// Somebody who gets no answer tries again, with the same key, or gives up.
			if (tries < 4 && !this.erased) world.after(world.random.between(500, 20_000), () => this.#upload(tries + 1))
		}
		network.call(
			PATIENCE,
			() => this.#document.reserve(),
			(place) => {
				if (!place.answered) return again()
				const { outcome: found, reservedAt } = place.value
				if (found === 'gone' || found === 'existing') return
				if (strikes(world, faults, faults.crash)) return again()
				world.after(world.random.between(10, UPLOAD_WITHIN), () => {
					// Its connection ends before the whole file is there: nothing is stored then.
					if (strikes(world, faults, faults.lostRequest)) {
						if (found === 'pending') return again()
						return network.call(PATIENCE, () => this.#document.abandon(), again)
					}
					if (bucket.away) return again()
					bucket.put(key, 'source')
					if (strikes(world, faults, faults.crash)) return again()
					network.call(
						PATIENCE,
						() => {
							const jobId = this.#jobId()
							const outcome = this.#document.create(reservedAt, start && { ...start, jobId })
							// Whoever reserves last looks after the file.
							if (outcome === 'gone') this.#document.reserve()
							return { outcome, jobId }
						},
						(created) => {
							if (!created.answered) return again()
							if (created.value.outcome === 'created' && start) this.promised.add(created.value.jobId)
						},
					)
				})
			},
		)
	}

	/** Looks on for a while. */
	#look(): void {
		const { world, network } = this.#situation
		let isOpen = false
		network.call(
			PATIENCE,
			() => {
				if (!isOpen) this.#document.watch()
				isOpen = true
			},
			() => {},
		)
		world.after(world.random.between(1_000, 300_000), () => {
			if (isOpen) this.#document.unwatch()
			isOpen = true
		})
	}

	#act(): void {
		const { world } = this.#situation
		const isKeyed = world.random.chance(0.4)
		this.#send(this.#command(), isKeyed ? `key-${this.#keys++}` : null, world.random.between(0, 3))
		// Two at the same time.
		if (world.random.chance(0.3)) this.#send(this.#command(), null, 0)
	}

	/**
	 * @param command with a job id of its own for each time it arrives, as the Worker makes it
	 * @param tries how often it is sent again when nobody answers: only with a key is it the same request then
	 */
	#send(command: () => Command, key: string | null, tries: number): void {
		const { network, world } = this.#situation
		const request = key === null ? null : { key, fingerprint: key }
		network.call(
			PATIENCE,
			() => {
				const arrived = command()
				const jobId = 'jobId' in arrived ? arrived.jobId : null
				if (key !== null && jobId !== null) this.keyed.set(key, (this.keyed.get(key) ?? new Set()).add(jobId))
				return { outcome: this.#document.command(arrived, request), jobId }
			},
			(answer) => {
				if (!answer.answered) {
					if (key !== null && tries > 0) this.#send(command, key, tries - 1)
					return
				}
				const { outcome, jobId } = answer.value
				if (outcome === 'accepted' && jobId !== null && key === null) this.promised.add(jobId)
			},
		)
		if (world.random.chance(0.1))
			network.call(
				PATIENCE,
				() => this.#document.read(),
				() => {},
			)
	}

	#erase(tries: number): void {
		const { network, world } = this.#situation
		network.call(
			PATIENCE,
			() => this.#document.erase(),
			(answer) => {
				if (answer.answered && answer.value === 'erased') {
					this.erased = true
					// The upload comes once more, with the same key, for as long as keys are kept.
					if (world.random.chance(0.3)) world.after(world.random.between(60_000, ANSWERS_KEPT), () => this.#upload(4))
					// … or another with its `externalId`, more than once at times.
					if (world.random.chance(0.3)) for (let each = world.random.between(1, 3); each > 0; each--) this.#succeed()
				}
				if (!answer.answered && tries < 3) world.after(5_000, () => this.#erase(tries + 1))
			},
		)
	}

	#succeed(): void {
		const { network, world } = this.#situation
		world.after(world.random.between(0, TOMBSTONE_KEPT / 2), () =>
			network.call(
				PATIENCE,
				// The one that came after it may be erased by now, or not be known yet.
				() => this.#document.succeed(world.random.chance(0.5) ? 0 : this.#successor),
				(answer) => {
					if (answer.answered) this.#successor = Math.max(this.#successor, answer.value ?? 0)
				},
			),
		)
	}

	#command(): () => Command {
		const { random } = this.#situation.world
		const dice = random.next()
		if (dice < 0.25) return () => ({ type: 'cancel' })
		if (dice < 0.7) {
			const start = this.#start()
			return () => ({ ...start, type: 'start', jobId: this.#jobId() })
		}
		const maxRetries = random.chance(0.3) ? random.between(0, 5) : null
		const options = random.chance(0.2) ? random.pick(OPTIONS) : null
		const maxPriority = this.#maxPriority
		const sealedPassword = this.#password()
		return () => ({
			...{ type: 'retry', jobId: this.#jobId(), priority: null, maxPriority, maxRetries, options },
			sealedPassword,
		})
	}

	#start(): Omit<Start, 'jobId'> {
		const { random } = this.#situation.world
		return {
			priority: random.pick(['low', 'normal', 'high', 'urgent']),
			maxPriority: this.#maxPriority,
			maxRetries: random.between(0, 5),
			retryPolicy: random.chance(0.8) ? { baseDelay: 1_000, maxDelay: 30_000 } : { baseDelay: 0, maxDelay: 500 },
			options: random.pick(OPTIONS),
			onActive: random.pick(['return', 'reject', 'replace']),
			forceReconvert: random.chance(0.3),
			sealedPassword: this.#password(),
		}
	}

	#password(): string | null {
		const { random } = this.#situation.world
		return random.chance(0.5) ? null : random.pick([PASSWORDS[0], ...PASSWORDS])
	}

	#jobId(): string {
		return `${this.#document.id}-job-${++this.#jobs}`
	}
}
