/**
 * What must hold after every step, whatever happens. The numbers are those of docs/engine.md.
 *
 * I2 one active job a document · I3 what has ended never changes · I4 versions rise with what they say, fences rise
 * and are handed out once · I5 only a current lease changes a job · I8 what is seen never goes back · I9 what is owed
 * has an alarm · W the lineup's word of a document never gets older, and nobody is taken to have heard what he has not ·
 * order: the first in line is next, an owner's documents keep their distance, a turn ends, a priority is allowed ·
 * pages: each is ready, failed, or still to be done ·
 * password: a job has the one that it was begun with until it ends, and none then
 */
import { failure, isAboutPassword } from '../../src/core/failure.ts'
import { wantOf } from '../../src/core/job/due.ts'
import type { Event } from '../../src/core/job/event.ts'
import { type Conversion, isActive, isLeased, type Job, versionOf } from '../../src/core/job/job.ts'
import { percentOf, processedPages } from '../../src/core/job/progress.ts'
import { LONGEST_LEASE, MAX_CONVERTERS } from '../../src/core/job/rules/work.ts'
import type { Step } from '../../src/core/job/transition.ts'
import { snapshotOf } from '../../src/core/job/view.ts'
import type { Entry, Place, Want } from '../../src/core/lineup/entry.ts'
import { rangeLength } from '../../src/core/pages.ts'
import { isAbove } from '../../src/core/priority.ts'
import { snapshotSchema } from '../../src/core/snapshot.ts'
import type { Random } from './random.ts'
import { Violation } from './violation.ts'

interface Seen {
	version: number
	jobId: string | null
	status: string
	percent: number
	processed: number
	ready: number
}

/** Events that come with a fence. */
const FENCED = new Set<Event['type']>(['opened', 'report', 'finish', 'fail'])

/** A chunk of several pages is not lost more often than this in one piece. */
const SPLIT_AFTER = 2

/** How far apart an owner's documents are, and how long a converter stays with one. Milliseconds. */
export const SPACING = 5_000
const TURN = 5_000

/** The alarm of an active job rings within this time, in milliseconds; a minute more when it may be late. */
const ALARM_WITHIN = 120_000
/** One that should have rung so long ago was lost; it may be late by less. Milliseconds. */
const ALARM_LATE = 60_000

export class Checks {
	/** By document. */
	readonly #seen = new Map<string, Seen>()
	readonly #fences = new Map<string, number>()
	/** How jobs ended, by id, as somebody could see it. */
	readonly #ended = new Map<string, string>()
	/** What the lineup and the history have heard: words by job, sequences by document. */
	readonly #words = new Set<string>()
	/** Passwords by job, as it was begun. */
	readonly #passwords = new Map<string, string | null>()
	readonly #recorded = new Map<string, number>()
	/** Draws which snapshots are parsed as a client would; it is not the world's, so checking changes nothing. */
	readonly #random: Random
	/** Clocks that jump make every time relative. */
	clockJumped = false
	/** By how much clocks were put forward in all, in milliseconds: a time of grace that is over may not have passed. */
	putForward = 0

	constructor(random: Random) {
		this.#random = random
	}

	/** A document took a step. */
	stepped(id: string, before: Conversion, event: Event, step: Step<{ outcome: string } | null>, now: number): void {
		const after = step.conversion
		if (before === after && event.type !== 'tick') return
		const [was, is] = [before.job, after.job]
		if (is && was?.id !== is.id) {
			const old = step.closed?.job ?? was
			if (isActive(old)) throw new Violation('I2', `${id}: ${is.id} began while ${old.id} was active`)
			if (was && after.number !== before.number + 1) throw new Violation('I2', `${id}: jobs are not counted`)
		} else if (was && is && was !== is && !isActive(was)) {
			throw new Violation('I3', `${id}: ${event.type} changed ${was.id}, which had ended`)
		}
		if (after.fence !== before.fence) this.#leased(id, before, after, now)
		if (step.visible && versionOf(after) <= versionOf(before)) {
			throw new Violation('I4', `${id}: ${event.type} changed what is seen, but no version`)
		}
		if (FENCED.has(event.type) && 'fence' in event) {
			const isCurrent = was?.chunks.some((chunk) => isLeased(chunk) && chunk.fence === event.fence) && isActive(was)
			if (!isCurrent && was !== is) throw new Violation('I5', `${id}: ${event.type} with fence ${event.fence} counted`)
		}
		if (event.type === 'placed' && was !== is && event.jobId !== was?.id) {
			throw new Violation('order', `${id}: ${was?.id} has the place of ${event.jobId}`)
		}
		if (is?.pace && was?.pace && was.id === is.id && is.pace.measured < was.pace.measured) {
			throw new Violation('estimate', `${id}: a page that was lost was measured`)
		}
		if (event.type === 'fail' && !failure(event.code).retryable && is && was && is.retryCount > was.retryCount) {
			throw new Violation('bounds', `${id}: ${event.code} was tried again`)
		}
		if (event.type === 'report' && is && was && processedPages(is) < processedPages(was)) {
			throw new Violation('I8', `${id}: a report took back what an earlier one said`)
		}
		if (event.type === 'finish') this.#turn(id, was, event.fence, step.outcome, now)
		if (is && was?.id !== is.id) this.#priority(id, event, is)
		this.#password(id, event, was, is)
		if (step.closed) this.#password(id, event, was, step.closed.job)
		if (after.told !== before.told) this.#told(id, before, after)
		if (event.type === 'tick' && is && isActive(is)) {
			const latest = now + 2 * LONGEST_LEASE
			const tooLong = is.chunks.filter(isLeased).find(({ endsAt }) => endsAt > latest)
			if (tooLong) throw new Violation('I1', `${id}: a lease lasts ${(tooLong.endsAt - now) / 1000} s more`)
		}
		if (is) this.#soundness(id, is)
	}

