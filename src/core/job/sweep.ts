/** Which of a document's objects in R2 nobody refers to: read off what it keeps, since nothing is ever listed. */
import { type Conversion, packNumbers } from './job.ts'

/** A pack that was accepted: the fence that names it, and the number of the job it belongs to. */
export interface PackReference {
	fence: number
	job: number
}

/**
 * The fences whose packs, if there are any, can be deleted: those of neither the current job nor the served one.
 *
 * @param served the document's newest completed job, whose pages are shown
 * @param packs all that were accepted and are not deleted
 */
export function unreferencedFences(
	conversion: Conversion,
	served: Pick<Conversion, 'number' | 'job'> | null,
	packs: readonly PackReference[],
): number[] {
	const { life, fence, sweptThrough } = conversion
	if (life.state !== 'kept') return fencesAfter(0, fence)
	const kept = [packNumbers(conversion), served && packNumbers(served)].filter((range) => range !== null)
	const superfluous = packs.filter(({ job }) => !kept.some(({ from, to }) => from <= job && job <= to))
	// Under a fence that came to nothing a pack may lie all the same.
	const accepted = new Set(packs.map((pack) => pack.fence))
	const loose = fencesAfter(sweptThrough, fence).filter((each) => !accepted.has(each))
	return [...superfluous.map((pack) => pack.fence), ...loose]
}

function fencesAfter(from: number, to: number): number[] {
	return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + 1 + index)
}
