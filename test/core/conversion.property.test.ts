/**
 * What holds for every conversion, whatever happens to it: sequences of events that fast-check makes up, and makes shorter
 * when one of them breaks something. Fences are good, stale or invented; the object may crash between any two events.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FailureCode } from '../../src/core/failure.ts'
import { callsDue, LONGEST_WAIT } from '../../src/core/job/calls.ts'
import { begun, dueAt, historyIsDue, idle, owed, sweepIsDue, wantOf, wantToTell } from '../../src/core/job/due.ts'
import type { Event, OutcomeOf } from '../../src/core/job/event.ts'
import {
	type Conversion,
	conversionSchema,
	isActive,
	isLeased,
	type Job,
	reserved,
	versionOf,
} from '../../src/core/job/job.ts'
import { percentOf } from '../../src/core/job/progress.ts'
import { LEASE_DURATION, MAX_CONVERTERS } from '../../src/core/job/rules/work.ts'
import { transition } from '../../src/core/job/transition.ts'
import { snapshotOf } from '../../src/core/job/view.ts'
import type { Place } from '../../src/core/lineup/entry.ts'
import type { ConversionOptions } from '../../src/core/options.ts'
import { pageNumbers } from '../../src/core/pages.ts'
import { snapshotSchema } from '../../src/core/snapshot.ts'

/** Something that happens; which lease it is about is counted back from the newest, so that most are current ones. */
type Happening =
	| { type: 'create'; starts: boolean }
	| {
			type: 'start'
			onActive: 'return' | 'reject' | 'replace'
			forceReconvert: boolean
			options: ConversionOptions
			maxRetries: number
	  }
	| { type: 'retry'; maxRetries: number | null; options: ConversionOptions | null }
	| { type: 'cancel' | 'erase' | 'abandon' }
	| { type: 'lease' | 'crash' }
	| { type: 'opened'; back: number; pageCount: number }
	| { type: 'report'; back: number; rendered: number }
	/** @property lie a page that the pack is said to hold, or not to hold, against the truth */
	| { type: 'finish'; back: number; share: number; failed: number[]; more: boolean; lie: number | null }
	| { type: 'fail'; back: number; code: FailureCode; random: number }
	| { type: 'tick'; random: number }
	| { type: 'wait'; milliseconds: number }
	| { type: 'historyTold'; answered: boolean; hasWebhook: boolean }
	| { type: 'called'; isDelivered: boolean; hasWebhook: boolean; retryAfter: number | null; random: number }
	| { type: 'swept'; answered: boolean }
	| { type: 'wantTold'; answered: boolean; place: Place | null }
	| { type: 'placed'; place: Place }

const options = fc.constantFrom<ConversionOptions>(
	{ quality: 'medium' },
	{ quality: 'high' },
	{ quality: 'medium', pages: '2-3,7' },
)
const back = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const answered = fc.boolean()
const milliseconds = fc.option(fc.double({ min: 0, max: 600_000, noNaN: true }))
const place: fc.Arbitrary<Place> = fc.record({
	position: fc.integer({ min: 1, max: 1_000 }),
	wait: milliseconds,
	turn: milliseconds,
	isPaused: fc.boolean(),
})

const happening: fc.Arbitrary<Happening> = fc.oneof(
	{
		weight: 2,
		arbitrary: fc.record({
			type: fc.constant('start'),
			onActive: fc.constantFrom('return', 'reject', 'replace'),
			forceReconvert: fc.boolean(),
			options,
			maxRetries: fc.nat(3),
		}),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			type: fc.constant('retry'),
			maxRetries: fc.option(fc.nat(3)),
			options: fc.option(options, { freq: 5 }),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ type: fc.constantFrom('cancel', 'cancel', 'cancel', 'erase', 'abandon') }) },
	{ weight: 1, arbitrary: fc.record({ type: fc.constant('create'), starts: fc.boolean() }) },
	{ weight: 2, arbitrary: fc.record({ type: fc.constant('crash') }) },
	{ weight: 8, arbitrary: fc.record({ type: fc.constant('lease') }) },
	{
		weight: 5,
		arbitrary: fc.record({ type: fc.constant('opened'), back, pageCount: fc.integer({ min: 1, max: 40 }) }),
	},
	{ weight: 4, arbitrary: fc.record({ type: fc.constant('report'), back, rendered: fc.nat(20) }) },
	{
		weight: 8,
		arbitrary: fc.record({
			type: fc.constant('finish'),
			back,
			share: fc.double({ min: 0, max: 1, noNaN: true }),
			failed: fc.uniqueArray(fc.nat(15), { maxLength: 2 }),
			more: fc.boolean(),
			lie: fc.option(fc.nat(20), { freq: 10 }),
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			type: fc.constant('fail'),
			back,
			code: fc.constantFrom<FailureCode>('internal', 'invalid_document', 'out_of_memory'),
			random,
		}),
	},
	{ weight: 4, arbitrary: fc.record({ type: fc.constant('tick'), random }) },
	{
		weight: 4,
		arbitrary: fc.record({
			type: fc.constant('wait'),
			milliseconds: fc.oneof(fc.nat(1_000), fc.nat(60_000), fc.nat(8_000_000)),
		}),
	},
	{ weight: 2, arbitrary: fc.record({ type: fc.constant('wantTold'), answered, place: fc.option(place) }) },
	{ weight: 2, arbitrary: fc.record({ type: fc.constant('placed'), place }) },
	{ weight: 1, arbitrary: fc.record({ type: fc.constant('swept'), answered }) },
	{ weight: 2, arbitrary: fc.record({ type: fc.constant('historyTold'), answered, hasWebhook: fc.boolean() }) },
	{
		weight: 2,
		arbitrary: fc.record({
			type: fc.constant('called'),
			isDelivered: fc.boolean(),
			hasWebhook: fc.boolean(),
			retryAfter: fc.option(fc.nat(200_000_000)),
			random,
		}),
	},
)
/** Of a clock, in milliseconds. */
const putBack = fc.oneof(fc.constant(0), fc.nat(8_000_000))
const happenings = fc.array(happening, { maxLength: 60, size: 'max' })

