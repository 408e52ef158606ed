/**
 * A converter: claims, leases, renders, reports, finishes, as `converter/work.ts` does, and dies or falls asleep at any
 * step. One that wakes up goes on as if nothing had happened, long after its lease was lost.
 *
 * Its life is a generator: it yields what it does, and is driven by the world.
 */
import type { FailureCode } from '../../src/core/failure.ts'
import type { Grant } from '../../src/core/job/event.ts'
import type { FinishCall, SimulatedDocument } from './document.ts'
import { type Faults, strikes } from './faults.ts'
import type { SimulatedLineup } from './lineup.ts'
import { type Answer, Crash, type Network } from './network.ts'
import { type Bucket, packKey, sourceKey } from './storage.ts'
import type { World } from './world.ts'

/** What only a converter finds out about a document. */
export interface Nature {
	pageCount: number
	/** Cannot be opened at all. */
	broken: FailureCode | null
	/** What opens it; null when nothing is needed. */
	password: string | null
	/** Ends whoever renders it. */
	poison: number | null
	/** Cannot be converted, and says so. */
	badPages: ReadonlySet<number>
}

interface Workplace {
	world: World
	faults: Faults
	network: Network
	bucket: Bucket
	lineup: SimulatedLineup
	document: (id: string) => SimulatedDocument
	nature: (id: string) => Nature
}

type Action = { wait: number } | { ask: () => unknown; deadline: number }
type Life = Generator<Action, void, Answer<unknown>>

/** Milliseconds, as in the converter. */
const ANSWER = 10_000
const TRANSFER = 30_000
const BUDGET = 20_000
const RESTART = 3_000
const PAGE = 60
/** Pages that are rendered between two looks at the clock. */
const STRIDE = 4

export class SimulatedConverter {
	readonly name: string
	readonly #at: Workplace
	#busy = false
	/** Counts its lives; a life that is over is not gone on with. */
	#life = 0
	#packs = 0

	constructor(name: string, at: Workplace) {
		this.name = name
		this.#at = at
	}

	/** A nudge has come. */
	nudge(): void {
		const { network, lineup } = this.#at
		if (this.#busy) {
			network.call(
				ANSWER,
				() => lineup.handBack(),
				() => {},
			)
			return
		}
		this.#busy = true
		this.#drive(this.#work(), this.#life, { answered: false })
	}

