/** What is said of a conversion: headline, reasons, facts. */
import { type FailureCode, failure, isAboutPassword } from '../../core/failure.ts'
import { formatRanges } from '../../core/pages.ts'
import { isSettled, type Snapshot } from '../../core/snapshot.ts'
import { formatCount, formatDuration } from '../format.ts'

/** More stretches of pages than that are counted instead of named. */
const NAMED = 6

/** Whether the document's password is all that is missing. */
export function isLocked({ status, failure: reason }: Snapshot): boolean {
	return status === 'failed' && reason !== null && isAboutPassword(reason.code)
}

export function headlineOf(snapshot: Snapshot): string {
	if (isLocked(snapshot)) return 'A password is needed'
	if (snapshot.status === 'failed') return 'The document could not be converted'
	if (snapshot.status === 'cancelled') return 'The conversion was cancelled'
	return snapshot.message
}

/**
 * What there is to know about how it ended, in sentences.
 *
 * @param readyCount pages that are ready
 * @param degradedPages those of them that are incomplete
 */
export function remarksOf(snapshot: Snapshot, readyCount: number, degradedPages: readonly number[]): string[] {
	const remarks: string[] = []
	if (snapshot.status === 'failed') remarks.push(snapshot.failure?.message ?? snapshot.message)
	if ((snapshot.status === 'failed' || snapshot.status === 'cancelled') && readyCount > 0) {
		const stay =
			readyCount === 1 ? '1 page is ready and stays' : `${formatCount(readyCount, 'page')} are ready and stay`
		remarks.push(isLocked(snapshot) ? `${stay}.` : `${stay}. Trying again goes on with the others.`)
	}
	if (snapshot.status === 'completed') remarks.push(...failuresOf(snapshot))
	if (isSettled(snapshot.status) && degradedPages.length > 0) {
		const [are, their] = degradedPages.length === 1 ? ['is', 'its'] : ['are', 'their']
		remarks.push(`${namePages(degradedPages)} ${are} incomplete: some of ${their} images had to be left out.`)
	}
	return remarks
}

/** Which pages failed for which reason, one sentence each. */
function failuresOf({ failedPages, failedPageCount }: Snapshot): string[] {
	const byCode = new Map<FailureCode, number[]>()
	for (const { page, code } of failedPages) byCode.set(code, [...(byCode.get(code) ?? []), page])
	const named = [...byCode].map(([code, pages]) => {
		// Written for a document in place of which there is nothing, this one would say the wrong thing of a page.
		const reason = code === 'invalid_document' ? 'The file is damaged there.' : failure(code).message
		return `${namePages(pages)} could not be converted. ${reason}`
	})
	const more = failedPageCount - failedPages.length
	return more > 0 ? [...named, `${formatCount(more, 'more page')} could not be converted.`] : named
}

/** @example namePages([3, 7, 8, 9]) // "Pages 3 and 7–9" */
export function namePages(pages: readonly number[]): string {
	const ranges = formatRanges(pages.map((page) => ({ first: page, last: page })))
	const names = ranges.split(',').map((range) => range.replace('-', '–'))
	if (names.length > NAMED) return formatCount(pages.length, 'page')
	const last = names.pop()
	return `${pages.length === 1 ? 'Page' : 'Pages'} ${names.length > 0 ? `${names.join(', ')} and ${last}` : last}`
}

export function factsOf(snapshot: Snapshot): string[] {
	const facts: string[] = []
	const { status, totalPages, failedPageCount, estimatedTimeRemaining, queuePosition, retryCount } = snapshot
	if (totalPages !== null) {
		const done = status === 'completed' ? totalPages - failedPageCount : snapshot.processedPages
		const count = formatCount(totalPages, 'page')
		facts.push(done === totalPages && status === 'completed' ? count : `${done.toLocaleString('en')} of ${count}`)
	}
	// Of a completed one it is said already.
	if (failedPageCount > 0 && totalPages !== null && status !== 'completed') {
		facts.push(`${failedPageCount.toLocaleString('en')} could not be converted`)
	}
	if (status === 'queued' && queuePosition !== null) facts.push(`number ${queuePosition} in line`)
	// While it waits for the next try, that is what there is to say.
	if (retryCount > 0 && !isWaitingToRetry(snapshot)) {
		facts.push(retryCount === 1 ? 'tried again once' : `tried again ${retryCount} times`)
	}
	if (!isSettled(status) && estimatedTimeRemaining !== null) {
		facts.push(
			`about ${formatDuration(Math.max(1_000, Math.round(estimatedTimeRemaining / 1000) * 1000)).replace('.0', '')} left`,
		)
	}
	if (status === 'completed' && snapshot.createdAt && snapshot.completedAt) {
		facts.push(`converted in ${formatDuration(Date.parse(snapshot.completedAt) - Date.parse(snapshot.createdAt))}`)
	}
	return facts
}

export function isWaitingToRetry({ status, nextRetryAt }: Snapshot): boolean {
	return nextRetryAt !== null && !isSettled(status)
}

/** What is said aloud changes with the stage, not with every page. */
export function spokenOf(snapshot: Snapshot): string {
	if (snapshot.status === 'failed') return `${headlineOf(snapshot)}. ${snapshot.failure?.message ?? ''}`
	if (snapshot.status === 'completed' && snapshot.totalPages !== null) {
		return `${snapshot.message}: ${formatCount(snapshot.totalPages - snapshot.failedPageCount, 'page')}.`
	}
	return headlineOf(snapshot)
}
