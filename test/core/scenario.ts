/** A conversion driven through events, with a clock that only moves when told. */
import type { Event, OutcomeOf } from '../../src/core/job/event.ts'
import { type Conversion, reserved, versionOf } from '../../src/core/job/job.ts'
import { transition } from '../../src/core/job/transition.ts'
import { snapshotOf } from '../../src/core/job/view.ts'

export const START = {
	type: 'start',
	jobId: 'job-1',
	priority: 'normal',
	maxPriority: 'urgent',
	maxRetries: 3,
	retryPolicy: { baseDelay: 1_000, maxDelay: 30_000 },
	options: { quality: 'medium' },
	onActive: 'return',
	forceReconvert: false,
} as const satisfies Event

export class Scenario {
	now = 1_000_000
	conversion: Conversion = transition(reserved(this.now), { type: 'create', start: null }, this.now).conversion
	/** What a crash would leave behind. */
	saved: Conversion = this.conversion
	/** The job that the current one took the place of, as it was written down. */
	closed: Conversion | null = null
	writes = 0

	do<E extends Event>(event: E): OutcomeOf<E> {
		const step = transition(this.conversion, event, this.now)
		this.conversion = step.conversion
		if (step.write) {
			this.saved = step.conversion
			this.closed = step.closed ?? this.closed
			this.writes += 1
		}
		return step.outcome
	}

	after(milliseconds: number): this {
		this.now += milliseconds
		return this
	}

	/** The object is gone and comes back with its rows. */
	crash(): this {
		this.conversion = this.saved
		this.do({ type: 'woken' })
		return this
	}

	snapshot() {
		return snapshotOf({ id: 'document-1', externalId: null }, this.conversion)
	}

	version(): number {
		return versionOf(this.conversion)
	}

	/** The fence of a new lease. */
	lease(): number {
		const outcome = this.do({ type: 'lease', jobId: this.conversion.job?.id ?? '' })
		if (outcome.outcome !== 'leased') throw new Error('there was nothing to lease')
		return outcome.grant.fence
	}

	/** Finishes a lease with all of its pages, or up to `through`. */
	finish(
		fence: number,
		{ through, failed = [], more = false }: { through?: number; failed?: number[]; more?: boolean } = {},
	) {
		const chunk = this.conversion.job?.chunks.find(
			(candidate) => candidate.state === 'leased' && candidate.fence === fence,
		)
		const first = chunk?.pages.first ?? 1
		const last = through ?? chunk?.pages.last ?? 1
		const pages = Array.from({ length: last - first + 1 }, (_, index) => first + index)
		return this.do({
			type: 'finish',
			fence,
			through: last,
			converted: pages.filter((page) => !failed.includes(page)),
			failed: failed.map((page) => ({ page, code: 'internal' }) as const),
			more,
		})
	}
}

/** A job of so many pages whose first page is leased and whose document is open. */
export function opened(pageCount: number): { scenario: Scenario; fence: number } {
	const scenario = new Scenario()
	scenario.do(START)
	const fence = scenario.after(10).lease()
	scenario.after(10).do({ type: 'opened', fence, pageCount })
	return { scenario, fence }
}