	die(): void {
		this.#life += 1
		this.#at.world.say(this.name, 6, () => 'dies')
		this.#busy = true
		this.#at.world.after(RESTART, () => {
			this.#busy = false
		})
	}

	#drive(life: Life, number: number, answer: Answer<unknown>): void {
		if (number !== this.#life) return
		const { world, faults, network } = this.#at
		if (strikes(world, faults, faults.converterDies)) {
			this.die()
			return
		}
		const { done, value } = life.next(answer)
		if (number !== this.#life) return
		if (done) {
			this.#busy = false
			return
		}
		const goOn = (next: Answer<unknown>) => {
			const nap = strikes(world, faults, faults.converterSleeps) ? this.#nap() : 0
			if (nap > 0) world.after(nap, () => this.#drive(life, number, next))
			else this.#drive(life, number, next)
		}
		if ('wait' in value) world.after(value.wait, () => goOn({ answered: true, value: undefined }))
		else network.call(value.deadline, value.ask, goOn)
	}

	/** How long it is away, in milliseconds. Some are taken for dead, and replaced, and come back when all is swept. */
	#nap(): number {
		const { random } = this.#at.world
		if (!random.chance(0.1)) return random.between(1_000, 200_000)
		this.#busy = false
		return random.between(1_800_000, 9_000_000)
	}

	*#work(): Life {
		const { world, lineup, document } = this.#at
		const endsAt = world.time + BUDGET
		let nudged = true
		for (;;) {
			const claimant = { converter: this.name, nudged }
			const claim = (yield ask(ANSWER, () => lineup.claim(claimant))) as Answer<ReturnType<SimulatedLineup['claim']>>
			nudged = false
			if (!claim.answered || !claim.value) return
			const { documentId, jobId } = claim.value
			const leased = (yield ask(ANSWER, () => {
				const answer = document(documentId).lease(jobId)
				if (answer.outcome === 'gone') lineup.forget(documentId, jobId)
				return answer
			})) as Answer<ReturnType<SimulatedDocument['lease']>>
			if (!leased.answered) return
			let grant = leased.value.outcome === 'leased' ? leased.value.grant : null
			while (grant) grant = yield* this.#convert(documentId, grant)
			if (world.time >= endsAt) {
				yield ask(ANSWER, () => lineup.leave(this.name))
				return
			}
		}
	}

	/** @returns the next lease of the same document */
	*#convert(documentId: string, grant: Grant): Generator<Action, Grant | null, Answer<unknown>> {
		const { world, faults, network, bucket } = this.#at
		const document = this.#at.document(documentId)
		const nature = this.#at.nature(documentId)
		const { fence, pages } = grant
		function* giveUp(code: FailureCode): Generator<Action, null, Answer<unknown>> {
			yield ask(ANSWER, () => document.verdict({ type: 'fail', fence, code, random: world.random.next() }))
			return null
		}

		const source = (yield ask(TRANSFER, () => {
			if (!document.holds(fence)) return 'stop'
			if (bucket.away) throw new Crash()
			return bucket.objects.has(sourceKey(documentId)) ? 'here' : 'missing'
		})) as Answer<'stop' | 'here' | 'missing'>
		if (!source.answered) return yield* giveUp('internal')
		if (source.value === 'stop') return null
		if (source.value === 'missing') return yield* giveUp('source_missing')
		if (nature.broken) return yield* giveUp(nature.broken)
		if (nature.password !== null && grant.sealedPassword !== nature.password) {
			return yield* giveUp(grant.sealedPassword === null ? 'password_required' : 'password_wrong')
		}
		const lie = strikes(world, faults, faults.liars)
			? world.random.pick(['does not open', 'does not listen', 'drops a page', 'goes too far'] as const)
			: null
		if (grant.pageCount === null && lie !== 'does not open') {
			const { pageCount } = nature
			const opened = yield ask(ANSWER, () => document.verdict({ type: 'opened', fence, pageCount }))
			if (!opened.answered) return yield* giveUp('internal')
			if (opened.value === 'stop' && lie !== 'does not listen') return null
		}
		if (strikes(world, faults, faults.leaseFails)) {
			return yield* giveUp(world.random.pick(['internal', 'out_of_memory', 'converter_lost']))
		}

		// One that goes round in circles reports as faithfully as one that works.
		let circles = strikes(world, faults, faults.converterSleeps) ? world.random.between(1, 600) : 0
		for (; circles > 0; circles--) {
			yield { wait: 5_000 }
			const report = yield ask(ANSWER, () => document.verdict({ type: 'report', fence, rendered: 0 }))
			if (report.answered && report.value === 'stop') return null
		}

		const converted: number[] = []
		const failed: FinishCall['failed'] = []
		const part = world.random.chance(0.1) ? world.random.between(1, 16) : 16
		let stopped = false
		let through = pages.first - 1
		while (through < pages.last && through - pages.first + 1 < part) {
			const until = Math.min(pages.last, through + STRIDE, pages.first + part - 1)
			yield { wait: (until - through) * PAGE }
			for (through += 1; ; through++) {
				if (through === nature.poison) {
					this.die()
					return null
				}
				const fails = nature.badPages.has(through) || strikes(world, faults, faults.pageFails)
				if (fails) failed.push({ page: through, code: 'internal' })
				else converted.push(through)
				if (through === until) break
			}
			// A report is sent and not waited for.
			const rendered = through - pages.first + 1
			if (through < pages.last) {
				network.call(
					ANSWER,
					() => document.verdict({ type: 'report', fence, rendered }),
					(answer) => {
						if (answer.answered && answer.value === 'stop') stopped = lie !== 'does not listen'
					},
				)
			}
			if (stopped) return null
		}
		if (lie === 'drops a page') converted.pop()
		if (lie === 'goes too far') converted.push(++through)
		const digest = converted.length > 0 ? `${this.name}/${++this.#packs}` : null
		// Somebody else's converter may have other things to do.
		const more = !strikes(world, faults, faults.liars)
		const call: FinishCall = { fence, digest, converted, failed, through, more }
		// As the gate does it: the pack first, whatever becomes of the finish.
		const deliver = ask(TRANSFER, () => {
			if (bucket.away) throw new Crash()
			if (digest !== null) bucket.put(packKey(documentId, fence), digest)
			// Whoever carries the finish dies between the two.
			if (strikes(world, faults, faults.gateDies)) throw new Crash()
			const finished = document.finish(call)
			if (finished.verdict === 'gone') bucket.objects.delete(packKey(documentId, fence))
			return finished
		})
		let finished = (yield deliver) as Answer<ReturnType<SimulatedDocument['finish']>>
		if (!finished.answered) finished = (yield deliver) as typeof finished
		if (!finished.answered) return yield* giveUp('internal')
		return finished.value.verdict === 'go on' ? finished.value.next : null
	}
}

function ask(deadline: number, handle: () => unknown): Action {
	return { ask: handle, deadline }
}
