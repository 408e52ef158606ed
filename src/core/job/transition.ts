/**
 * The one way in which a conversion changes: state + event + time → state + outcome. No clock, no randomness, no I/O;
 * whoever calls it writes the state down in one transaction when `write` says so, and then acts.
 *
 * Invariant I4: the version rises with every visible change.
 */

import { estimated } from './estimate.ts'
import type { Change, Event, OutcomeOf, Ruling } from './event.ts'
import { type Conversion, type Job, TICKS_PER_SEQUENCE } from './job.ts'
import { percentOf, savedBounds } from './progress.ts'
import { called, callsAfter } from './rules/called.ts'
import * as life from './rules/life.ts'
import * as told from './rules/told.ts'
import * as work from './rules/work.ts'

export interface Step<O> {
	conversion: Conversion
	outcome: O
	/** Whether the state must be written down before anybody is told. */
	write: boolean
	/** Whether the snapshot changed. */
	visible: boolean
	/** The job that this one took the place of, as it ended: to be written down in the same transaction. */
	closed: Conversion | null
}

export function transition<E extends Event>(conversion: Conversion, event: E, now: number): Step<OutcomeOf<E>> {
	const { outcome, change } = rule(conversion, event, now)
	return { ...committed(conversion, change, now), outcome: outcome as OutcomeOf<E> }
}

function rule(conversion: Conversion, event: Event, now: number): Ruling<OutcomeOf<Event>> {
	switch (event.type) {
		case 'create':
			return life.create(conversion, event, now)
		case 'abandon':
			return life.abandon(conversion)
		case 'start':
			return life.start(conversion, event, now)
		case 'retry':
			return life.retry(conversion, event, now)
		case 'cancel':
			return life.cancel(conversion, now)
		case 'erase':
			return life.erase(conversion, now)
		case 'succeed':
			return life.succeed(conversion, event)
		case 'swept':
			return life.swept(conversion, event, now)
		case 'lease':
			return work.lease(conversion, event, now)
		case 'opened':
			return work.opened(conversion, event, now)
		case 'report':
			return work.report(conversion, event, now)
		case 'finish':
			return work.finish(conversion, event, now)
		case 'fail':
			return work.fail(conversion, event, now)
		case 'tick':
			return work.tick(conversion, event, now)
		case 'woken':
			return work.woken(conversion, now)
		case 'wantTold':
			return told.wantTold(conversion, event, now)
		case 'placed':
			return told.placed(conversion, event, now)
		case 'historyTold':
			return told.historyTold(conversion, event, now)
		case 'called':
			return called(conversion, event, now)
	}
}

function committed(before: Conversion, change: Change, now: number): Omit<Step<never>, 'outcome'> {
	switch (change.kind) {
		case 'unchanged':
			return { conversion: before, write: false, visible: false, closed: null }
		case 'bookkeeping':
			return { conversion: change.conversion, write: change.durable, visible: false, closed: null }
		case 'visible': {
			const { closed = null } = change
			const conversion = { ...change.conversion, calls: callsAfter(before, change.conversion, closed, now) }
			const versioned = (next: Conversion, sequence: number, tick: number): Conversion => ({
				...next,
				sequence,
				tick,
				milestone: change.milestone ? sequence : next.milestone,
				updatedAt: now,
			})
			if (closed) {
				// The job that ends and the one that begins are two versions of the document, written down as one.
				const [ended, begun] = [before.sequence + 1, before.sequence + 2]
				return {
					conversion: versioned(conversion, begun, 0),
					write: true,
					visible: true,
					closed: versioned(closed, ended, 0),
				}
			}
			// A tick that would run into the next sequence becomes one.
			const write = change.durable || before.tick + 1 >= TICKS_PER_SEQUENCE
			const job = neverBelow(conversion.job, before.job)
			const shown = { ...conversion, job: job && estimated(before.job, job, now) }
			const next = versioned(shown, write ? before.sequence + 1 : before.sequence, write ? 0 : before.tick + 1)
			return { conversion: write ? withSavedBounds(next) : next, write, visible: true, closed: null }
		}
	}
}

/** Pages that were rendered and are lost must be rendered again, but the percent that they brought is not taken back. */
function neverBelow(job: Job | null, before: Job | null): Job | null {
	if (job === null || job === before || job.id !== before?.id) return job
	const shown = percentOf(before)
	switch (job.phase.status) {
		case 'queued':
		case 'completed':
			return job
		case 'processing':
			return shown <= job.progress.floor ? job : { ...job, progress: { ...job.progress, floor: shown } }
		case 'failed':
		case 'cancelled':
			return shown <= job.phase.progress ? job : { ...job, phase: { ...job.phase, progress: shown } }
	}
}

function withSavedBounds(conversion: Conversion): Conversion {
	const { job } = conversion
	if (job?.phase.status !== 'processing') return conversion
	return { ...conversion, job: { ...job, progress: savedBounds(job) } }
}
