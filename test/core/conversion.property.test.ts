/** What holds of every conversion, whatever happens to it in whatever order; fast-check looks for the shortest that breaks it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dueAt, idle, owed, wantOf } from '../../src/core/job/due.ts'
import type { Event } from '../../src/core/job/event.ts'
import { type Conversion, conversionSchema, isActive, isLeased, reserved, versionOf } from '../../src/core/job/job.ts'
import { percentOf } from '../../src/core/job/progress.ts'
import { MAX_CONVERTERS } from '../../src/core/job/rules/work.ts'
import { transition } from '../../src/core/job/transition.ts'
import { snapshotOf } from '../../src/core/job/view.ts'
import { snapshotSchema } from '../../src/core/snapshot.ts'
import { START } from './scenario.ts'

/** What happens, said without knowing the state: `pick` chooses among the leases there are, or an old fence. */
type Happening =
	| {
			kind: 'start'
			onActive: 'return' | 'reject' | 'replace'
			forceReconvert: boolean
			maxRetries: number
			high: boolean
	  }
	| { kind: 'retry' | 'cancel' | 'erase' | 'lease' | 'told' }
	| { kind: 'crash' }
	| { kind: 'opened'; pick: number; pageCount: number }
	| { kind: 'report'; pick: number; rendered: number }
	| { kind: 'finish'; pick: number; part: number; failing: number[]; more: boolean }
	| { kind: 'fail'; pick: number; code: 'internal' | 'invalid_document' }
	| { kind: 'tick'; after: number }

