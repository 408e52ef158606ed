/** A gate without a service behind it: the real rules of `core`, and packs in memory. */
import { createHash } from 'node:crypto'
import type { Gate } from '../../src/converter/gate.ts'
import type { Finish, Finished, Lease, Verdict } from '../../src/core/gate.ts'
import type { Event, Grant } from '../../src/core/job/event.ts'
import { type Conversion, reserved } from '../../src/core/job/job.ts'
import { defaultRetryPolicy } from '../../src/core/job/retry.ts'
import { transition } from '../../src/core/job/transition.ts'
import type { ConversionOptions } from '../../src/core/options.ts'

const DOCUMENT = '00000000-0000-4000-8000-000000000001'
const JOB = '00000000-0000-4000-8000-000000000002'

export class CoreGate implements Gate {
	conversion: Conversion = reserved(0)
	readonly finishes: Finish[] = []
	readonly packs: Uint8Array[] = []
	readonly calls: string[] = []
	/** Answers that get lost on their way back, by the name of the call. */
	readonly lost: string[] = []
	now = 0
	readonly #source: Uint8Array<ArrayBuffer>

	/** @param password in place of a sealed one: who seals is not here */
	constructor(source: Uint8Array, options: ConversionOptions = { quality: 'low' }, password: string | null = null) {
		this.#source = source.slice()
		const start = {
			jobId: JOB,
			priority: 'normal',
			maxPriority: 'urgent',
			maxRetries: 0,
			retryPolicy: defaultRetryPolicy,
			options,
			sealedPassword: password,
			onActive: 'return',
			forceReconvert: false,
		} as const
		this.#apply({ type: 'create', start })
	}

	async ping() {
		return 'pong'
	}
	async handBack() {}
	async leave() {
		this.calls.push('leave')
	}
	async claim() {
		this.calls.push('claim')
		const waits = this.conversion.job?.chunks.some((chunk) => chunk.state === 'waiting')
		return waits ? { documentId: DOCUMENT, jobId: JOB } : null
	}
	async lease() {
		this.calls.push('lease')
		const outcome = this.#apply({ type: 'lease', jobId: JOB })
		return outcome.outcome === 'leased' ? this.#leaseOf(outcome.grant) : null
	}
	async source() {
		this.calls.push('source')
		return new Response(this.#source).body
	}
	async opened({ fence, pageCount }: { fence: number; pageCount: number }) {
		return this.#verdict({ type: 'opened', fence, pageCount })
	}
	async report({ fence, rendered }: { fence: number; rendered: number }) {
		this.calls.push('report')
		return this.#verdict({ type: 'report', fence, rendered })
	}
	async fail({ fence, code }: Parameters<Gate['fail']>[0]) {
		this.calls.push(`fail ${code}`)
		return this.#verdict({ type: 'fail', fence, code, random: 0 })
	}
	async finish(finish: Finish, body: ReadableStream<Uint8Array> | null): Promise<Finished> {
		this.calls.push('finish')
		const bytes = new Uint8Array(await new Response(body).arrayBuffer())
		const digest = createHash('sha256').update(bytes).digest('hex')
		if (finish.pack && (finish.pack.digest !== digest || finish.pack.length !== bytes.byteLength)) {
			throw new Error('the pack is not what it says')
		}
		if (this.finishes.some((earlier) => earlier.fence === finish.fence)) return { verdict: 'go on', next: null }
		const { fence, through, failed, more } = finish
		const converted = finish.pack?.index.pages.map(({ page }) => page) ?? []
		const outcome = this.#apply({ type: 'finish', fence, through, failed, converted, more })
		if (outcome.outcome === 'stale') return { verdict: 'stop' }
		this.finishes.push(finish)
		this.packs.push(bytes)
		if (this.lost.splice(0, 1).length > 0) throw new Error('the answer was lost')
		if (outcome.outcome === 'yield') return { verdict: 'yield' }
		return { verdict: 'go on', next: outcome.next && this.#leaseOf(outcome.next) }
	}

	/** Somebody tries again, with a password. */
	retry(password: string): void {
		const retry = { jobId: JOB, priority: null, maxPriority: 'urgent', maxRetries: null, options: null } as const
		this.#apply({ type: 'retry', ...retry, sealedPassword: password })
	}

	/** Somebody cancels: whatever a converter says next is too late. */
	cancel(): void {
		this.#apply({ type: 'cancel' })
	}

	#verdict(event: Extract<Event, { type: 'opened' | 'report' | 'fail' }>): Verdict {
		return this.#apply(event).outcome === 'current' ? 'go on' : 'stop'
	}

	#leaseOf(grant: Grant): Lease {
		const source = { size: this.#source.byteLength, contentType: 'application/pdf' }
		const { sealedPassword: password, ...rest } = grant
		return { documentId: DOCUMENT, jobId: JOB, ...rest, source, password }
	}

	#apply<E extends Event>(event: E) {
		const step = transition(this.conversion, event, this.now)
		this.conversion = step.conversion
		return step.outcome
	}
}
