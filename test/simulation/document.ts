/**
 * A document as its object keeps it: rows that outlive a crash, memory that does not, and the same two functions in
 * between that production runs, `transition` and `owed`. It dies before or after any step is written down.
 */

import type { FailureCode } from '../../src/core/failure.ts'
import { ANSWERS_KEPT, type KeyedRequest, repetition } from '../../src/core/idempotency.ts'
import type { Call, CallAnswer } from '../../src/core/job/calls.ts'
import { begun, type Doing, type Effect, idle, owed, wantOf } from '../../src/core/job/due.ts'
import type { Command, Event, Grant, OutcomeOf, Start } from '../../src/core/job/event.ts'
import { type Conversion, conversionSchema, reserved, TICKS_PER_SEQUENCE, versionOf } from '../../src/core/job/job.ts'
import { unreferencedFences } from '../../src/core/job/sweep.ts'
import { transition } from '../../src/core/job/transition.ts'
import type { Place } from '../../src/core/lineup/entry.ts'
import type { Checks } from './checks.ts'
import { type Faults, strikes } from './faults.ts'
import type { SimulatedLineup } from './lineup.ts'
import { Crash, type Network } from './network.ts'
import type { SimulatedReceiver } from './receiver.ts'
import { type Bucket, type History, packKey, sourceKey } from './storage.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

export interface Surroundings {
	world: World
	faults: Faults
	network: Network
	bucket: Bucket
	history: History
	lineup: SimulatedLineup
	receiver: SimulatedReceiver
	checks: Checks
}

export interface FinishCall {
	fence: number
	digest: string | null
	converted: number[]
	failed: { page: number; code: FailureCode }[]
	through: number
	more: boolean
}

export type Finished = { verdict: 'go on'; next: Grant | null } | { verdict: 'yield' } | { verdict: 'stop' }

export interface Pack {
	job: number
	digest: string
	pages: readonly number[]
}

interface Rows {
	reservedAt: number | null
	jobs: Map<number, Conversion>
	packs: Map<number, Pack>
	answers: Map<string, { fingerprint: string; outcome: string; expiresAt: number }>
	alarmAt: number | null
}

/** Milliseconds, as in the object. */
const LINEUP_DEADLINE = 5_000
const HISTORY_DEADLINE = 10_000
const SWEEP_DEADLINE = 30_000
const WEBHOOK_DEADLINE = 20_000

export class SimulatedDocument {
	readonly id: string
	readonly owner: string
	readonly around: Surroundings
	readonly rows: Rows = { reservedAt: null, jobs: new Map(), packs: new Map(), answers: new Map(), alarmAt: null }
	/** Which generation of its `externalId` came after it, as somebody was told. */
	successor = 0
	#live: Conversion | null = null
	#doing: Doing = idle
	/** What was begun and not answered, whatever it believes itself. */
	readonly #underWay = new Set<Effect['type']>()
	/** Sockets outlive the object's memory. */
	#watchers = 0
	/** Its alarm will never ring, and it does not know. */
	#alarmLost = false
	/** Counts how often it came back to life: what was under way before is nobody's any more. */
	#incarnation = 0

	constructor(id: string, owner: string, around: Surroundings) {
		this.id = id
		this.owner = owner
		this.around = around
	}

	/** As it is written down; null when nothing is. */
	saved(): Conversion | null {
		if (this.rows.reservedAt === null) return null
		return this.rows.jobs.get(Math.max(...this.rows.jobs.keys())) ?? reserved(this.rows.reservedAt)
	}

	/** The newest job that was completed. */
	served(): Conversion | null {
		let newest: Conversion | null = null
		for (const conversion of this.rows.jobs.values()) {
			if (conversion.job?.phase.status === 'completed' && conversion.number > (newest?.number ?? 0)) newest = conversion
		}
		return newest
	}

	crash(): void {
		this.#live = null
		this.#doing = idle
		this.#underWay.clear()
		this.#incarnation += 1
	}

