/**
 * One document: its owner, its conversion, its watchers. Wiring only: what may happen is decided by the rules in
 * `core/job`, and this class writes it down and tells those who need to know.
 *
 * One way round: event → `transition` → one transaction → `owed` effects (lineup, history, sweep, alarm) → event.
 * Invariants held here: I2 the object is the only one that changes its document · I8 what is published was written
 * down first, where it must be · I9 what is owed has an alarm.
 */
import { DurableObject } from 'cloudflare:workers'
import { type Access, type Caller, claimsSchema, mayAccess, type Owner, ownerKey } from '../../core/access.ts'
import type { PastConversion } from '../../core/conversions.ts'
import { type Looks, looked, noLooks, shownElsewhereFor } from '../../core/crowd/looks.ts'
import { BUILT_IN_FORMATS, formatOf, PDF } from '../../core/format.ts'
import type { Fail, Finish, Finished, Opened, Report, Verdict } from '../../core/gate.ts'
import { type KeyedRequest, repetition } from '../../core/idempotency.ts'
import type { Call } from '../../core/job/calls.ts'
import { begun, type Doing, type Effect, idle, owed, wantOf } from '../../core/job/due.ts'
import type { Command, Event, Grant, LeaseOutcome, OutcomeOf, Start, SucceedOutcome } from '../../core/job/event.ts'
import { type Conversion, packNumbers, reserved, TICKS_PER_SEQUENCE } from '../../core/job/job.ts'
import { pastOf } from '../../core/job/past.ts'
import { unreferencedFences } from '../../core/job/sweep.ts'
import { transition } from '../../core/job/transition.ts'
import { snapshotOf } from '../../core/job/view.ts'
import { type Place, placeSchema, type Want } from '../../core/lineup/entry.ts'
import type { PageRange } from '../../core/pages.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import { within } from '../../deadline.ts'
import { errorText } from '../../error-text.ts'
import { packKey, sourceKey } from '../files.ts'
import { DocumentHistory } from '../history/documents.ts'
import { lineupOf } from '../objects.ts'
import type { SealedLease } from '../password.ts'
import { deliver, missed } from '../webhook/deliver.ts'
import { ProgressSockets } from './sockets.ts'
import { type DocumentRecord, DocumentStore, type KeptAnswer, type StoredPack } from './store.ts'

/** What a caller gets who may not see the document, or asks for one that is not there: both look the same. */
export type NotFound = { outcome: 'not_found' }

/** What a change is answered with. */
interface Changed {
	snapshot: Snapshot
	/** Milliseconds for which other isolates may still show what was before. */
	shownElsewhereFor: number
}

/** What comes of a command: what it did, or why it was refused. */
export type CommandAnswer =
	| ({ outcome: KeptAnswer['outcome'] } & Changed)
	| { outcome: 'active' | 'nothing_to_retry' | 'options_differ' | 'key_reused' }
	| NotFound

export type EraseAnswer = ({ outcome: 'erased' } & Pick<Changed, 'shownElsewhereFor'>) | NotFound

/** How a document stands, for whoever may see it: that is for the one who asks to decide. */
export type Look =
	| { outcome: 'unknown' | 'erased' }
	| {
			outcome: 'found'
			owner: Owner
			version: number
			status: Snapshot['status']
			/** The snapshot as JSON: a text crosses over in a fraction of the time, and is answered as it is. */
			text: string
			/** The newest job that was completed. */
			served: string | null
	  }

/** The pages of one job, as far as they are there. */
export interface PageView {
	outcome: 'found'
	jobId: string
	totalPages: number | null
	packs: StoredPack[]
	failedPages: number[]
}

/** What comes of a `finish`, before the gate has unsealed the next lease. */
export type SealedFinished =
	| Exclude<Finished, { verdict: 'go on' }>
	| { verdict: 'go on'; next: SealedLease | null }
	| { verdict: 'gone' }