	/** A fence was written down and is handed out. */
	granted(id: string, fence: number): void {
		if (fence <= (this.#fences.get(id) ?? 0)) throw new Violation('I4', `${id}: fence ${fence} was handed out before`)
		this.#fences.set(id, fence)
	}

	/** The lineup has heard a word of a document, and has written it down. */
	heard({ jobId, want }: Want): void {
		this.#words.add(`${jobId}/${want}`)
	}

	/** The history has heard everything of a document up to a sequence. */
	recorded(id: string, sequence: number): void {
		this.#recorded.set(id, Math.max(sequence, this.#recorded.get(id) ?? 0))
	}

	/** Somebody could see a document like this. */
	observed(id: string, conversion: Conversion): void {
		const { job } = conversion
		if (job && !isActive(job)) {
			const ending = JSON.stringify([job.phase, readyCount(job), job.failedPages.length])
			const known = this.#ended.get(job.id) ?? ending
			if (known !== ending) throw new Violation('I3', `${id}: ${job.id} ended twice: ${known} and ${ending}`)
			this.#ended.set(job.id, ending)
		} else if (job && this.#ended.has(job.id)) {
			throw new Violation('I3', `${id}: ${job.id} had ended and goes on`)
		}
		const now: Seen = {
			version: versionOf(conversion),
			jobId: job?.id ?? null,
			status: job?.phase.status ?? 'none',
			percent: job ? percentOf(job) : 0,
			processed: job ? processedPages(job) : 0,
			ready: job ? readyCount(job) : 0,
		}
		const last = this.#seen.get(id)
		if (last) {
			if (now.version < last.version) throw new Violation('I8', `${id}: version ${now.version} after ${last.version}`)
			const isSame =
				now.jobId === last.jobId &&
				now.status === last.status &&
				now.percent === last.percent &&
				now.processed === last.processed &&
				now.ready === last.ready
			if (now.version === last.version && !isSame) {
				throw new Violation('I4', `${id}: version ${now.version} says two things: ${show(last)} and ${show(now)}`)
			}
			if (now.jobId === last.jobId) {
				if (now.percent < last.percent) throw new Violation('I8', `${id}: percent ${now.percent} after ${last.percent}`)
				if (now.ready < last.ready) throw new Violation('I8', `${id}: ready pages were taken back`)
			}
		}
		if (now.percent === 100 && now.status !== 'completed') throw new Violation('I8', `${id}: 100 % before it was done`)
		this.#seen.set(id, now)
		if (this.#random.chance(0.005)) snapshotSchema.parse(snapshotOf({ id, externalId: null }, conversion))
	}

	/** A document begins to delete what nobody refers to. */
	sweeping(id: string, { job }: Conversion): void {
		if (isActive(job)) throw new Violation('I6', `${id} is swept while packs of ${job.id} come and go`)
	}

	/** A document has seen to what it owes. */
	attended(id: string, conversion: Conversion, alarmAt: number | null, now: number): void {
		if (conversion.life.state === 'forgotten') return
		const owes =
			isActive(conversion.job) ||
			conversion.milestone > conversion.told.history ||
			wantOf(conversion, now) !== conversion.told.want ||
			conversion.sweepAt !== null ||
			(conversion.calls.isWanted && conversion.calls.pending.length > 0) ||
			conversion.life.state === 'reserved' ||
			(conversion.life.state === 'erased' && conversion.life.successor === 0)
		if (!owes) return
		if (alarmAt === null) throw new Violation('I9', `${id} owes something and has no alarm`)
		if (!this.clockJumped && alarmAt < now - ALARM_LATE) {
			throw new Violation('I9', `${id} waits for an alarm that should have rung ${(now - alarmAt) / 1000} s ago`)
		}
		if (!this.clockJumped && isActive(conversion.job) && alarmAt > now + ALARM_WITHIN) {
			throw new Violation('I9', `${id} is active, and its alarm rings in ${(alarmAt - now) / 1000} s`)
		}
		const { chunks } = conversion.job ?? { chunks: [] }
		for (const chunk of chunks) {
			const due = isLeased(chunk) ? chunk.expiresAt : chunk.notBefore
			// It rings no later than it must; a minute late it is taken for lost.
			if (!this.clockJumped && due > now && alarmAt > Math.max(due, now + 1)) {
				throw new Violation('I9', `${id}: the alarm rings ${alarmAt - due} ms after a chunk is due`)
			}
		}
	}

	/** A document does not tell the lineup anything just now. */
	silent(id: string, conversion: Conversion, now: number): void {
		const { want, wantAt } = conversion.told
		if (wantOf(conversion, now) !== want && wantAt > now + ALARM_WITHIN) {
			throw new Violation('W', `${id} waits with its word for a time that was, ${(wantAt - now) / 1000} s ahead`)
		}
	}

	/** A document's word came to the lineup. */
	wanted(before: Entry | undefined, after: Entry | undefined, word: Want): void {
		if (before && after && after.seq < before.seq) throw new Violation('W', `${word.documentId}: an older word won`)
		if (before && !after && word.seq < before.seq)
			throw new Violation('W', `${word.documentId}: an older word ended it`)
	}

	/**
	 * Somebody stands in the lineup now who did not, or who wants something else.
	 *
	 * @param expected its arrival, when it stands there or is remembered to have stood there: as before, and later by the
	 *   turns that it was given since
	 */
	arrived(entry: Entry, before: readonly Entry[], expected: number | null, now: number): void {
		if (expected !== null) {
			if (entry.arrival !== expected) throw new Violation('order', `${entry.jobId} is at another place`)
			return
		}
		const { owner, priority, documentId } = entry
		const others = before.filter(
			(other) => other.owner === owner && other.priority === priority && other.documentId !== documentId,
		)
		const tooClose = others.find(({ arrival }) => entry.arrival < arrival + SPACING)
		if (tooClose) throw new Violation('order', `${entry.jobId} is too close to ${tooClose.jobId} of the same owner`)
		if (others.length === 0 && entry.arrival !== now)
			throw new Violation('order', `${entry.jobId} came at another time`)
	}

	/** @param before those who wanted somebody */
	claimed(next: Entry | null, before: readonly Entry[], isPaused: boolean): void {
		if (next && isPaused) throw new Violation('order', `${next.jobId} was given work while the lineup is paused`)
		const better = next && before.find((other) => isAhead(other, next))
		if (better) throw new Violation('order', `${next.jobId} came before ${better.jobId}`)
		const missed = next || isPaused ? undefined : before[0]
		if (missed) throw new Violation('order', `${missed.jobId} waits, and a converter was sent away`)
	}

	/** A document is told where it stands. */
	placed(documentId: string, { position, wait }: Place, entries: readonly Entry[]): void {
		const entry = entries.find((each) => each.documentId === documentId)
		const before = entry ? entries.filter((other) => isAhead(other, entry)).length : -1
		if (position !== before + 1)
			throw new Violation('order', `${documentId} is told ${position}, with ${before} before it`)
		if (wait !== null && !(wait >= 0)) throw new Violation('order', `${documentId} is told to wait ${wait} ms`)
	}

	/** A converter goes on with a document only as long as its turn lasts. */
	#turn(id: string, was: Job | null, fence: number, outcome: { outcome: string } | null, now: number): void {
		const chunk = was?.chunks.filter(isLeased).find((each) => each.fence === fence)
		const goesOn = outcome !== null && 'next' in outcome && outcome.next !== null
		const isOver = chunk && (chunk.turnEndsAt <= now || chunk.turnEndsAt > now + TURN)
		if (isOver && goesOn) throw new Violation('order', `${id}: a turn does not end`)
	}

	#priority(id: string, event: Event, is: Job): void {
		const most = event.type === 'start' || event.type === 'retry' ? event.maxPriority : null
		if (most && isAbove(is.priority, most)) throw new Violation('order', `${id}: ${is.priority} is more than ${most}`)
	}

	#password(id: string, event: Event, was: Job | null, is: Job | null): void {
		if (!is) return
		if (was?.id !== is.id) {
			const begun = event.type === 'create' ? event.start : event
			this.#passwords.set(is.id, (begun && 'sealedPassword' in begun && begun.sealedPassword) || null)
		}
		const given = this.#passwords.get(is.id) ?? null
		if (isActive(is) && is.phase.sealedPassword !== given) {
			throw new Violation('password', `${id}: ${is.id} has another password than it was begun with`)
		}
		if (!isActive(is) && JSON.stringify(is).includes('sealedPassword')) {
			throw new Violation('password', `${id}: ${is.id} has ended and keeps its password`)
		}
		const isLocked = is.failedPages.some(({ code }) => isAboutPassword(code))
		if (isLocked) throw new Violation('password', `${id}: pages of ${is.id} failed for want of a password`)
	}

