/**
 * The text of a page, as PDFium reads it.
 */
import type { PdfiumExports } from './exports.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
/** PDFium's mark for a hyphen that only divided a word at a line's end. The word is joined, so the mark goes. */
const DIVIDING_HYPHEN = 0x02
const NONCHARACTER = 0xfffe

/**
 * Reads code point by code point: `FPDFText_GetText` counts a character outside the first plane as one and writes it as
 * two UTF-16 units, so it cuts off the end of such a page.
 *
 * @param page handle of a loaded page
 * @returns UTF-8; lines end with a single line feed. Empty when the page has no text.
 */
export function readText(pdfium: PdfiumExports, page: number): Uint8Array {
	const text = pdfium.FPDFText_LoadPage(page)
	if (text === 0) return new Uint8Array()
	try {
		const count = pdfium.FPDFText_CountChars(text)
		const units: number[] = []
		for (let i = 0; i < count; i++) append(units, pdfium.FPDFText_GetUnicode(text, i))
		return new TextEncoder().encode(fromUnits(units))
	} finally {
		pdfium.FPDFText_ClosePage(text)
	}
}

function append(units: number[], code: number): void {
	if (code === 0 || code === DIVIDING_HYPHEN || code === NONCHARACTER) return
	if (code === LINE_FEED && units.at(-1) === CARRIAGE_RETURN) units[units.length - 1] = LINE_FEED
	else if (code > 0xffff) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff))
	else units.push(code)
}

/** In pieces, because each unit becomes an argument of one call. */
function fromUnits(units: readonly number[]): string {
	let text = ''
	for (let at = 0; at < units.length; at += 8192) text += String.fromCharCode(...units.slice(at, at + 8192))
	return text.replaceAll('\r', '\n')
}
