/** The forms that a ruling takes. */
import type { Ruling } from '../event.ts'
import type { Conversion, Job } from '../job.ts'

/** How long nobody must have referred to an object before it is deleted: what is under way may still arrive. Milliseconds. */
export const UNREFERENCED_KEPT = 3_600_000

export function unchanged<O>(outcome: O): Ruling<O> {
	return { outcome, change: { kind: 'unchanged' } }
}

export function bookkeeping<O>(conversion: Conversion, outcome: O, durable: boolean): Ruling<O> {
	return { outcome, change: { kind: 'bookkeeping', conversion, durable } }
}

/** The job moved on, and a row must say so. */
export function moved<O>(conversion: Conversion, job: Job, outcome: O): Ruling<O> {
	return { outcome, change: { kind: 'visible', conversion: { ...conversion, job }, durable: true } }
}

/** The job moved on, in memory only. */
export function progressed<O>(conversion: Conversion, job: Job, outcome: O): Ruling<O> {
	return { outcome, change: { kind: 'visible', conversion: { ...conversion, job }, durable: false } }
}

/** Something that the history must have. */
export function milestone<O>(conversion: Conversion, outcome: O, closed?: Conversion): Ruling<O> {
	return {
		outcome,
		change: { kind: 'visible', conversion, durable: true, milestone: true, ...(closed && { closed }) },
	}
}

/** Something may lie in R2 to which nobody refers, or is about to: it is looked for once it cannot be under way any more. */
export function littered(conversion: Conversion, now: number): Conversion {
	return { ...conversion, sweepAt: Math.max(conversion.sweepAt ?? 0, now + UNREFERENCED_KEPT) }
}