	#leased(id: string, before: Conversion, after: Conversion, now: number): void {
		if (after.fence !== before.fence + 1) throw new Violation('I4', `${id}: fence ${after.fence} after ${before.fence}`)
		const leased = after.job?.chunks.filter(isLeased).find(({ fence }) => fence === after.fence)
		const first = leased?.pages.first
		const waited = before.job?.chunks.find((chunk) => !isLeased(chunk) && chunk.pages.first === first)
		if (!this.clockJumped && waited && !isLeased(waited) && waited.notBefore > now) {
			throw new Violation('bounds', `${id}: a chunk was leased ${waited.notBefore - now} ms before its backoff is over`)
		}
	}

	/** What others are taken to know, they have heard. */
	#told(id: string, { told: was, job: earlier }: Conversion, { told: is, job }: Conversion): void {
		const isNews = job?.id !== earlier?.id || is.want !== was.want
		if (isNews && is.want > 0 && !this.#words.has(`${job?.id}/${is.want}`)) {
			throw new Violation('W', `${id}: the lineup never heard that ${job?.id} wants ${is.want}`)
		}
		if (is.want === 0 && was.want !== 0 && !this.#words.has(`${job?.id}/0`)) {
			throw new Violation('W', `${id}: the lineup never heard that ${job?.id} wants nobody`)
		}
		if (is.history > Math.max(was.history, this.#recorded.get(id) ?? 0)) {
			throw new Violation('I7', `${id}: the history never heard of ${is.history}`)
		}
	}

	#soundness(id: string, job: Job): void {
		const leased = job.chunks.filter(isLeased)
		if (leased.length > MAX_CONVERTERS) throw new Violation('bounds', `${id}: ${leased.length} converters on one job`)
		let pages = readyCount(job) + job.failedPages.length
		for (const chunk of job.chunks) {
			pages += rangeLength(chunk.pages)
			// Whoever was taken apart has had as many losses as are allowed, and no more.
			if (chunk.losses >= SPLIT_AFTER && rangeLength(chunk.pages) > 1) {
				throw new Violation(
					'bounds',
					`${id}: a chunk of ${rangeLength(chunk.pages)} pages was lost ${chunk.losses} times`,
				)
			}
			if (chunk.losses > job.maxRetries) throw new Violation('bounds', `${id}: ${chunk.losses} losses of a chunk`)
		}
		if (job.phase.status === 'completed' && pages !== job.totalPages) {
			throw new Violation('pages', `${id}: ${job.id} is completed with ${pages} of ${job.totalPages} pages`)
		}
		if (job.totalPages !== null && isActive(job) && pages !== job.totalPages) {
			throw new Violation('pages', `${id}: ${pages} of ${job.totalPages} pages are accounted for`)
		}
	}
}

/** The order of the lineup, in other words than its own. */
function isAhead(one: Entry, other: Entry): boolean {
	const [a, b] = [one, other].map(({ arrival, priority, firstPageOut }) => {
		const later = { urgent: -10, high: -2, normal: 0, low: 10 }[priority] + (firstPageOut ? 2 : 0)
		return arrival + later * 60_000
	}) as [number, number]
	return a === b ? one.documentId < other.documentId : a < b
}

function readyCount(job: Job): number {
	let count = 0
	for (const range of job.ready) count += rangeLength(range)
	return count
}

function show({ status, percent, processed, ready }: Seen): string {
	return `${status} ${percent}% ${processed}/${ready}`
}
