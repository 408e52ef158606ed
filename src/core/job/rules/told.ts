/** What others have answered, so that what they have not is told again. */
import type { Place } from '../../lineup/entry.ts'
import type { Event, Ruling } from '../event.ts'
import { type Conversion, isActive, type Job } from '../job.ts'
import { wanted } from './called.ts'
import { bookkeeping, progressed, unchanged } from './ruling.ts'

/** An estimate that is off by less is as good as another. Milliseconds. */
const SAID_WELL_ENOUGH = 1_000

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
	const answered = { ...conversion, told: { ...told, want: event.want, wantAt: now, wantMisses: 0 } }
	const next = placedAt(job, event.place, now)
	return next === job ? bookkeeping(answered, null, durable) : progressed(answered, next, null)
}

export function placed(conversion: Conversion, { jobId, place }: Of<'placed'>, now: number): Ruling<null> {
	const { job } = conversion
	if (job?.id !== jobId) return unchanged(null)
	const next = placedAt(job, place, now)
	return next === job ? unchanged(null) : progressed(conversion, next, null)
}

/** The job with its place in the lineup. */
function placedAt(job: Job, place: Place | null, now: number): Job {
	if (!isActive(job) || (place === null && job.place === null)) return job
	// What was said still holds, so nobody has to hear of it.
	if (place && job.place && isAsSaid(job.place, place, now)) return job
	return { ...job, place: place && { ...place, at: now } }
}

/** A wait that ends when it was said to end has not changed. */
function isAsSaid(said: NonNullable<Job['place']>, place: Place, now: number): boolean {
	if (said.position !== place.position || said.isPaused !== place.isPaused) return false
	if (said.wait === null || place.wait === null) return said.wait === place.wait
	return Math.abs(said.at + said.wait - (now + place.wait)) < SAID_WELL_ENOUGH
}

export function historyTold(conversion: Conversion, event: Of<'historyTold'>, now: number): Ruling<null> {
	const { told } = conversion
	if (!event.answered) {
		const missed = { ...told, historyAt: now, historyMisses: told.historyMisses + 1 }
		return bookkeeping({ ...conversion, told: missed }, null, false)
	}
	const history = Math.max(told.history, event.sequence)
	const answered = { ...told, history, historyAt: now, historyMisses: 0 }
	const next = { ...conversion, told: answered }
	return bookkeeping({ ...next, calls: wanted(next, event.hasWebhook) }, null, !isActive(conversion.job))
}