	/** The upload failed, and whoever sent it was told so. */
	abandon(): void {
		if (this.#wake()) this.#apply({ type: 'abandon' })
	}

	reserve(): { outcome: 'reserved' | 'pending' | 'existing' | 'gone'; reservedAt: number } {
		const live = this.#wake()
		if (live) {
			const reservedAt = this.rows.reservedAt ?? 0
			if (live.life.state === 'reserved') return { outcome: 'pending', reservedAt }
			return { outcome: live.life.state === 'kept' ? 'existing' : 'gone', reservedAt }
		}
		this.#mayCrash()
		this.rows.reservedAt = this.#now()
		this.#live = reserved(this.#now())
		this.#attend()
		return { outcome: 'reserved', reservedAt: this.rows.reservedAt }
	}

	create(reservedAt: number, start: Start | null): 'created' | 'existing' | 'gone' {
		return this.#wake() && this.rows.reservedAt === reservedAt ? this.#apply({ type: 'create', start }).outcome : 'gone'
	}

	/** What a user reads; null when there is nothing to see. */
	read(): Conversion | null {
		const live = this.#wake()
		if (live?.life.state !== 'kept') return null
		this.around.checks.observed(this.id, live)
		return live
	}

	command(command: Command, request: KeyedRequest | null): string {
		if (this.#wake()?.life.state !== 'kept') return 'not_found'
		if (request) {
			const repeated = repetition(this.rows.answers.get(request.key) ?? null, request, this.#now())
			if (repeated.kind === 'key_reused') return 'key_reused'
			if (repeated.kind === 'repeated') return repeated.answer.outcome
		}
		const { key, fingerprint } = request ?? { key: null, fingerprint: '' }
		const { outcome } = this.#apply<Command>(command, (done) => {
			const expiresAt = this.#now() + ANSWERS_KEPT
			if (key !== null) this.rows.answers.set(key, { fingerprint, outcome: done.outcome, expiresAt })
		})
		return outcome
	}

	erase(): 'erased' | 'not_found' {
		if (this.#wake()?.life.state !== 'kept') return 'not_found'
		this.#apply({ type: 'erase' }, () => {
			this.rows.packs.clear()
			this.rows.answers.clear()
		})
		return 'erased'
	}

