/**
 * The text of a page, as PDFium reads it.
 */
import type { PdfiumExports } from './exports.ts'

/**
 * PDFium's mark for a hyphen that divides a word at the end of a line. It joins the halves there, so the mark goes; a word
 * that had the hyphen anyway loses it, as with every tool that cannot know.
 */
const DIVIDING_HYPHEN = '\ufffe'

/**
 * @param text handle of a page's text; 0 when it has none
 * @returns UTF-8; lines end with a single line feed. Empty when the page has no text.
 * @throws RangeError when there is no heap for it
 */
export function readText(pdfium: PdfiumExports, text: number): Uint8Array {
	return text === 0 ? new Uint8Array() : new TextEncoder().encode(normalised(readUnits(pdfium, text)))
}

function readUnits(pdfium: PdfiumExports, text: number): string {
	const count = pdfium.FPDFText_CountChars(text)
	if (count < 1) return ''
	const buffer = pdfium.malloc((count + 1) * 2)
	if (buffer === 0) throw new RangeError('no heap for the text')
	try {
		const written = pdfium.FPDFText_GetText(text, 0, count, buffer)
		const units = new Uint8Array(pdfium.memory.buffer, buffer, Math.max(0, written - 1) * 2)
		// The byte order mark would be a character of the page, so it stays.
		return new TextDecoder('utf-16le', { fatal: false, ignoreBOM: true }).decode(units)
	} finally {
		pdfium.free(buffer)
	}
}

function normalised(text: string): string {
	return (
		text
			.replaceAll(DIVIDING_HYPHEN, '')
			.replaceAll('\0', '')
			.replaceAll('\r\n', '\n')
			// A form feed is what separates pages in the text of a document.
			.replaceAll(/[\r\f]/g, '\n')
	)
}
