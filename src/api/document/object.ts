/**
 * One document: its owner, its conversion, its watchers. Wiring only: what may happen is decided by the rules in
 * `core/job`, and this class writes it down and tells those who need to know.
 *
 * One way round: event → `transition` → one transaction → effects (lineup, history, sockets) → event.
 * Invariants held here: I2 the object is the only one that changes its document · I8 what is published was written
 * down first, where it must be · I9 an active job has an alarm.
 */
import { DurableObject } from 'cloudflare:workers'
import { type Access, type Caller, claimsSchema, mayAccess } from '../../core/access.ts'
import type { Fail, Finish, Finished, Lease, Opened, Report, Verdict } from '../../core/gate.ts'
import { dueAt, historyIsDue, wantOf, wantToTell } from '../../core/job/due.ts'
import type { Event, Grant, LeaseOutcome, OutcomeOf } from '../../core/job/event.ts'
import { type Conversion, neverConverted, versionOf } from '../../core/job/job.ts'
import { transition } from '../../core/job/transition.ts'
import { snapshotOf } from '../../core/job/view.ts'
import type { ConversionOptions } from '../../core/options.ts'
import type { Priority, Snapshot } from '../../core/snapshot.ts'
import { within } from '../../deadline.ts'
import { errorText } from '../../error-text.ts'
import { DocumentHistory } from '../history/documents.ts'
import { lineupOf } from '../lineup/object.ts'
import { ProgressSockets } from './sockets.ts'
import { type DocumentRecord, DocumentStore, type StoredPack } from './store.ts'

/** How a conversion is to be started. */
export interface Start {
	jobId: string
	priority: Priority
	maxRetries: number
	options: ConversionOptions
	forceReconvert: boolean
}

/** What a caller gets who may not see the document, or asks for one that is not there: both look the same. */
export type NotFound = { outcome: 'not_found' }

/** The pages of one job, as far as they are there. */
export interface PageView {
	outcome: 'found'
	jobId: string
	totalPages: number | null
	packs: StoredPack[]
	failedPages: number[]
}

/** Milliseconds that another object or the database may take to answer. */
const LINEUP_DEADLINE = 5_000
const HISTORY_DEADLINE = 10_000

interface Live {
	document: DocumentRecord
	/** Counts the document's jobs. */
	number: number
	conversion: Conversion
}

export class DocumentObject extends DurableObject<ApiEnv> {
	readonly #store: DocumentStore
	readonly #sockets: ProgressSockets
	#live: Live | null
	/** When the alarm will ring; null when that is not known. */
	#alarmAt: number | null = null
	/** While the alarm works it is not set anew: that happens once, at the end. */
	#inAlarm = false
	#tellingLineup = false
	#tellingHistory = false