	/** Which generation of its `externalId` comes after one that is gone; null when there is no tombstone. */
	succeed(after: number): number | null {
		if (!this.#wake()) return null
		const succeeded = this.#apply({ type: 'succeed', after })
		if (succeeded.outcome === 'gone') return null
		// Whoever asks goes on from there, and there may be a document by now: nobody is sent back before it.
		if (succeeded.generation < this.successor || succeeded.generation <= after) {
			throw new Violation('identity', `${this.id} points to ${succeeded.generation}, after ${this.successor}`)
		}
		this.successor = succeeded.generation
		return succeeded.generation
	}

	lease(jobId: string): { outcome: 'leased'; grant: Grant } | { outcome: 'nothing' | 'gone' } {
		const live = this.#wake()
		if (live?.life.state !== 'kept' || live.job?.id !== jobId) return { outcome: 'gone' }
		const leased = this.#apply({ type: 'lease', jobId })
		if (leased.outcome === 'leased') return leased
		const current = this.#live
		if (current && !this.#doing.lineup) {
			this.#perform({ type: 'tellLineup', want: wantOf(current, this.#now()) })
		}
		return { outcome: 'nothing' }
	}

	/** Whether a fence may see the source. */
	holds(fence: number): boolean {
		return this.#wake()?.job?.chunks.some((chunk) => chunk.state === 'leased' && chunk.fence === fence) ?? false
	}

	verdict(event: Extract<Event, { type: 'opened' | 'report' | 'fail' }>): 'go on' | 'stop' {
		return this.#wake() && this.#apply(event).outcome === 'current' ? 'go on' : 'stop'
	}

	finish(call: FinishCall): Finished | { verdict: 'gone' } {
		const live = this.#wake()
		if (!live) return { verdict: 'gone' }
		const jobId = live.job?.id
		if (!jobId) return { verdict: 'stop' }
		const { digest, ...event } = call
		if (digest !== null && this.rows.packs.get(call.fence)?.digest === digest) {
			const next = call.more ? this.#apply({ type: 'lease', jobId }) : null
			return { verdict: 'go on', next: next?.outcome === 'leased' ? next.grant : null }
		}
		const finished = this.#apply({ type: 'finish', ...event }, ({ outcome }, { number }) => {
			if (digest !== null && outcome !== 'stale') {
				this.rows.packs.set(call.fence, { job: number, digest, pages: call.converted })
			}
		})
		switch (finished.outcome) {
			case 'stale':
				return { verdict: 'stop' }
			case 'yield':
				return { verdict: 'yield' }
			case 'accepted':
				return { verdict: 'go on', next: finished.next }
		}
	}

	/** Somebody opens a socket, or closes it. */
	watch(): void {
		this.#watchers += 1
		if (this.#wake()?.life.state !== 'kept') return
		if (this.#doing.watchers === 'none') this.#doing = { ...this.#doing, watchers: 'new' }
		this.#attend()
	}

	unwatch(): void {
		this.#watchers -= 1
		if (this.#watchers === 0) this.#doing = { ...this.#doing, watchers: 'none' }
	}

	/** The lineup says where its job stands. */
	placed(jobId: string, place: Place): boolean {
		if (this.#wake()) this.#apply({ type: 'placed', jobId, place })
		return this.#watchers > 0
	}

	/** Somebody comes by, whom it takes to notice that its alarm got lost. */
	visit(): void {
		if (this.#alarmLost) this.poke()
	}

	/** As the cron does. */
	poke(): void {
		if (this.#wake()) this.#apply({ type: 'tick', random: this.around.world.random.next() })
	}

	#apply<E extends Event>(event: E, alongside?: (outcome: OutcomeOf<E>, conversion: Conversion) => void): OutcomeOf<E> {
		const { world, checks } = this.around
		const before = this.#live
		if (!before) throw new Error('nothing to apply an event to')
		const step = transition(before, event, this.#now())
		checks.stepped(this.id, before, event, step, this.#now())
		if (step.write) {
			this.#mayCrash()
			if (step.closed) this.rows.jobs.set(step.closed.number, step.closed)
			this.rows.jobs.set(step.conversion.number, step.conversion)
			alongside?.(step.outcome, step.conversion)
		}
		this.#live = step.conversion
		if (step.conversion.fence !== before.fence) checks.granted(this.id, step.conversion.fence)
		world.say(this.id, versionOf(step.conversion), () => describe(event, step.outcome, step.conversion))
		if (step.closed) checks.observed(this.id, step.closed)
		if (step.visible && step.conversion.life.state === 'kept') checks.observed(this.id, step.conversion)
		this.#attend(step.write)
		return step.outcome
	}

	#attend(mayDie = false): void {
		const { world, checks } = this.around
		const live = this.#live
		if (!live) return
		const effects = owed(live, this.#doing, this.#now())
		// The alarm is set in the turn in which rows are written.
		for (const effect of effects) if (effect.type === 'setAlarm') this.#perform(effect)
		checks.attended(this.id, live, this.rows.alarmAt, world.clock())
		const isTold = effects.some(({ type }) => type === 'tellLineup')
		if (!isTold && !this.#underWay.has('tellLineup')) checks.silent(this.id, live, world.clock())
		if (mayDie) this.#mayCrash()
		for (const effect of effects) if (effect.type !== 'setAlarm') this.#perform(effect)
	}

	#perform(effect: Effect): void {
		this.#doing = begun(this.#doing, effect)
		if (effect.type !== 'setAlarm') this.#begin(effect.type)
		switch (effect.type) {
			case 'setAlarm':
				this.rows.alarmAt = effect.at
				this.#alarmLost = false
				this.#planAlarm(effect.at)
				break
			case 'tellLineup':
				this.#tellLineup(effect.want)
				break
			case 'tellHistory':
				this.#tellHistory()
				break
			case 'sweep':
				this.#sweep()
				break
			case 'callWebhook':
				this.#callWebhook(effect.calls)
				break
			case 'forget':
				this.rows.reservedAt = null
				this.rows.jobs.clear()
				this.rows.packs.clear()
				this.rows.answers.clear()
				this.rows.alarmAt = null
				this.crash()
		}
	}

	/** Nothing is under way twice. */
	#begin(effect: Effect['type']): void {
		if (this.#underWay.has(effect)) throw new Violation('owed', `${this.id}: ${effect} was under way already`)
		this.#underWay.add(effect)
	}

	#tellLineup(want: number): void {
		const { network, lineup } = this.around
		const live = this.#live
		const job = live?.job
		if (!live || !job) return
		const word = {
			documentId: this.id,
			jobId: job.id,
			owner: this.owner,
			priority: job.priority,
			want,
			firstPageOut: job.ready.length > 0,
			seq: live.sequence * TICKS_PER_SEQUENCE,
			watched: this.#watchers > 0,
		}
		network.call(
			LINEUP_DEADLINE,
			() => lineup.want(word),
			this.#then((answer) => {
				this.#underWay.delete('tellLineup')
				this.#doing = { ...this.#doing, lineup: false }
				const { answered } = answer
				this.#apply({ type: 'wantTold', jobId: job.id, want, answered, place: answered ? answer.value : null })
			}),
		)
	}

	#tellHistory(): void {
		const { network, history, checks } = this.around
		const live = this.#live
		if (!live) return
		const { sequence, number, told } = live
		const ended = [...this.rows.jobs.values()].filter((each) => each.number < number && each.milestone > told.history)
		network.call(
			HISTORY_DEADLINE,
			() => {
				if (history.away) throw new Crash()
				history.record(this.id, [...ended, live])
				checks.recorded(this.id, sequence)
				return history.webhooks.has(this.owner)
			},
			this.#then((answer) => {
				this.#underWay.delete('tellHistory')
				this.#doing = { ...this.#doing, history: false }
				if (answer.answered) this.#apply({ type: 'historyTold', sequence, answered: true, hasWebhook: answer.value })
				else this.#apply({ type: 'historyTold', sequence, answered: false })
			}),
		)
	}

	#callWebhook(calls: readonly Call[]): void {
		const { world, network, history, receiver } = this.around
		const live = this.#live
		if (!live) return
		receiver.calling(this)
		const missed = calls.map(
			({ event, number }): CallAnswer => ({ event, number, isDelivered: false, retryAfter: null }),
		)
		network.call(
			WEBHOOK_DEADLINE,
			() => {
				if (history.away) throw new Crash()
				if (!receiver.isSetUp(this.owner)) return { answers: missed, hasWebhook: false }
				const answers = calls.map((call): CallAnswer => {
					const about = call.number === live.number ? live : this.rows.jobs.get(call.number)
					const { event, number } = call
					return { event, number, ...receiver.call(this, call, about ?? live) }
				})
				return { answers, hasWebhook: true }
			},
			this.#then((answer) => {
				this.#underWay.delete('callWebhook')
				this.#doing = { ...this.#doing, webhook: false }
				const delivery = answer.answered ? answer.value : { answers: missed, hasWebhook: true }
				this.#apply({ type: 'called', ...delivery, random: world.random.next() })
			}),
		)
	}

	#sweep(): void {
		const { network, bucket } = this.around
		const live = this.#live
		if (!live) return
		this.around.checks.sweeping(this.id, live)
		const { sweepAt: due, fence: through, life } = live
		const packs = [...this.rows.packs].map(([fence, { job }]) => ({ fence, job }))
		const fences = unreferencedFences(live, this.served(), packs)
		let isDone = false
		network.call(
			SWEEP_DEADLINE,
			() => {
				if (bucket.away) throw new Crash()
				// The bucket deletes when it is told to, not again later.
				if (isDone) return
				isDone = true
				for (const fence of fences) bucket.objects.delete(packKey(this.id, fence))
				if (life.state !== 'kept') bucket.objects.delete(sourceKey(this.id))
			},
			this.#then(({ answered }) => {
				this.#underWay.delete('sweep')
				this.#doing = { ...this.#doing, sweep: false }
				this.#apply({ type: 'swept', due, through, answered }, () => {
					for (const fence of fences) this.rows.packs.delete(fence)
				})
			}),
		)
	}

	/** What comes back is only for whoever asked: one that died meanwhile does not know of it. */
	#then<A>(carryOn: (answer: A) => void): (answer: A) => void {
		const incarnation = this.#incarnation
		return (answer) => {
			if (incarnation !== this.#incarnation || !this.#live) return
			try {
				carryOn(answer)
			} catch (error) {
				if (!(error instanceof Crash)) throw error
			}
		}
	}

	#planAlarm(at: number): void {
		const { world, faults } = this.around
		const late = strikes(world, faults, 0.1) ? world.random.between(0, 20_000) : world.random.between(0, 20)
		world.after(at - world.clock() + late, () => this.#ring(at))
	}

	/** An alarm rings at least once: until its handler has come to an end. */
	#ring(at: number): void {
		const { world, faults } = this.around
		if (this.rows.alarmAt !== at || this.#alarmLost) return
		if (world.clock() < at) {
			this.#planAlarm(at)
			return
		}
		if (this.#isKnown() && strikes(world, faults, faults.alarmsLost)) {
			this.#alarmLost = true
			world.say(this.id, 10, () => 'alarm is lost')
			return
		}
		this.rows.alarmAt = null
		world.say(this.id, 1, () => 'alarm')
		try {
			const live = this.#wake()
			this.#doing = { ...this.#doing, alarmAt: this.rows.alarmAt }
			if (live) this.#apply({ type: 'tick', random: world.random.next() })
		} catch (error) {
			if (!(error instanceof Crash)) throw error
			if (this.rows.alarmAt !== null || this.rows.reservedAt === null) return
			this.rows.alarmAt = world.clock() + 2_000
			this.#planAlarm(this.rows.alarmAt)
		}
	}

	/** Comes back to life with its rows, when it was away. */
	#wake(): Conversion | null {
		if (this.#live) return this.#live
		const saved = this.saved()
		if (!saved) return null
		// Now and then through the very gate that stored rows come back in by.
		const isChecked = this.around.world.random.chance(0.02)
		this.#live = isChecked ? conversionSchema.parse(JSON.parse(JSON.stringify(saved))) : saved
		if (this.#alarmLost) this.rows.alarmAt = null
		this.#alarmLost = false
		this.#doing = { ...idle, watchers: this.#watchers > 0 ? 'known' : 'none', alarmAt: this.rows.alarmAt }
		this.#apply({ type: 'woken' })
		return this.#live
	}

	/** Whether the second line would find it: what the history knows to be active. */
	#isKnown(): boolean {
		return this.around.history.active().some(({ documentId }) => documentId === this.id)
	}

	#mayCrash(): void {
		const { world, faults } = this.around
		if (!strikes(world, faults, faults.crash)) return
		world.say(this.id, 2, () => 'dies')
		this.crash()
		throw new Crash()
	}

	#now(): number {
		return this.around.world.clock()
	}
}

function describe(event: Event, outcome: { outcome: string } | null, conversion: Conversion): string {
	const { type, ...rest } = event
	const { job, fence } = conversion
	const shown = job ? `${job.id} ${job.phase.status} chunks=${job.chunks.length} ready=${job.ready.length}` : 'no job'
	return `${type} ${JSON.stringify(rest)} → ${outcome?.outcome ?? ''}  v${versionOf(conversion)} f${fence} ${shown}`
}
