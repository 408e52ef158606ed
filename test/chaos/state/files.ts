/** I10: nothing lies in R2 for good that nobody knows of. */
import type { Violation } from '../violation.ts'
import { currentOf, type StoredConversion, type StoredDocument } from './document.ts'
import type { Stored } from './stored.ts'

export interface FilesFound {
	violations: Violation[]
	/** Objects that nobody refers to and that their document is going to delete. */
	superfluous: number
}

export function lookAtFiles({ documents, files }: Stored): FilesFound {
	const known = new Map(documents.map((document) => [document.id, document]))
	const violations: Violation[] = []
	let superfluous = 0
	for (const { key } of files) {
		const [id = '', name = ''] = key.split('/')
		const document = known.get(id)
		if (!document) {
			violations.push({ kind: 'orphan', text: `${key} belongs to a document that there is not` })
			continue
		}
		// A reservation ends by being looked at: then the file goes or stays, see the check of alarms.
		const current = currentOf(document)
		if (!current || isReferredTo(document, current, name)) continue
		superfluous++
		if (!willBeDeleted(document, current, name)) {
			violations.push({ kind: 'orphan', text: `${key} is referred to by nobody, and nothing will delete it` })
		}
	}
	return { violations, superfluous }
}

function isReferredTo(document: StoredDocument, current: StoredConversion, name: string): boolean {
	if (current.life.state !== 'kept') return false
	if (name === 'source') return true
	const pack = document.packs.find(({ fence }) => fence === fenceOf(name))
	const served = document.conversions.findLast(({ job }) => job?.phase.status === 'completed')
	return [current, served].some((conversion) => {
		if (!pack || !conversion?.job) return false
		return (conversion.job.packsFrom ?? conversion.number) <= pack.job && pack.job <= conversion.number
	})
}

/** Whether the next sweep finds it: one that was accepted once, or lies under a fence that no sweep has come to. */
function willBeDeleted(
	{ packs }: StoredDocument,
	{ sweepAt, sweptThrough, life }: StoredConversion,
	name: string,
): boolean {
	if (sweepAt === null) return false
	if (life.state !== 'kept') return true
	const fence = fenceOf(name)
	return fence > sweptThrough || packs.some((pack) => pack.fence === fence)
}

function fenceOf(name: string): number {
	return Number(/^pack-(\d+)\.zip$/.exec(name)?.[1] ?? Number.NaN)
}