/** A conversion to which things happen, and what was seen of it so far. */
class Course {
	now = 1_700_000_000_000
	conversion: Conversion = reserved(this.now)
	#saved = this.conversion
	#jobs = 0
	/** Packs that came under a fence which is none any more, and that no sweep has looked for since. */
	#late = 0
	/** The sweep that is under way. */
	#sweep: { due: number | null; through: number; late: number } | null = null
	#seen: { version: number; percent: number; jobId: string | null } = { version: 0, percent: 0, jobId: null }
	/** Every fence that was ever handed out, with its pages. */
	readonly #leases: { fence: number; first: number; last: number }[] = []

	/** @param check is called after every step */
	constructor(happenings: readonly Happening[], check: (course: Course) => void = () => {}) {
		// Most of what can happen, happens to a document that is there.
		if (happenings[0]?.type !== 'create') this.do({ type: 'create', start: null })
		for (const each of happenings) {
			this.#happen(each)
			// I10: what nobody refers to is looked for.
			if (this.#late > 0 && this.conversion.life.state !== 'forgotten') expect(this.conversion.sweepAt).not.toBeNull()
			check(this)
		}
	}

	do<E extends Event>(event: E): OutcomeOf<E> {
		const before = this.conversion
		const step = transition(before, event, this.now)
		this.conversion = step.conversion
		if (step.write) this.#saved = step.conversion
		if (step.closed) this.#look(step.closed)
		if (step.visible) {
			expect(versionOf(step.conversion)).toBeGreaterThan(versionOf(before))
			this.#look(step.conversion)
		}
		checkStep(before, event, step.conversion, step.closed)
		const { outcome } = step
		if (outcome !== null && 'grant' in outcome) this.#granted(outcome.grant)
		if (outcome !== null && 'next' in outcome && outcome.next !== null) this.#granted(outcome.next)
		return outcome
	}

	/** A converter that does nothing wrong takes a lease and finishes it. @returns whether there was one */
	work(pageCount: number): boolean {
		const leased = this.do({ type: 'lease', jobId: this.conversion.job?.id ?? '' })
		if (leased.outcome !== 'leased') return false
		const { fence, pages } = leased.grant
		if (leased.grant.pageCount === null && this.do({ type: 'opened', fence, pageCount }).outcome === 'stale')
			return true
		this.do({ type: 'finish', fence, through: pages.last, converted: pageNumbers([pages]), failed: [], more: false })
		return true
	}

	/** Everybody who is to be told something is, and says so. */
	answer(): void {
		const { sequence, job } = this.conversion
		for (const effect of owed(this.conversion, idle, this.now)) {
			if (effect.type === 'tellHistory') this.do({ type: 'historyTold', sequence, answered: true, hasWebhook: false })
			if (effect.type === 'tellLineup' && job) {
				this.do({ type: 'wantTold', jobId: job.id, want: effect.want, answered: true, place: null })
			}
			if (effect.type === 'callWebhook') {
				const answers = effect.calls.map(({ event, number }) => ({ event, number, isDelivered: true }) as const)
				this.do({ type: 'called', answers, hasWebhook: true, random: 0 })
			}
		}
	}

	#happen(each: Happening): void {
		switch (each.type) {
			case 'crash':
				this.#sweep = null
				this.conversion = conversionSchema.parse(JSON.parse(JSON.stringify(this.#saved)))
				this.do({ type: 'woken' })
				break
			case 'wait':
				this.now += each.milliseconds
				break
			case 'create':
				this.do({ type: 'create', start: each.starts ? { ...START, jobId: this.#jobId() } : null })
				break
			case 'start':
				this.do({ ...START, ...each, jobId: this.#jobId() })
				break
			case 'retry':
				this.do({ ...each, jobId: this.#jobId(), priority: null, maxPriority: 'urgent' })
				break
			case 'lease':
				this.do({ type: 'lease', jobId: this.conversion.job?.id ?? '' })
				break
			case 'opened':
				this.do({ type: 'opened', fence: this.#lease(each.back).fence, pageCount: each.pageCount })
				break
			case 'report':
				this.do({ type: 'report', fence: this.#lease(each.back).fence, rendered: each.rendered })
				break
			case 'finish':
				this.#finish(each)
				break
			case 'fail':
				this.do({ type: 'fail', fence: this.#lease(each.back).fence, code: each.code, random: each.random })
				break
			case 'wantTold': {
				const want = wantToTell(this.conversion, this.now)
				const jobId = this.conversion.job?.id
				if (want !== null && jobId)
					this.do({ type: 'wantTold', jobId, want, answered: each.answered, place: each.place })
				break
			}
			case 'placed':
				this.do({ type: 'placed', jobId: this.conversion.job?.id ?? '', place: each.place })
				break
			case 'historyTold': {
				const { type, answered, hasWebhook } = each
				const { sequence } = this.conversion
				this.do(answered ? { type, sequence, answered, hasWebhook } : { type, sequence, answered })
				break
			}
			case 'called': {
				const { hasWebhook, isDelivered, retryAfter } = each
				const answers = callsDue(this.conversion.calls, this.now).map(({ event, number }) =>
					isDelivered
						? { event, number, isDelivered }
						: { event, number, isDelivered, retryAfter: retryAfter && Math.min(retryAfter, LONGEST_WAIT) },
				)
				this.do({ type: 'called', answers, hasWebhook, random: each.random })
				break
			}
			case 'swept': {
				const { sweepAt: due, fence: through } = this.conversion
				if (this.#sweep) {
					const { late, ...sweep } = this.#sweep
					this.#sweep = null
					this.do({ type: 'swept', ...sweep, answered: each.answered })
					if (each.answered) this.#late -= late
				} else if (sweepIsDue(this.conversion, this.now)) {
					this.#sweep = { due, through, late: this.#late }
				}
				break
			}
			case 'cancel':
			case 'erase':
			case 'abandon':
			case 'tick':
				this.do(each)
		}
	}

	#finish({ back, share, failed, more, lie }: Extract<Happening, { type: 'finish' }>): void {
		const { fence, first, last } = this.#lease(back)
		const through = first + Math.floor(share * (last - first))
		const pages = pageNumbers([{ first, last: through }])
		const isFailed = (page: number) => failed.includes(page - first)
		const converted = pages.filter((page) => !isFailed(page) && page - first !== lie)
		if (lie !== null && lie > through - first) converted.push(first + lie)
		const { outcome } = this.do({
			type: 'finish',
			fence,
			through,
			converted,
			failed: pages.filter(isFailed).map((page) => ({ page, code: 'internal' })),
			more,
		})
		if (outcome === 'stale' && converted.length > 0 && fence <= this.conversion.fence) this.#late += 1
	}

	/** Counted back from the newest; before the first there is one that nobody gave. */
	#lease(back: number): { fence: number; first: number; last: number } {
		return this.#leases.at(-1 - back) ?? { fence: 1_000_000, first: 1, last: 1 }
	}

	#granted({ fence, pages }: { fence: number; pages: { first: number; last: number } }): void {
		expect(fence).toBeGreaterThan(this.#leases.at(-1)?.fence ?? 0)
		this.#leases.push({ fence, ...pages })
	}

	/** Somebody sees it like this: never an older version, nor less percent of the same job. */
	#look(conversion: Conversion): void {
		const { job } = conversion
		const now = { version: versionOf(conversion), percent: job ? percentOf(job) : 0, jobId: job?.id ?? null }
		expect(now.version).toBeGreaterThan(this.#seen.version)
		if (now.jobId === this.#seen.jobId) expect(now.percent).toBeGreaterThanOrEqual(this.#seen.percent)
		if (now.percent === 100) expect(job?.phase.status).toBe('completed')
		this.#seen = now
	}

	#jobId(): string {
		this.#jobs += 1
		return `job-${this.#jobs}`
	}
}

const START = {
	type: 'start',
	priority: 'normal',
	maxPriority: 'urgent',
	maxRetries: 3,
	retryPolicy: { baseDelay: 1_000, maxDelay: 30_000 },
	options: { quality: 'medium' },
	onActive: 'return',
	forceReconvert: false,
} as const satisfies Omit<Extract<Event, { type: 'start' }>, 'jobId'>

function checkStep(before: Conversion, event: Event, after: Conversion, closed: Conversion | null): void {
	const was = before.job
	const is = after.job
	expect(after.fence).toBeGreaterThanOrEqual(before.fence)
	if (was !== null && is !== was && is?.id === was.id) {
		// I3: what has ended never changes.
		expect(isActive(was)).toBe(true)
	} else if (is !== was) {
		// I2: another job begins only when the last one has ended, by this very step at the latest.
		expect(isActive(closed?.job ?? was)).toBe(false)
	}
	if ('fence' in event) {
		// I5: only a current lease changes a job.
		const isCurrent = isActive(was) && was.chunks.some((chunk) => isLeased(chunk) && chunk.fence === event.fence)
		if (!isCurrent) expect(is).toBe(was)
	}
	if (is !== null) checkPages(is)
}

/** Every page of a job is in exactly one place. */
function checkPages(job: Job): void {
	const places = [
		...pageNumbers(job.ready),
		...job.failedPages.map(({ page }) => page),
		...pageNumbers(job.chunks.map(({ pages }) => pages)),
	]
	expect(new Set(places).size).toBe(places.length)
	if (job.totalPages !== null && isActive(job)) expect(places.length).toBe(job.totalPages)
	if (job.phase.status === 'completed') expect(places.length).toBe(job.totalPages)
	expect(job.chunks.filter(isLeased).length).toBeLessThanOrEqual(MAX_CONVERTERS)
	for (const chunk of job.chunks) expect(chunk.losses).toBeLessThanOrEqual(job.maxRetries)
}

/** Enough for what goes wrong to be found within a few test runs, in a second each. */
const runs = { numRuns: 1_000 }

test('whatever happens, versions and fences rise, what has ended stays, stale fences count for nothing, no page is lost', () => {
	fc.assert(
		fc.property(happenings, (some) => {
			new Course(some)
		}),
		runs,
	)
})

test('whatever is owed has a time at which it is seen to, and an alarm that rings by then', () => {
	fc.assert(
		fc.property(happenings, fc.boolean(), (some, isBusy) => {
			new Course(some, ({ conversion, now }) => {
				if (conversion.life.state === 'forgotten') return
				const doing = isBusy ? { ...idle, lineup: true, history: true, sweep: true, webhook: true } : idle
				const owes =
					isActive(conversion.job) ||
					historyIsDue(conversion, now) ||
					conversion.milestone > conversion.told.history ||
					wantOf(conversion, now) !== conversion.told.want ||
					wantToTell(conversion, now) !== null ||
					conversion.sweepAt !== null ||
					(conversion.calls.isWanted && conversion.calls.pending.length > 0) ||
					conversion.life.state !== 'kept'
				const effects = owed(conversion, doing, now)
				const due = dueAt(conversion, now, effects.reduce(begun, doing))
				const alarm = effects.find((effect) => effect.type === 'setAlarm')
				if (owes) expect(due).not.toBeNull()
				else if (!isBusy) expect(due).toBeNull()
				expect(alarm?.at ?? null).toBe(due)
				for (const chunk of conversion.job?.chunks ?? []) {
					if (isLeased(chunk)) expect(due).toBeLessThanOrEqual(Math.max(now + 1, chunk.expiresAt, chunk.endsAt))
				}
			})
		}),
		runs,
	)
})

test('wherever it has come to, also with its clock put back, a job ends when a sound converter takes what there is', () => {
	fc.assert(
		fc.property(
			happenings,
			fc.integer({ min: 1, max: 40 }),
			random,
			putBack,
			(some, pageCount, jitter, milliseconds) => {
				const course = new Course(some)
				course.now -= milliseconds
				for (let round = 0; isActive(course.conversion.job); round++) {
					expect(round).toBeLessThan(200)
					if (course.work(pageCount)) continue
					course.answer()
					const due = dueAt(course.conversion, course.now) ?? Number.NaN
					expect(due).toBeLessThanOrEqual(course.now + 2 * LEASE_DURATION)
					course.now = due
					course.do({ type: 'tick', random: jitter })
				}
			},
		),
		runs,
	)
})

test('every state has a snapshot that a client can read, and survives being written down', () => {
	fc.assert(
		fc.property(happenings, (some) => {
			new Course(some, ({ conversion }) => {
				snapshotSchema.parse(snapshotOf({ id: 'document-1', externalId: null }, conversion))
				expect(conversionSchema.parse(JSON.parse(JSON.stringify(conversion)))).toStrictEqual(conversion)
			})
		}),
		{ numRuns: Math.ceil(runs.numRuns / 5) },
	)
})
