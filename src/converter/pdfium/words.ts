/**
 * The words of a page with their places, as PDFium reads them: character by character, since its text is made of
 * characters with boxes, put into reading order, with spaces and line ends that it made up where there were gaps.
 */
import { AFTER, type PageWords, WORDS_SCALE, type Word } from '../../core/words.ts'
import type { PdfiumExports } from './exports.ts'

/**
 * The characters of a page that are looked at: about fifteen pages of a novel. Whatever a page is made of, its words take
 * no more than some 25 ms, and 1.5 MB as JSON.
 */
export const MAX_CHARACTERS = 50_000

/** PDFium's mark for a hyphen that divides a word at the end of a line; in its running text that is U+FFFE. */
const DIVIDING_HYPHEN = 0x02
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** A canvas this large makes the whole numbers that PDFium answers exact enough. */
const CANVAS = 1_000_000
/** Points on the page that are so far apart that rounding does not matter. */
const APART = 1_000

/** Four numbers of 32 bits. */
const BUFFER_BYTES = 16

/**
 * @param page handle of a loaded page
 * @param text handle of its text
 * @returns words without those that lie outside of what is shown of the page; nothing when there is no heap for 16 bytes
 */
export function readWords(pdfium: PdfiumExports, page: number, text: number): PageWords {
	const buffer = pdfium.malloc(BUFFER_BYTES)
	if (buffer === 0) return { words: [], truncated: true }
	try {
		const view = displayOf(pdfium, page, buffer)
		return collect(pdfium, text, buffer, view)
	} finally {
		pdfium.free(buffer)
	}
}

/** How a point of the page becomes one of its image: both as shares of {@link WORDS_SCALE}. */
type Display = {
	x(left: number, bottom: number): number
	y(left: number, bottom: number): number
	/** Quarter turns clockwise by which the page is turned when it is shown. */
	turn: number
}

/** Crop box, rotation and unit are PDFium's to know, so it is asked where three points come to lie. */
function displayOf(pdfium: PdfiumExports, page: number, buffer: number): Display {
	const place = (x: number, y: number): [number, number] => {
		pdfium.FPDF_PageToDevice(page, 0, 0, CANVAS, CANVAS, 0, x, y, buffer, buffer + 4)
		const view = new DataView(pdfium.memory.buffer, buffer, 8)
		return [view.getInt32(0, true), view.getInt32(4, true)]
	}
	const [x0, y0] = place(0, 0)
	const [xOfX, yOfX] = place(APART, 0)
	const [xOfY, yOfY] = place(0, APART)
	const scale = WORDS_SCALE / CANVAS
	const step = scale / APART
	const [xx, xy, yx, yy] = [(xOfX - x0) * step, (xOfY - x0) * step, (yOfX - y0) * step, (yOfY - y0) * step]
	return {
		x: (left, bottom) => x0 * scale + left * xx + bottom * xy,
		y: (left, bottom) => y0 * scale + left * yx + bottom * yy,
		turn: quarters(Math.atan2(yx, xx)),
	}
}

/** Of the page, in its own points: y goes up. */
type Box = { left: number; bottom: number; right: number; top: number }

