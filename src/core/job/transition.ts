/**
 * The one way in which a conversion changes: state + event + time → state + outcome. No clock, no randomness, no I/O;
 * whoever calls it writes the state down in one transaction when `write` says so, and then acts.
 *
 * Invariant I4: the version rises with every visible change.
 */
import type { Change, Event, OutcomeOf, Ruling } from './event.ts'
import { type Conversion, type Job, TICKS_PER_SEQUENCE } from './job.ts'
import { savedBounds } from './progress.ts'
import * as rules from './rules.ts'

export interface Step<O> {
	conversion: Conversion
	outcome: O
	/** Whether the state must be written down before anybody is told. */
	write: boolean
	/** Whether the snapshot changed. */
	visible: boolean
}

export function transition<E extends Event>(conversion: Conversion, event: E, now: number): Step<OutcomeOf<E>> {
	const { outcome, change } = rule(conversion, event, now)
	return { ...committed(conversion, change, now), outcome: outcome as OutcomeOf<E> }
}

function rule(conversion: Conversion, event: Event, now: number): Ruling<OutcomeOf<Event>> {
	switch (event.type) {
		case 'start':
			return rules.start(conversion, event, now)
		case 'lease':
			return rules.lease(conversion, event, now)
		case 'opened':
			return rules.opened(conversion, event, now)
		case 'report':
			return rules.report(conversion, event, now)
		case 'finish':
			return rules.finish(conversion, event, now)
		case 'fail':
			return rules.fail(conversion, event, now)
		case 'tick':
			return rules.tick(conversion, event, now)
		case 'woken':
			return rules.woken(conversion)
		case 'wantTold':
			return rules.wantTold(conversion, event, now)
		case 'historyTold':
			return rules.historyTold(conversion, event, now)
	}
}

function committed(before: Conversion, change: Change, now: number): Omit<Step<never>, 'outcome'> {
	switch (change.kind) {
		case 'unchanged':
			return { conversion: before, write: false, visible: false }
		case 'bookkeeping':
			return { conversion: change.conversion, write: change.durable, visible: false }
		case 'visible': {
			const { conversion } = change
			// A tick that would run into the next sequence becomes one.
			const write = change.durable || before.tick + 1 >= TICKS_PER_SEQUENCE
			const sequence = write ? before.sequence + 1 : before.sequence
			return {
				conversion: {
					...conversion,
					sequence,
					tick: write ? 0 : before.tick + 1,
					milestone: change.milestone ? sequence : conversion.milestone,
					updatedAt: now,
					job: conversion.job && write ? withSavedBounds(conversion.job) : conversion.job,
				},
				write,
				visible: true,
			}
		}
	}
}

function withSavedBounds(job: Job): Job {
	return job.phase.status === 'processing' ? { ...job, progress: savedBounds(job) } : job
}