	constructor(ctx: DurableObjectState, env: ApiEnv) {
		super(ctx, env)
		this.#store = new DocumentStore(ctx.storage.sql)
		const loaded = this.#store.load()
		this.#live = loaded && { document: loaded.document, ...loaded.current }
		this.#sockets = new ProgressSockets(ctx, () => this.#snapshot(this.#existing()))
		if (this.#live) this.#apply({ type: 'woken' })
	}

	/** Makes the document, once; with `start` its conversion begins in the same transaction. */
	create(document: DocumentRecord, start: Start | null): Snapshot {
		if (this.#live) return this.#snapshot(this.#live)
		const now = Date.now()
		const live: Live = { document, number: 0, conversion: neverConverted(now) }
		this.ctx.storage.transactionSync(() => {
			this.#store.create(document)
			// With a start the job's own row follows in this same turn, and what is written in one turn is written whole.
			if (!start) this.#store.saveJob(live)
		})
		this.#live = live
		if (start) this.#apply({ type: 'start', ...start })
		else this.#attend(now)
		return this.#snapshot(live)
	}

	document(caller: Caller): { outcome: 'found'; document: DocumentRecord } | NotFound {
		const live = this.#accessible(caller, 'read')
		return live ? { outcome: 'found', document: live.document } : { outcome: 'not_found' }
	}

	status(caller: Caller): { outcome: 'found'; snapshot: Snapshot } | NotFound {
		const live = this.#accessible(caller, 'read')
		return live ? { outcome: 'found', snapshot: this.#snapshot(live) } : { outcome: 'not_found' }
	}

	start(caller: Caller, start: Start): { outcome: 'accepted' | 'existing'; snapshot: Snapshot } | NotFound {
		const live = this.#accessible(caller, 'manage')
		if (!live) return { outcome: 'not_found' }
		const { outcome } = this.#apply({ type: 'start', ...start })
		return { outcome, snapshot: this.#snapshot(live) }
	}

	/** The pages of a job: the one asked for, else the newest completed one, else what the first has so far. */
	pages(caller: Caller, jobId: string | null): PageView | NotFound | { outcome: 'not_converted' } {
		const live = this.#accessible(caller, 'read')
		if (!live) return { outcome: 'not_found' }
		const shown = jobId === null ? (this.#store.completedJob() ?? live) : this.#store.job(jobId)
		const { job } = shown?.conversion ?? { job: null }
		if (!shown || !job) return { outcome: 'not_converted' }
		return {
			outcome: 'found',
			jobId: job.id,
			totalPages: job.totalPages,
			packs: this.#store.packs(shown.number),
			failedPages: job.failedPages.map(({ page }) => page),
		}
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
			const redeemed = this.#live && this.#sockets.redeem(ticket, Date.now())
			return redeemed ? this.#sockets.accept(redeemed.exp) : new Response(null, { status: 401 })
		}
		const caller = claimsSchema.safeParse(JSON.parse(request.headers.get('x-platen-caller') ?? 'null'))
		if (!caller.success || !this.#accessible(caller.data, 'read')) return new Response(null, { status: 404 })
		return this.#sockets.accept(caller.data.exp)
	}

	override webSocketMessage(socket: WebSocket): void {
		this.#sockets.refuse(socket)
	}

	/** A client that closes waits for our word before it lets go. */
	override webSocketClose(socket: WebSocket): void {
		socket.close()
	}

	/** Hands out some pages of a job to a converter; `gone` says that this job is not, or no longer, the current one. */
	lease(jobId: string): { outcome: 'leased'; lease: Lease } | { outcome: 'nothing' } | { outcome: 'gone' } {
		const live = this.#live
		if (!live || live.conversion.job?.id !== jobId) return { outcome: 'gone' }
		const lease = this.#leaseOf(live, jobId, this.#apply({ type: 'lease', jobId }))
		if (lease) return { outcome: 'leased', lease }
		// Whoever asked in vain came by an old word of ours, so the lineup gets a new one.
		this.#tellLineup(wantOf(live.conversion, Date.now()))
		return { outcome: 'nothing' }
	}

	/** Whether a fence is that of a current lease: what may see the source. */
	holds(fence: number): boolean {
		const chunks = this.#live?.conversion.job?.chunks ?? []
		return chunks.some((chunk) => chunk.state === 'leased' && chunk.fence === fence)
	}

	opened({ fence, pageCount }: Opened): Verdict {
		return this.#verdict({ type: 'opened', fence, pageCount })
	}

	report({ fence, rendered }: Report): Verdict {
		return this.#verdict({ type: 'report', fence, rendered })
	}

	fail({ fence, code }: Fail): Verdict {
		return this.#verdict({ type: 'fail', fence, code, random: Math.random() })
	}

	/** The pack is stored already; with this its pages are the document's. */
	finish(finish: Finish): Finished {
		const live = this.#live
		const jobId = live?.conversion.job?.id
		if (!live || !jobId) return { verdict: 'stop' }
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
		const outcome = this.#apply(event, () => {
			if (pack) this.#store.savePack(live.number, fence, pack.digest, pack.index)
		})
		if (outcome.outcome === 'stale') return { verdict: 'stop' }
		return { verdict: 'go on', next: outcome.next && this.#leaseFrom(live, jobId, outcome.next) }
	}

	override async alarm(): Promise<void> {
		this.#alarmAt = null
		if (!this.#live) return
		this.#inAlarm = true
		try {
			this.#apply({ type: 'tick', random: Math.random() })
			await this.#tellHistory()
		} catch (error) {
			// An alarm that throws too often is gone for good, so none ever does.
			console.error('The alarm of a document failed', { documentId: this.#live.document.id, error: errorText(error) })
		} finally {
			this.#inAlarm = false
			this.#arm(Date.now())
		}
	}

	/**
	 * @param alongside is written in the same transaction, when the event counts
	 */
	#apply<E extends Event>(event: E, alongside?: () => void): OutcomeOf<E> {
		const live = this.#existing()
		const now = Date.now()
		const step = transition(live.conversion, event, now)
		const isNewJob = step.conversion.job?.id !== live.conversion.job?.id
		const number = isNewJob ? live.number + 1 : live.number
		if (step.write) {
			this.ctx.storage.transactionSync(() => {
				this.#store.saveJob({ number, conversion: step.conversion })
				alongside?.()
			})
		}
		// Memory follows only what was written: a failed transaction has thrown above.
		live.number = number
		live.conversion = step.conversion
		if (step.visible) this.#sockets.publish(now)
		this.#attend(now)
		return step.outcome
	}

	/** Sees to what is owed: the alarm is set, and who must be told is told. */
	#attend(now: number): void {
		this.#arm(now)
		const { conversion } = this.#existing()
		const want = wantToTell(conversion, now)
		if (want !== null) this.#tellLineup(want)
		if (historyIsDue(conversion, now)) this.ctx.waitUntil(this.#tellHistory())
	}

	/** An alarm that rings too early does no harm, and setting it costs a row. */
	#arm(now: number): void {
		if (this.#inAlarm) return
		const due = dueAt(this.#existing().conversion, now)
		if (due === null || (this.#alarmAt !== null && this.#alarmAt <= due)) return
		this.#alarmAt = due
		this.ctx.waitUntil(this.ctx.storage.setAlarm(due))
	}

	#tellLineup(want: number): void {
		const { document, conversion } = this.#existing()
		const { job } = conversion
		if (this.#tellingLineup || !job) return
		this.#tellingLineup = true
		const word = { jobId: job.id, documentId: document.id, priority: job.priority, want, seq: versionOf(conversion) }
		const told = within(LINEUP_DEADLINE, lineupOf(this.env).want(word)).then(
			() => true,
			() => false,
		)
		this.ctx.waitUntil(
			told.then((answered) => {
				this.#tellingLineup = false
				this.#apply({ type: 'wantTold', want, answered })
			}),
		)
	}

	async #tellHistory(): Promise<void> {
		const { document, conversion } = this.#existing()
		if (this.#tellingHistory || !historyIsDue(conversion, Date.now())) return
		this.#tellingHistory = true
		let answered = true
		try {
			await within(HISTORY_DEADLINE, new DocumentHistory(this.env.HISTORY).record(document, conversion))
		} catch (error) {
			answered = false
			console.warn('The history could not be told', { documentId: document.id, error: errorText(error) })
		}
		this.#tellingHistory = false
		this.#apply({ type: 'historyTold', sequence: conversion.sequence, answered })
	}

	#verdict(event: Extract<Event, { type: 'opened' | 'report' | 'fail' }>): Verdict {
		if (!this.#live) return 'stop'
		return this.#apply(event).outcome === 'current' ? 'go on' : 'stop'
	}

	#leaseOf(live: Live, jobId: string, outcome: LeaseOutcome): Lease | null {
		return outcome.outcome === 'leased' ? this.#leaseFrom(live, jobId, outcome.grant) : null
	}

	#leaseFrom({ document }: Live, jobId: string, grant: Grant): Lease {
		const source = { size: document.size, contentType: document.contentType }
		return { documentId: document.id, jobId, ...grant, source }
	}

	#accessible(caller: Caller, access: Access): Live | null {
		const live = this.#live
		return live && mayAccess(caller, live.document.id, live.document.owner, access) ? live : null
	}

	#snapshot({ document, conversion }: Live): Snapshot {
		return snapshotOf(document, conversion)
	}

	#existing(): Live {
		if (!this.#live) throw new Error('The document was never created')
		return this.#live
	}
}

/** The object of a document. */
export function documentOf(env: ApiEnv, documentId: string): DurableObjectStub<DocumentObject> {
	return env.DOCUMENTS.get(env.DOCUMENTS.idFromName(documentId))
}
