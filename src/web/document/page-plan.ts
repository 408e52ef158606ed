/** Which pages to ask for, and which tiles to show: the arithmetic behind the page grid. */
import { formatRanges, type PageRange, pageNumbers, parseRanges } from '../../core/pages.ts'
import { isSettled, type Snapshot } from '../../core/snapshot.ts'

/** The service takes queries of 2,000 characters; a range has at most 12 with its comma. */
const RANGES_A_QUERY = 150

/**
 * The next pages to ask the manifest for: ready, not had yet, the first ones first.
 *
 * @param readyPages as in a snapshot
 * @param has whether a page is known already
 * @param limit the most pages to ask for at once
 * @returns null when there is nothing to ask for
 */
export function nextPages(readyPages: string, has: (page: number) => boolean, limit: number): string | null {
	const wanted: PageRange[] = []
	let count = 0
	for (const page of pageNumbers(parseRanges(readyPages) ?? [])) {
		if (has(page)) continue
		const last = wanted.at(-1)
		if (last && last.last === page - 1) last.last = page
		else if (wanted.length < RANGES_A_QUERY) wanted.push({ first: page, last: page })
		else break
		if (++count === limit) break
	}
	return count === 0 ? null : formatRanges(wanted)
}

/**
 * The pages that have a place in the grid.
 *
 * A document's pages are 1 to `totalPages`. When only some were chosen for conversion, `totalPages` counts those, and
 * which they are shows only as they get ready.
 */
export function pagesToShow(
	snapshot: Pick<Snapshot, 'status' | 'totalPages' | 'readyPages' | 'failedPages'>,
): number[] {
	if (snapshot.totalPages === null) return []
	const known = [
		...pageNumbers(parseRanges(snapshot.readyPages) ?? []),
		...snapshot.failedPages.map(({ page }) => page),
	].sort((one, other) => one - other)
	const isChoice = (known.at(-1) ?? 0) > snapshot.totalPages
	if (isChoice) return known
	return pageNumbers([{ first: 1, last: snapshot.totalPages }])
}

/** `missing`: the conversion ended before it came to this page. */
export type TileState = 'ready' | 'loading' | 'waiting' | 'failed' | 'missing'

/** How the tile of a page looks that has no picture yet. */
export function stateWithoutPicture(
	page: number,
	snapshot: Pick<Snapshot, 'status'>,
	ready: ReadonlySet<number>,
	failed: ReadonlySet<number>,
): TileState {
	if (ready.has(page)) return 'loading'
	if (failed.has(page)) return 'failed'
	// A snapshot names a hundred failed pages at most; of a completed job, what is not ready has failed as well.
	if (snapshot.status === 'completed') return 'failed'
	return isSettled(snapshot.status) ? 'missing' : 'waiting'
}