function collect(pdfium: PdfiumExports, text: number, buffer: number, display: Display): PageWords {
	const total = Math.max(0, pdfium.FPDFText_CountChars(text))
	const count = Math.min(total, MAX_CHARACTERS)
	const words: Word[] = []
	let lineBegins = 0
	let letters = ''
	let first = 0
	let box: Box = { left: 0, bottom: 0, right: 0, top: 0 }
	// The heap moves when it grows, and nothing that is called here allocates.
	const heap = new DataView(pdfium.memory.buffer, buffer, BUFFER_BYTES)

	function endWord(after: number): void {
		if (letters === '') return
		const place = placeOf(box, display)
		if (place) words.push(wordOf(letters, place, after, turnOf(pdfium, text, first, display)))
		letters = ''
	}

	function endLine(): void {
		endWord(AFTER.lineEnd)
		// Also where a space came before the end, or a word that is not shown.
		const last = words.length > lineBegins ? words.at(-1) : undefined
		if (last) last[5] = AFTER.lineEnd
		lineBegins = words.length
	}

	for (let index = 0; index < count; index++) {
		const unit = pdfium.FPDFText_GetUnicode(text, index)
		if (unit === LINE_FEED || unit === CARRIAGE_RETURN) {
			endLine()
			continue
		}
		if (isSpace(unit)) {
			endWord(AFTER.space)
			continue
		}
		const divides = unit === DIVIDING_HYPHEN
		if (!divides && isControl(unit)) continue
		pdfium.FPDFText_GetLooseCharBox(text, index, buffer)
		const left = heap.getFloat32(0, true)
		const top = heap.getFloat32(4, true)
		const right = heap.getFloat32(8, true)
		const bottom = heap.getFloat32(12, true)
		if (letters !== '' && isElsewhere(left, bottom, right, top, box)) endWord(AFTER.nothing)
		if (letters === '') {
			first = index
			box = { left, bottom, right, top }
		} else {
			box.left = Math.min(box.left, left)
			box.bottom = Math.min(box.bottom, bottom)
			box.right = Math.max(box.right, right)
			box.top = Math.max(box.top, top)
		}
		if (divides) endWord(AFTER.nothing)
		else letters += String.fromCodePoint(unit)
	}
	endLine()
	return total > count ? { words, truncated: true } : { words }
}

function isSpace(unit: number): boolean {
	return unit === 0x20 || unit === 0x09 || unit === 0xa0 || unit === 0x3000 || (unit >= 0x2000 && unit <= 0x200b)
}

/** What stands for no character: controls, and the two that Unicode will never have. */
function isControl(unit: number): boolean {
	return unit < 0x20 || (unit >= 0x7f && unit < 0xa0) || unit === 0xfffe || unit === 0xffff || unit > 0x10ffff
}

/** Whether a character has nothing to do with a word although no gap was made up between them: another line or column. */
function isElsewhere(left: number, bottom: number, right: number, top: number, word: Box): boolean {
	const isAside = left > word.right || right < word.left
	return isAside && (bottom > word.top || top < word.bottom)
}

type Place = { x: number; y: number; width: number; height: number }

/** Null for what lies outside of the image, or nowhere. */
function placeOf(box: Box, display: Display): Place | null {
	const [x1, x2] = [display.x(box.left, box.bottom), display.x(box.right, box.top)]
	const [y1, y2] = [display.y(box.left, box.bottom), display.y(box.right, box.top)]
	const [left, right] = clipped(Math.min(x1, x2), Math.max(x1, x2))
	const [top, bottom] = clipped(Math.min(y1, y2), Math.max(y1, y2))
	// Written so that it is false for what is no number.
	const isShown = right > left && bottom > top
	return isShown ? { x: left, y: top, width: right - left, height: bottom - top } : null
}

/** As whole numbers within the image, at least 1 apart unless nothing is within. */
function clipped(from: number, to: number): [number, number] {
	if (to < 0 || from > WORDS_SCALE) return [0, 0]
	const start = Math.min(WORDS_SCALE - 1, Math.max(0, Math.round(from)))
	return [start, Math.min(WORDS_SCALE, Math.max(start + 1, Math.round(to)))]
}

/** Nothing is written that is as usual. */
function wordOf(letters: string, { x, y, width, height }: Place, after: number, turn: number): Word {
	// Half a surrogate pair would be no text.
	const word: Word = [letters.toWellFormed(), x, y, width, height]
	if (after !== AFTER.space || turn !== 0) word[5] = after
	if (turn !== 0) word[6] = turn
	return word
}

/** In quarter turns clockwise, on the image. PDFium's angle is in radians, clockwise, and -1 when there is none. */
function turnOf(pdfium: PdfiumExports, text: number, index: number, display: Display): number {
	const angle = pdfium.FPDFText_GetCharAngle(text, index)
	return (display.turn + (angle > 0 ? quarters(angle) : 0)) % 4
}

/** @param angle in radians */
function quarters(angle: number): number {
	return (Math.round(angle / (Math.PI / 2)) + 4) % 4
}
