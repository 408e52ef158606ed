/**
 * What can happen to a document's conversion, and what comes of it. Everything that the outside decides (time,
 * randomness, new ids) comes in with the event.
 */
import type { FailureCode } from '../failure.ts'
import type { Place } from '../lineup/entry.ts'
import type { ConversionOptions } from '../options.ts'
import type { PageRange } from '../pages.ts'
import type { Priority } from '../snapshot.ts'
import type { CallAnswer } from './calls.ts'
import type { Conversion } from './job.ts'
import type { RetryPolicy } from './retry.ts'

/** What becomes of an active job when another is to be started: it is given back, defended, or cancelled. */
export type OnActive = 'return' | 'reject' | 'replace'

/** How a job is to be started. */
export interface Start {
	jobId: string
	priority: Priority
	/** The most that the caller may have; more is lowered to it. */
	maxPriority: Priority
	maxRetries: number
	retryPolicy: RetryPolicy
	options: ConversionOptions
	onActive: OnActive
	/** Convert again although the last job was completed with the same options. */
	forceReconvert: boolean
	/** The document's password, sealed; absent when none was given. */
	sealedPassword?: string | null
}

/** How a job is to be tried again; null takes over what the last one had. */
export interface Retry {
	jobId: string
	priority: Priority | null
	/** The most that the caller may have; more is lowered to it. */
	maxPriority: Priority
	maxRetries: number | null
	options: ConversionOptions | null
	/** The document's password, sealed. The one before was kept no longer than its job. */
	sealedPassword?: string | null
}

export type Event =
	/** The document's file is here. */
	| { type: 'create'; start: Start | null }
	/** It will not come: its upload failed. */
	| { type: 'abandon' }
	| ({ type: 'start' } & Start)
	| ({ type: 'retry' } & Retry)
	| { type: 'cancel' }
	/** The document is to go, for good. */
	| { type: 'erase' }
	/** Another document is to have the `externalId` of this one, which is gone; `after` is the last generation that was. */
	| { type: 'succeed'; after: number }
	/** A converter that the lineup has sent asks for work: its turn begins. */
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
	/** The lineup was told, or at least tried to be told, what is wanted; it says where the job stands, if it waits. */
	| { type: 'wantTold'; jobId: string; want: number; answered: boolean; place: Place | null }
	/** The lineup says that the job's place has changed. */
	| { type: 'placed'; jobId: string; place: Place }
	/** The history was told everything up to a sequence, and says whether the owner has a webhook. */
	| { type: 'historyTold'; sequence: number; answered: true; hasWebhook: boolean }
	/** Or at least that was tried. */
	| { type: 'historyTold'; sequence: number; answered: false }
	/** The owner's webhook was called, if there still is one. */
	| { type: 'called'; answers: readonly CallAnswer[]; hasWebhook: boolean; random: number }
	/** What nobody referred to was deleted, or at least that was tried; `due` is the `sweepAt` that asked for it. */
	| { type: 'swept'; due: number | null; through: number; answered: boolean }

export type CreateOutcome = { outcome: 'created' } | { outcome: 'existing' } | { outcome: 'gone' }
export type StartOutcome =
	| { outcome: 'accepted' }
	| { outcome: 'existing' }
	| { outcome: 'active' }
	| { outcome: 'gone' }
export type RetryOutcome =
	| { outcome: 'accepted' }
	/** The last job neither failed nor was cancelled. */
	| { outcome: 'nothing_to_retry' }
	| { outcome: 'options_differ' }

export type CancelOutcome = { outcome: 'cancelled' } | { outcome: 'unchanged' }
export type EraseOutcome = { outcome: 'erased' } | { outcome: 'gone' }
/** `gone`: there is no tombstone, so nobody comes after it. */
export type SucceedOutcome = { outcome: 'succeeded'; generation: number } | { outcome: 'gone' }

/** The lease as its converter needs to know it. */
export interface Grant {
	fence: number
	pages: PageRange
	options: ConversionOptions
	/** Null until a converter has opened the document. */
	pageCount: number | null
	/** The document's password, sealed; null when none was given. */
	sealedPassword: string | null
}
export type LeaseOutcome = { outcome: 'leased'; grant: Grant } | { outcome: 'nothing' }

/** Whether the converter still has its lease. */
export type FenceOutcome = { outcome: 'current' } | { outcome: 'stale' }

export type FinishOutcome =
	| { outcome: 'accepted'; next: Grant | null }
	/** The converter's turn with this document is over: the lineup says who is next. */
	| { outcome: 'yield' }
	| { outcome: 'stale' }

/** What a user may say of a document's conversion. */
export type Command = Extract<Event, { type: 'start' | 'retry' | 'cancel' }>

interface Outcomes {
	create: CreateOutcome
	abandon: null
	start: StartOutcome
	retry: RetryOutcome
	cancel: CancelOutcome
	erase: EraseOutcome
	succeed: SucceedOutcome
	lease: LeaseOutcome
	opened: FenceOutcome
	report: FenceOutcome
	finish: FinishOutcome
	fail: FenceOutcome
	tick: null
	woken: null
	wantTold: null
	placed: null
	historyTold: null
	called: null
	swept: null
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
	| {
			kind: 'visible'
			conversion: Conversion
			durable: boolean
			/** The history must have this. */
			milestone?: true
			/** The job that this one took the place of, as it ended: to be written down under its own number. */
			closed?: Conversion
	  }

export interface Ruling<O> {
	outcome: O
	change: Change
}