/** Milliseconds that others may take to answer. */
const LINEUP_DEADLINE = 5_000
const HISTORY_DEADLINE = 10_000
const SWEEP_DEADLINE = 30_000
/** Longer than each of its parts may take. */
const WEBHOOK_DEADLINE = 20_000

/** R2 deletes at most this many objects at once. */
const DELETED_AT_ONCE = 1_000

/** When even the alarm cannot be worked out, it rings again after this long. Milliseconds. */
const ALARM_AFTER_ERROR = 60_000

interface Live {
	document: DocumentRecord
	conversion: Conversion
}

/** What a lease is about, as its holder may ask. */
export interface Held {
	pages: PageRange
	/** Null until a converter has said so. */
	pageCount: number | null
}

function formatIn({ document }: Live): string {
	return formatOf(document.contentType) ?? PDF
}

export class DocumentObject extends DurableObject<ApiEnv> {
	readonly #store: DocumentStore
	readonly #sockets: ProgressSockets
	#live: Live | null
	#doing: Doing = idle
	/** Whether more than one upload has the reservation. */
	#isShared = false
	/** Forgotten with everything else that only memory knows: see `docs/decisions.md`. */
	#looks: Looks = noLooks

	constructor(ctx: DurableObjectState, env: ApiEnv) {
		super(ctx, env)
		this.#store = new DocumentStore(ctx.storage.sql)
		this.#live = this.#store.load()
		this.#sockets = new ProgressSockets(ctx, () => this.#snapshot(this.#existing()))
		if (!this.#live) return
		void ctx.blockConcurrencyWhile(async () => {
			const watchers = this.#sockets.isWatched() ? 'known' : 'none'
			this.#doing = { ...idle, watchers, alarmAt: await ctx.storage.getAlarm() }
			// Where it stands is heard in a moment, and those who look on need not see it go in between.
			this.#sockets.hold(Date.now())
			this.#apply({ type: 'woken' })
		})
	}

	/**
	 * Keeps a place for a document whose file is on its way, so that a file which arrives without its document is found
	 * and deleted. `pending` says that it was reserved before, and `existing` that the document is there.
	 */
	reserve(
		document: DocumentRecord,
		isolate = '',
	):
		| { outcome: 'reserved' }
		| { outcome: 'pending'; document: DocumentRecord }
		| ({ outcome: 'existing'; document: DocumentRecord } & Changed)
		| { outcome: 'gone' } {
		const live = this.#live
		if (live) {
			switch (live.conversion.life.state) {
				case 'reserved':
					this.#isShared = true
					return { outcome: 'pending', document: live.document }
				case 'kept':
					return { outcome: 'existing', document: live.document, ...this.#changed(live, isolate) }
				case 'erased':
				case 'forgotten':
					return { outcome: 'gone' }
			}
		}
		this.#store.reserve(document)
		this.#live = { document, conversion: reserved(document.createdAt) }
		this.#attend(Date.now())
		return { outcome: 'reserved' }
	}

	/**
	 * The file is here, so the document is; with `start` its conversion begins in the same transaction.
	 *
	 * @param reservedAt when the place was reserved that this upload has: a file that came for another may be deleted
	 */
	create(
		reservedAt: number,
		start: Start | null,
		isolate = '',
	): ({ outcome: 'created' | 'existing' } & Changed) | { outcome: 'gone' } {
		const live = this.#live
		if (live?.document.createdAt !== reservedAt) return { outcome: 'gone' }
		const { outcome } = this.#apply({ type: 'create', start })
		return outcome === 'gone' ? { outcome } : { outcome, ...this.#changed(live, isolate) }
	}

	/** As far as its owner may see it: itself, or which generation of its `externalId` came after it. */
	find(
		caller: Caller,
		isolate = '',
	):
		| ({ outcome: 'found'; document: DocumentRecord } & Changed)
		| { outcome: 'succeeded'; generation: number }
		| NotFound {
		const live = this.#accessible(caller, 'read')
		if (live) return { outcome: 'found', document: live.document, ...this.#changed(live, isolate) }
		const life = this.#live?.conversion.life
		if (life?.state !== 'erased' || life.successor === 0) return { outcome: 'not_found' }
		return { outcome: 'succeeded', generation: life.successor }
	}

	/** Which generation of its `externalId` comes after one that is gone; this is the first, and knows. */
	succeed(after: number): SucceedOutcome {
		return this.#live ? this.#apply({ type: 'succeed', after }) : { outcome: 'gone' }
	}

	/** The upload failed, and whoever sent it was told so. The place stays when the same upload came a second time. */
	abandon(): void {
		if (this.#live && !this.#isShared) this.#apply({ type: 'abandon' })
	}

	document(caller: Caller): { outcome: 'found'; document: DocumentRecord } | NotFound {
		const live = this.#accessible(caller, 'read')
		return live ? { outcome: 'found', document: live.document } : { outcome: 'not_found' }
	}

	status(caller: Caller): { outcome: 'found'; snapshot: Snapshot } | NotFound {
		const live = this.#accessible(caller, 'read')
		return live ? { outcome: 'found', snapshot: this.#snapshot(live) } : { outcome: 'not_found' }
	}

	/** How it stands, for everybody who asks this isolate: it may show the answer to others for a while. */
	look(isolate: string): Look {
		const live = this.#live
		switch (live?.conversion.life.state) {
			case undefined:
			case 'reserved':
			case 'forgotten':
				return { outcome: 'unknown' }
			case 'erased':
				return { outcome: 'erased' }
			case 'kept':
				this.#looks = looked(this.#looks, isolate, Date.now())
				return this.#look(this.#existing())
		}
	}

	/**
	 * Starts, retries or cancels.
	 *
	 * @param request given when the same command may come again
	 * @param isolate through which it came
	 */
	command(caller: Caller, command: Command, request: KeyedRequest | null, isolate = ''): CommandAnswer {
		const live = this.#accessible(caller, 'manage')
		if (!live) return { outcome: 'not_found' }
		const now = Date.now()
		if (request) {
			const repeated = repetition(this.#store.answer(request.key), request, now)
			if (repeated.kind === 'key_reused') return { outcome: 'key_reused' }
			if (repeated.kind === 'repeated') {
				return { outcome: repeated.answer.outcome, ...this.#changed(live, isolate), snapshot: repeated.answer.snapshot }
			}
		}
		const { outcome } = this.#apply<Command>(command)
		switch (outcome) {
			case 'gone':
				return { outcome: 'not_found' }
			case 'active':
			case 'nothing_to_retry':
			case 'options_differ':
				return { outcome }
			case 'accepted':
			case 'existing':
			case 'cancelled':
			case 'unchanged': {
				const changed = this.#changed(live, isolate)
				const { snapshot } = changed
				// In the same turn as what the command did, so both are kept or neither.
				if (request) {
					this.#store.saveAnswer(request.key, { fingerprint: request.fingerprint, outcome, snapshot }, now)
				}
				return { outcome, ...changed }
			}
		}
	}

	/** Erases the document with all that was made of it. @param isolate through which that came */
	erase(caller: Caller, isolate = ''): EraseAnswer {
		const live = this.#accessible(caller, 'manage')
		if (!live) return { outcome: 'not_found' }
		const tombstone = { ...live.document, name: '', externalId: null, metadata: null, uploadKey: null }
		this.#apply({ type: 'erase' }, () => {
			this.#store.bury(tombstone)
			live.document = tombstone
		})
		this.#sockets.dismiss()
		return { outcome: 'erased', shownElsewhereFor: shownElsewhereFor(this.#looks, isolate, Date.now()) }
	}

	/** The pages of a job: the one asked for, else the newest completed one, else what the first has so far. */
	pages(caller: Caller, jobId: string | null): PageView | NotFound | { outcome: 'not_converted' } {
		const live = this.#accessible(caller, 'read')
		if (!live) return { outcome: 'not_found' }
		const shown = jobId === null ? (this.#store.completedJob() ?? live.conversion) : this.#store.job(jobId)
		const numbers = shown && packNumbers(shown)
		if (!shown?.job || !numbers) return { outcome: 'not_converted' }
		const packs = this.#store.packs(numbers)
		// The pages of a job that others have taken the place of are deleted after a while.
		if (packs.length === 0 && shown.job.ready.length > 0) return { outcome: 'not_converted' }
		return {
			outcome: 'found',
			jobId: shown.job.id,
			totalPages: shown.job.totalPages,
			packs,
			failedPages: shown.job.failedPages.map(({ page }) => page),
		}
	}

	/**
	 * The document's conversions, newest first.
	 *
	 * @param before only those with a lower number; null for all
	 * @param limit the most that are given
	 */
	conversions(
		caller: Caller,
		before: number | null,
		limit: number,
	): { outcome: 'found'; items: PastConversion[]; next: number | null } | NotFound {
		const live = this.#accessible(caller, 'read')
		if (!live) return { outcome: 'not_found' }
		const { conversion } = live
		const jobs = this.#store
			.jobsBefore(before ?? conversion.number + 1, limit + 1)
			// Of the current one memory knows more than its row.
			.map((each) => (each.number === conversion.number ? conversion : each))
		const shown = jobs.slice(0, limit)
		const next = jobs.length > limit ? (shown.at(-1)?.number ?? null) : null
		return { outcome: 'found', items: shown.flatMap((each) => pastOf(each) ?? []), next }
	}

	ticket(caller: Caller): { outcome: 'issued'; ticket: string; expiresAt: number } | NotFound {
		if (!this.#accessible(caller, 'read')) return { outcome: 'not_found' }
		return { outcome: 'issued', ...this.#sockets.issueTicket(caller, Date.now()) }
	}

	/**
	 * Opens a progress socket. Only the API Worker calls this, with headers that it made itself: `x-platen-ticket`, or
	 * `x-platen-caller` for a caller whose token it has checked.
	 */
	override async fetch(request: Request): Promise<Response> {
		const ticket = request.headers.get('x-platen-ticket')
		if (ticket !== null) {
			const isKept = this.#live?.conversion.life.state === 'kept'
			const redeemed = isKept && this.#sockets.redeem(ticket, Date.now())
			return redeemed ? this.#watch(redeemed.exp) : new Response(null, { status: 401 })
		}
		const caller = claimsSchema.safeParse(JSON.parse(request.headers.get('x-platen-caller') ?? 'null'))
		if (!caller.success || !this.#accessible(caller.data, 'read')) return new Response(null, { status: 404 })
		return this.#watch(caller.data.exp)
	}

	override webSocketMessage(socket: WebSocket): void {
		this.#sockets.refuse(socket)
	}

	/** A client that closes waits for our word before it lets go. */
	override webSocketClose(socket: WebSocket): void {
		socket.close()
		if (!this.#sockets.isWatched(socket)) this.#doing = { ...this.#doing, watchers: 'none' }
	}

	/** The lineup says where the document's job stands now. @returns whether somebody still looks on */
	placed(jobId: string, place: Place): boolean {
		if (this.#live) this.#apply({ type: 'placed', jobId, place })
		return this.#sockets.isWatched()
	}

	/**
	 * Hands out some pages of a job to a converter; `gone` says that this job is not, or no longer, the current one.
	 *
	 * @param formats what the converter can convert, here and below: nobody else has a say in a document's conversion
	 */
	lease(
		jobId: string,
		formats: readonly string[] = BUILT_IN_FORMATS,
	): { outcome: 'leased'; lease: SealedLease } | { outcome: 'nothing' } | { outcome: 'gone' } {
		const live = this.#live
		if (live?.conversion.life.state !== 'kept' || live.conversion.job?.id !== jobId) return { outcome: 'gone' }
		const isFor = formats.includes(formatIn(live))
		const lease = isFor ? this.#leaseOf(live, jobId, this.#apply({ type: 'lease', jobId })) : null
		if (lease) return { outcome: 'leased', lease }
		// Whoever asked in vain came by an old word of ours, so the lineup gets a new one.
		if (!this.#doing.lineup) this.#perform({ type: 'tellLineup', want: wantOf(live.conversion, Date.now()) })
		return { outcome: 'nothing' }
	}

	/** Whether a fence is that of a current lease: what may see the source. */
	holds(fence: number, formats: readonly string[] = BUILT_IN_FORMATS): boolean {
		return this.#held(fence, formats) !== null
	}

	/** What a current lease is about; null when it is none, or not for this converter. */
	held(fence: number, formats: readonly string[]): Held | null {
		return this.#held(fence, formats)
	}

	opened({ fence, pageCount }: Opened, formats = BUILT_IN_FORMATS): Verdict {
		return this.#verdict({ type: 'opened', fence, pageCount }, formats)
	}

	report({ fence, rendered }: Report, formats = BUILT_IN_FORMATS): Verdict {
		return this.#verdict({ type: 'report', fence, rendered }, formats)
	}

	fail({ fence, code }: Fail, formats = BUILT_IN_FORMATS): Verdict {
		return this.#verdict({ type: 'fail', fence, code, random: Math.random() }, formats)
	}

	/** The pack is stored already; with this its pages are the document's. `gone`: nobody will ever look for it. */
	finish(finish: Finish, formats = BUILT_IN_FORMATS): SealedFinished {
		const live = this.#live
		if (!live) return { verdict: 'gone' }
		if (!formats.includes(formatIn(live))) return { verdict: 'stop' }
		const jobId = live.conversion.job?.id
		if (!jobId) return { verdict: 'stop' }
		const { fence, pack } = finish
		// The same finish again, because its answer was lost, is as good as the first.
		if (pack !== null && this.#store.packDigest(fence) === pack.digest) {
			const next = finish.more ? this.#leaseOf(live, jobId, this.#apply({ type: 'lease', jobId })) : null
			return { verdict: 'go on', next }
		}
		const event = {
			type: 'finish',
			fence,
			through: finish.through,
			failed: finish.failed,
			converted: pack?.index.pages.map(({ page }) => page) ?? [],
			more: finish.more,
		} as const
		const outcome = this.#apply(event, ({ outcome }) => {
			if (pack && outcome !== 'stale') {
				this.#store.savePack(live.conversion.number, fence, pack.digest, pack.index)
			}
		})
		switch (outcome.outcome) {
			case 'stale':
				return { verdict: 'stop' }
			case 'yield':
				return { verdict: 'yield' }
			case 'accepted':
				return { verdict: 'go on', next: outcome.next && this.#leaseFrom(live, jobId, outcome.next) }
		}
	}

	/** Looks after what is owed, as the alarm does; for when the alarm was lost. */
	poke(): void {
		if (this.#live) this.#apply({ type: 'tick', random: Math.random() })
	}

	override async alarm(): Promise<void> {
		try {
			// Null, unless it was set anew while this object came back to life.
			this.#doing = { ...this.#doing, alarmAt: await this.ctx.storage.getAlarm() }
			this.poke()
		} catch (error) {
			// An alarm that throws too often is gone for good, so none ever does.
			console.error('The alarm of a document failed', { documentId: this.ctx.id.name, error: errorText(error) })
			const at = Date.now() + ALARM_AFTER_ERROR
			this.#doing = { ...this.#doing, alarmAt: at }
			await this.ctx.storage.setAlarm(at)
		}
	}

	/**
	 * @param alongside is written in the same transaction, when the event is written at all
	 */
	#apply<E extends Event>(event: E, alongside?: (outcome: OutcomeOf<E>) => void): OutcomeOf<E> {
		const live = this.#existing()
		const now = Date.now()
		const step = transition(live.conversion, event, now)
		if (step.write) {
			this.ctx.storage.transactionSync(() => {
				if (step.closed) this.#store.saveJob(step.closed)
				this.#store.saveJob(step.conversion)
				alongside?.(step.outcome)
			})
		}
		// Memory follows only what was written: a failed transaction has thrown above.
		const givenUp = step.conversion.calls.dropped - live.conversion.calls.dropped
		live.conversion = step.conversion
		if (givenUp > 0) {
			const details = { code: 'webhook_given_up', documentId: live.document.id, events: givenUp }
			console.warn('A webhook could not be told', details)
		}
		if (step.visible && live.conversion.life.state === 'kept') this.#sockets.publish(now)
		this.#attend(now)
		return step.outcome
	}

	/** Opens a progress socket; the lineup hears that somebody looks on, when the job waits there. */
	#watch(exp: number): Response {
		const response = this.#sockets.accept(exp, Date.now())
		if (this.#doing.watchers === 'none') this.#doing = { ...this.#doing, watchers: 'new' }
		this.#attend(Date.now())
		return response
	}

	/** Sees to what is owed. */
	#attend(now: number): void {
		for (const effect of owed(this.#existing().conversion, this.#doing, now)) this.#perform(effect)
	}

	/** Nobody waits for what is told to others: the answer is the next event. */
	#perform(effect: Effect): void {
		this.#doing = begun(this.#doing, effect)
		switch (effect.type) {
			case 'tellLineup':
				this.ctx.waitUntil(this.#tellLineup(effect.want))
				break
			case 'tellHistory':
				this.ctx.waitUntil(this.#tellHistory())
				break
			case 'sweep':
				this.ctx.waitUntil(this.#sweep())
				break
			case 'callWebhook':
				this.ctx.waitUntil(this.#callWebhook(effect.calls))
				break
			case 'forget':
				this.#forget()
				break
			case 'setAlarm':
				// In the same turn as the rows that made it due, so both are kept or neither.
				this.ctx.waitUntil(this.ctx.storage.setAlarm(effect.at))
		}
	}

	async #tellLineup(want: number): Promise<void> {
		const { document, conversion } = this.#existing()
		const { job } = conversion
		if (!job) return
		const word: Want = {
			documentId: document.id,
			jobId: job.id,
			owner: ownerKey(document.owner),
			priority: job.priority,
			format: formatIn(this.#existing()),
			want,
			firstPageOut: job.ready.length > 0,
			// What is wanted follows from rows and time, so what only memory knows is no newer word.
			seq: conversion.sequence * TICKS_PER_SEQUENCE,
			watched: this.#sockets.isWatched(),
		}
		let place: Place | null = null
		const answered = await this.#attempt(LINEUP_DEADLINE, 'The lineup could not be told', async () => {
			// An older lineup says nothing.
			place = placeSchema.nullish().parse(await lineupOf(this.env).want(word)) ?? null
		})
		this.#doing = { ...this.#doing, lineup: false }
		if (this.#live) this.#apply({ type: 'wantTold', jobId: job.id, want, answered, place })
	}

	async #tellHistory(): Promise<void> {
		const { document, conversion } = this.#existing()
		const { sequence, number, told } = conversion
		let hasWebhook = false
		const answered = await this.#attempt(HISTORY_DEADLINE, 'The history could not be told', async () => {
			const jobs = [...this.#store.endedSince(told.history, number), conversion]
			const answer = await new DocumentHistory(this.env.HISTORY).record(document, jobs)
			hasWebhook = answer.hasWebhook
		})
		this.#doing = { ...this.#doing, history: false }
		if (!this.#live) return
		if (answered) this.#apply({ type: 'historyTold', sequence, answered, hasWebhook })
		else this.#apply({ type: 'historyTold', sequence, answered })
	}

	async #callWebhook(calls: readonly Call[]): Promise<void> {
		const { document, conversion } = this.#existing()
		let delivery = missed(calls)
		await this.#attempt(WEBHOOK_DEADLINE, 'The webhook could not be called', async () => {
			const jobOf = (number: number) => (number === conversion.number ? conversion : this.#store.jobNumbered(number))
			delivery = await deliver(this.env, document, calls, jobOf)
		})
		this.#doing = { ...this.#doing, webhook: false }
		if (this.#live) this.#apply({ type: 'called', ...delivery, random: Math.random() })
	}

	async #sweep(): Promise<void> {
		const { document, conversion } = this.#existing()
		const { life, sweepAt: due, fence: through } = conversion
		let fences: number[] = []
		const answered = await this.#attempt(SWEEP_DEADLINE, 'What nobody refers to could not be deleted', async () => {
			fences = unreferencedFences(conversion, this.#store.completedJob(), this.#store.packReferences())
			const keys = fences.map((fence) => packKey(document.id, fence))
			if (life.state !== 'kept') keys.push(sourceKey(document.id))
			for (let first = 0; first < keys.length; first += DELETED_AT_ONCE) {
				await this.env.FILES.delete(keys.slice(first, first + DELETED_AT_ONCE))
			}
		})
		this.#doing = { ...this.#doing, sweep: false }
		if (!this.#live) return
		this.#apply({ type: 'swept', due, through, answered }, () => this.#store.deletePacks(fences))
	}

	/** Nothing is left but what a guessed id has: nothing. */
	#forget(): void {
		this.#live = null
		this.#doing = idle
		// The alarm goes with it.
		this.ctx.waitUntil(this.ctx.storage.deleteAll())
	}

	/** Whether all that was asked was done; why not is for the log. */
	async #attempt(milliseconds: number, complaint: string, ask: () => Promise<unknown>): Promise<boolean> {
		try {
			await within(milliseconds, ask())
			return true
		} catch (error) {
			console.warn(complaint, { documentId: this.#live?.document.id, error: errorText(error) })
			return false
		}
	}

	#verdict(event: Extract<Event, { type: 'opened' | 'report' | 'fail' }>, formats: readonly string[]): Verdict {
		if (!this.#live || !formats.includes(formatIn(this.#live))) return 'stop'
		return this.#apply(event).outcome === 'current' ? 'go on' : 'stop'
	}

	#held(fence: number, formats: readonly string[]): Held | null {
		const live = this.#live
		const job = live?.conversion.job
		const chunk = job?.chunks.find((each) => each.state === 'leased' && each.fence === fence)
		if (!live || !job || !chunk || !formats.includes(formatIn(live))) return null
		return { pages: chunk.pages, pageCount: job.pageCount }
	}

	#leaseOf(live: Live, jobId: string, outcome: LeaseOutcome): SealedLease | null {
		return outcome.outcome === 'leased' ? this.#leaseFrom(live, jobId, outcome.grant) : null
	}

	#leaseFrom({ document }: Live, jobId: string, grant: Grant): SealedLease {
		const source = { size: document.size, contentType: document.contentType }
		return { documentId: document.id, jobId, ...grant, source }
	}

	#accessible(caller: Caller, access: Access): Live | null {
		const live = this.#live
		if (live?.conversion.life.state !== 'kept') return null
		return mayAccess(caller, live.document.id, live.document.owner, access) ? live : null
	}

	#look(live: Live): Look {
		const snapshot = this.#snapshot(live)
		// The first job is the only one, so its row need not be looked for.
		const { status, jobId, version } = snapshot
		const newest = status === 'completed' ? jobId : null
		const served = newest ?? (live.conversion.number > 1 ? (this.#store.completedJob()?.job?.id ?? null) : null)
		return { outcome: 'found', owner: live.document.owner, version, status, text: JSON.stringify(snapshot), served }
	}

	#changed(live: Live, isolate: string): Changed {
		const snapshot = this.#snapshot(live)
		return { snapshot, shownElsewhereFor: shownElsewhereFor(this.#looks, isolate, Date.now()) }
	}

	#snapshot({ document, conversion }: Live): Snapshot {
		return snapshotOf(document, conversion)
	}

	#existing(): Live {
		if (!this.#live) throw new Error('The document was never created')
		return this.#live
	}
}
