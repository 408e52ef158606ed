/**
 * Page numbers and ranges. Pages are numbered from 1; a range includes both ends.
 */
import { z } from 'zod'

/** The most pages a document may have. */
export const MAX_PAGES = 10_000

export const pageNumberSchema = z.int().min(1).max(MAX_PAGES)

export const pageRangeSchema = z
	.object({ first: pageNumberSchema, last: pageNumberSchema })
	.refine((range) => range.first <= range.last, 'a range runs from its first page to its last')

export type PageRange = z.infer<typeof pageRangeSchema>

/** How many pages a range holds. */
export function rangeLength(range: PageRange): number {
	return range.last - range.first + 1
}

/** Every page of some ranges, in their order. */
export function pageNumbers(ranges: readonly PageRange[]): number[] {
	return ranges.flatMap((range) => Array.from({ length: rangeLength(range) }, (_, index) => range.first + index))
}

/**
 * Ranges as people write them: sorted, neighbours joined.
 *
 * @example formatRanges([{ first: 9, last: 9 }, { first: 1, last: 5 }]) // "1-5,9"
 */
export function formatRanges(ranges: readonly PageRange[]): string {
	return joinRanges([...ranges])
		.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
		.join(',')
}

const PART = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/

/**
 * The other way round: `"1-5,9"` to sorted ranges without overlap.
 *
 * @returns null when the text is not such a list, a range runs backwards, or a page is over {@link MAX_PAGES}.
 */
export function parseRanges(text: string): PageRange[] | null {
	const ranges: PageRange[] = []
	for (const part of text.split(',')) {
		const match = PART.exec(part.trim())
		if (!match) return null
		const first = Number(match[1])
		const last = Number(match[2] ?? match[1])
		if (first > last || last > MAX_PAGES) return null
		ranges.push({ first, last })
	}
	return joinRanges(ranges)
}

/** Pages as people write them, as in `"1-5,9"`. The pattern is for those who only read the contract. */
export const pageListSchema = z
	.string()
	.max(2_000)
	.regex(/^[1-9]\d{0,4}(-[1-9]\d{0,4})?(, ?[1-9]\d{0,4}(-[1-9]\d{0,4})?)*$/, 'pages are written as in 1-5,9')
	.refine((text) => parseRanges(text) !== null, `ranges run upwards, and no page is over ${MAX_PAGES}`)
	.meta({ format: 'page-ranges' })

function joinRanges(ranges: PageRange[]): PageRange[] {
	const joined: PageRange[] = []
	for (const range of ranges.sort((a, b) => a.first - b.first)) {
		const previous = joined.at(-1)
		if (previous && range.first <= previous.last + 1) previous.last = Math.max(previous.last, range.last)
		else joined.push({ ...range })
	}
	return joined
}
