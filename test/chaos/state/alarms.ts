/** I9: whoever has something to do is woken. */
import type { Violation } from '../violation.ts'
import { activeJobOf, currentOf, type StoredDocument } from './document.ts'

/** What is wrong with the alarms of a service that was killed. */
export function missingAlarms(documents: readonly StoredDocument[]): Violation[] {
	return documents.flatMap((document): Violation[] => {
		const { id, alarm } = document
		const owed = owedBy(document)
		if (owed === null) return []
		if (alarm.written === null) {
			return [{ kind: 'alarm missing', text: `document ${id} ${owed}, and has set no alarm` }]
		}
		if (alarm.armed === null || alarm.armed > alarm.written) {
			const armed = alarm.armed === null ? 'not at all' : `at ${alarm.armed}`
			const text = `document ${id} ${owed}, wants to be rung at ${alarm.written} and will be ${armed}`
			return [{ kind: 'alarm missing', text }]
		}
		return []
	})
}

/** Why a document has to be woken; null when it may sleep for good. */
function owedBy(document: StoredDocument): string | null {
	const current = currentOf(document)
	if (!current) return 'is reserved'
	const job = activeJobOf(document)
	if (job) return `is ${job.phase.status} at sequence ${current.sequence}`
	if (current.sweepAt !== null) return 'has packs that are to be deleted'
	if (current.milestone > current.told.history) return `has told the history up to ${current.told.history} only`
	return current.life.state === 'erased' ? 'is a tombstone that is to go one day' : null
}