const pick = fc.nat({ max: 9 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
	fc.record({
		kind: fc.constant('start' as const),
		onActive: fc.constantFrom('return', 'reject', 'replace'),
		forceReconvert: fc.boolean(),
		maxRetries: fc.nat({ max: 3 }),
		high: fc.boolean(),
	}),
	fc.record({ kind: fc.constantFrom('retry', 'cancel', 'lease', 'lease', 'lease', 'told') }),
	fc.record({ kind: fc.constant('crash' as const) }),
	fc.record({ kind: fc.constant('opened' as const), pick, pageCount: fc.integer({ min: 1, max: 60 }) }),
	fc.record({ kind: fc.constant('report' as const), pick, rendered: fc.nat({ max: 40 }) }),
	fc.record({
		kind: fc.constant('finish' as const),
		pick,
		part: fc.integer({ min: 0, max: 20 }),
		failing: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
		more: fc.boolean(),
	}),
	fc.record({ kind: fc.constant('fail' as const), pick, code: fc.constantFrom('internal', 'invalid_document') }),
	fc.record({ kind: fc.constant('tick' as const), after: fc.constantFrom(0, 1, 1_000, 31_000, 700_000, -5_000) }),
	{ weight: 1, arbitrary: fc.constant({ kind: 'erase' as const }) },
)

class Model {
	now = 1_000_000_000
	conversion: Conversion = transition(reserved(this.now), { type: 'create', start: null }, this.now).conversion
	saved: Conversion = this.conversion
	#jobs = 0

	/** Does it, and looks whether all is well. */
	live(happened: Happening): void {
		if (happened.kind === 'crash') {
			this.conversion = this.saved
			this.#apply({ type: 'woken' })
			return
		}
		if (happened.kind === 'tick') this.now += happened.after
		this.#apply(this.#event(happened))
	}

	#apply(event: Event): void {
		const before = this.conversion
		const step = transition(before, event, this.now)
		const after = step.conversion
		this.conversion = after
		if (step.write) this.saved = after

		expect(versionOf(after)).toBeGreaterThanOrEqual(versionOf(before))
		if (step.visible) expect(versionOf(after)).toBeGreaterThan(versionOf(before))
		expect(after.fence).toBeGreaterThanOrEqual(before.fence)
		const [was, is] = [before.job, after.job]
		if (was && is?.id === was.id) {
			if (!isActive(was)) expect(is).toBe(was)
			expect(percentOf(is)).toBeGreaterThanOrEqual(percentOf(was))
		}
		if (is && was && is.id !== was.id) expect(isActive(step.closed?.job ?? was)).toBe(false)
		if (is) this.#look(after)
		expect(() => snapshotSchema.parse(snapshotOf({ id: 'd', externalId: null }, after))).not.toThrow()
	}

	#look(conversion: Conversion): void {
		const { job } = conversion
		if (!job) return
		const leased = job.chunks.filter(isLeased)
		expect(leased.length).toBeLessThanOrEqual(MAX_CONVERTERS)
		expect(new Set(leased.map(({ fence }) => fence)).size).toBe(leased.length)
		const pages = [
			...job.ready.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index)),
			...job.failedPages.map(({ page }) => page),
			...job.chunks.flatMap(({ pages: { first, last } }) =>
				Array.from({ length: last - first + 1 }, (_, index) => first + index),
			),
		]
		// Each page is at one place: ready, failed, or still to be done.
		expect(new Set(pages).size).toBe(pages.length)
		if (isActive(job) && job.totalPages !== null) expect(pages).toHaveLength(job.totalPages)
		// Whatever is owed has a time, and whoever is wanted is asked for.
		if (isActive(job)) expect(dueAt(conversion, this.now)).not.toBeNull()
		const effects = owed(conversion, idle, this.now)
		if (conversion.milestone > conversion.told.history || wantOf(conversion, this.now) !== conversion.told.want) {
			expect(effects.map(({ type }) => type)).toContain('setAlarm')
		}
	}

	#event(happened: Exclude<Happening, { kind: 'crash' }>): Event {
		switch (happened.kind) {
			case 'start': {
				const { kind: _, high, ...rest } = happened
				return { ...START, ...rest, jobId: this.#jobId(), options: { quality: high ? 'high' : 'medium' } }
			}
			case 'retry':
				return { type: 'retry', jobId: this.#jobId(), priority: null, maxRetries: null, options: null }
			case 'cancel':
			case 'erase':
				return { type: happened.kind }
			case 'lease':
				return { type: 'lease', jobId: this.conversion.job?.id ?? '' }
			case 'told':
				return { type: 'historyTold', sequence: this.conversion.sequence, answered: true }
			case 'opened':
				return { type: 'opened', fence: this.#fence(happened.pick), pageCount: happened.pageCount }
			case 'report':
				return { type: 'report', fence: this.#fence(happened.pick), rendered: happened.rendered }
			case 'fail':
				return { type: 'fail', fence: this.#fence(happened.pick), code: happened.code, random: 0.5 }
			case 'tick':
				return { type: 'tick', random: 0.5 }
			case 'finish': {
				const fence = this.#fence(happened.pick)
				const lease = this.conversion.job?.chunks.filter(isLeased).find((chunk) => chunk.fence === fence)
				const first = lease?.pages.first ?? 1
				const through = first + happened.part
				const failed = happened.failing.map((page) => ({ page, code: 'internal' as const }))
				const pages = Array.from({ length: through - first + 1 }, (_, index) => first + index)
				const converted = pages.filter((page) => !happened.failing.includes(page))
				return { type: 'finish', fence, through, converted, failed, more: happened.more }
			}
		}
	}

	/** Of a lease that there is, or of one that there was. */
	#fence(choice: number): number {
		const fences = this.conversion.job?.chunks.filter(isLeased).map(({ fence }) => fence) ?? []
		return fences[choice] ?? Math.max(1, this.conversion.fence - choice)
	}

	#jobId(): string {
		this.#jobs += 1
		return `job-${this.#jobs}`
	}
}

test('versions, fences, percent, pages and promises hold in any order of events', () => {
	fc.assert(
		fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
			const model = new Model()
			for (const happened of happenings) model.live(happened)
		}),
		{ numRuns: 1_500 },
	)
})

test('what is written down comes back as it was', () => {
	fc.assert(
		fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
			const model = new Model()
			for (const happened of happenings) model.live(happened)
			expect(conversionSchema.parse(JSON.parse(JSON.stringify(model.saved)))).toEqual(model.saved)
		}),
		{ numRuns: 300 },
	)
})
