/** What others have answered, so that what they have not is told again. */
import type { Event, Ruling } from '../event.ts'
import { type Conversion, isActive } from '../job.ts'
import { bookkeeping, unchanged } from './ruling.ts'

type Of<T extends Event['type']> = Extract<Event, { type: T }>

export function wantTold(conversion: Conversion, event: Of<'wantTold'>, now: number): Ruling<null> {
	const { told, job } = conversion
	// What was said of a job says nothing of the one that took its place.
	if (job?.id !== event.jobId) return unchanged(null)
	if (!event.answered) {
		const missed = { ...told, wantAt: now, wantMisses: told.wantMisses + 1 }
		return bookkeeping({ ...conversion, told: missed }, null, false)
	}
	// A running job writes often enough; one that has ended must remember that nobody waits for it.
	const durable = !isActive(job)
	return bookkeeping({ ...conversion, told: { ...told, want: event.want, wantAt: now, wantMisses: 0 } }, null, durable)
}

export function historyTold(conversion: Conversion, event: Of<'historyTold'>, now: number): Ruling<null> {
	const { told } = conversion
	if (!event.answered) {
		const missed = { ...told, historyAt: now, historyMisses: told.historyMisses + 1 }
		return bookkeeping({ ...conversion, told: missed }, null, false)
	}
	const history = Math.max(told.history, event.sequence)
	const answered = { ...told, history, historyAt: now, historyMisses: 0 }
	return bookkeeping({ ...conversion, told: answered }, null, !isActive(conversion.job))
}
