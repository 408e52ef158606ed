/**
 * What can happen to a document's conversion, and what comes of it. Everything that the outside decides (time,
 * randomness, new ids) comes in with the event.
 */
import type { FailureCode } from '../failure.ts'
import type { ConversionOptions } from '../options.ts'
import type { PageRange } from '../pages.ts'
import type { Priority } from '../snapshot.ts'
import type { Conversion } from './job.ts'

export type Event =
	| {
			type: 'start'
			jobId: string
			priority: Priority
			maxRetries: number
			options: ConversionOptions
			/** Convert again although a completed job with the same options exists. */
			forceReconvert: boolean
	  }
	/** A converter asks for work. */
	| { type: 'lease'; jobId: string }
	/** A converter has opened the document. */
	| { type: 'opened'; fence: number; pageCount: number }
	/** A converter has rendered so many pages of its lease. */
	| { type: 'report'; fence: number; rendered: number }
	/** A converter's pack is stored. It says of each page of its lease up to `through` whether it holds it or why not. */
	| {
			type: 'finish'
			fence: number
			through: number
			converted: readonly number[]
			failed: readonly { page: number; code: FailureCode }[]
			/** Whether the converter takes another lease: then both are one step, and one row. */
			more: boolean
	  }
	/** A converter gives its lease up. */
	| { type: 'fail'; fence: number; code: FailureCode; random: number }
	/** Time has passed. */
	| { type: 'tick'; random: number }
	/** The object came back to life with what was saved. */
	| { type: 'woken' }
	/** The lineup was told, or at least tried to be told, what is wanted. */
	| { type: 'wantTold'; want: number; answered: boolean }
	/** The history was told everything up to a sequence, or at least that was tried. */
	| { type: 'historyTold'; sequence: number; answered: boolean }

export type StartOutcome = { outcome: 'accepted' } | { outcome: 'existing' }

/** The lease as its converter needs to know it. */
export interface Grant {
	fence: number
	pages: PageRange
	options: ConversionOptions
	/** Null until a converter has opened the document. */
	pageCount: number | null
}
export type LeaseOutcome = { outcome: 'leased'; grant: Grant } | { outcome: 'nothing' }

/** Whether the converter still has its lease. */
export type FenceOutcome = { outcome: 'current' } | { outcome: 'stale' }

export type FinishOutcome = { outcome: 'accepted'; next: Grant | null } | { outcome: 'stale' }

interface Outcomes {
	start: StartOutcome
	lease: LeaseOutcome
	opened: FenceOutcome
	report: FenceOutcome
	finish: FinishOutcome
	fail: FenceOutcome
	tick: null
	woken: null
	wantTold: null
	historyTold: null
}

export type OutcomeOf<E extends Event> = Outcomes[E['type']]

/**
 * What a rule has made of an event.
 *
 * - `unchanged`: nothing to write, nothing to tell.
 * - `bookkeeping`: worth remembering, but no part of the snapshot; `durable` when a row must say so.
 * - `visible`: the snapshot changed; `durable` when a row must say so, else memory suffices.
 */
export type Change =
	| { kind: 'unchanged' }
	| { kind: 'bookkeeping'; conversion: Conversion; durable: boolean }
	| { kind: 'visible'; conversion: Conversion; durable: boolean; milestone?: true }

export interface Ruling<O> {
	outcome: O
	change: Change
}
