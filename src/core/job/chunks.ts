/**
 * How a document's pages are cut into chunks. The first is one page alone, so that people see something at once; the
 * rest are as large as is sensible, since every chunk costs an upload.
 */

import type { ConversionOptions } from '../options.ts'
import { type PageRange, pageNumbers, parseRanges, rangeLength } from '../pages.ts'
import type { WaitingChunk } from './job.ts'

/** The most pages in a chunk. */
export const MAX_CHUNK_PAGES = 16

/** The chunk a job begins with, when nobody knows yet how many pages there are. */
export function firstChunk(options: ConversionOptions): WaitingChunk {
	const first = wantedRanges(options)?.[0]?.first ?? 1
	return waiting({ first, last: first })
}

/** The pages that a job converts of a document with `pageCount` pages, sorted. */
export function pagesToConvert(options: ConversionOptions, pageCount: number): PageRange[] {
	const all = { first: 1, last: pageCount }
	return (wantedRanges(options) ?? [all])
		.filter((range) => range.first <= pageCount)
		.map((range) => ({ first: range.first, last: Math.min(range.last, pageCount) }))
}

/** All chunks but the first page, which has one of its own already. */
export function remainingChunks(pages: readonly PageRange[]): WaitingChunk[] {
	return without(pages, pages[0] ? [pages[0].first] : []).flatMap(cut)
}

/** The chunks of a job that goes on where another ended: page 1 still comes first and alone, when it is missing. */
export function missingChunks(pages: readonly PageRange[], ready: readonly PageRange[]): WaitingChunk[] {
	const first = pages[0]?.first
	const missing = without(pages, pageNumbers(ready))
	if (first === undefined || missing[0]?.first !== first) return missing.flatMap(cut)
	return [waiting({ first, last: first }), ...remainingChunks(missing)]
}

/** One chunk for each page, so that the page which loses its converters is found. */
export function split(pages: PageRange, losses: number, notBefore: number): WaitingChunk[] {
	return pageNumbers([pages]).map((page) => ({
		state: 'waiting',
		pages: { first: page, last: page },
		losses,
		notBefore,
	}))
}

/** Ranges without some single pages. */
export function without(ranges: readonly PageRange[], pages: readonly number[]): PageRange[] {
	let left = [...ranges]
	for (const page of pages) {
		left = left.flatMap((range) => {
			if (page < range.first || page > range.last) return [range]
			const parts: PageRange[] = []
			if (page > range.first) parts.push({ first: range.first, last: page - 1 })
			if (page < range.last) parts.push({ first: page + 1, last: range.last })
			return parts
		})
	}
	return left
}

function cut(range: PageRange): WaitingChunk[] {
	const pieces = Math.ceil(rangeLength(range) / MAX_CHUNK_PAGES)
	return Array.from({ length: pieces }, (_, piece) => {
		const first = range.first + piece * MAX_CHUNK_PAGES
		return waiting({ first, last: Math.min(range.last, first + MAX_CHUNK_PAGES - 1) })
	})
}

function waiting(pages: PageRange): WaitingChunk {
	return { state: 'waiting', pages, losses: 0, notBefore: 0 }
}

function wantedRanges(options: ConversionOptions): PageRange[] | null {
	return options.pages === undefined ? null : parseRanges(options.pages)
}
