/**
 * One page of an open PDF: its size, its picture, its text and where the words are.
 */
import type { FailureCode } from '../../core/failure.ts'
import type { PageWords } from '../../core/words.ts'
import type { Attempt, Engine } from './engine.ts'
import { BITMAP_BGRX, DRAW_ANNOTATIONS, type PdfiumExports, REVERSE_BYTE_ORDER } from './exports.ts'
import { readText } from './text.ts'
import { readWords } from './words.ts'

export type Size = { width: number; height: number }

/** RGBA pixels in rows without gaps, every one opaque; a view into the heap, gone with the next call on the document. */
export type Bitmap = Size & { pixels: Uint32Array }

export type Rendered =
	| { outcome: 'rendered'; bitmap: Bitmap; degraded: boolean }
	| { outcome: 'failed'; code: FailureCode }

export type PdfPage = {
	/** In points, as the page is shown: cropped and turned. */
	readonly points: Size
	/**
	 * Draws the page on white, with annotations and form fields.
	 *
	 * @param size in pixels
	 * @returns `degraded` when heap was refused on the way, so that parts (images, as a rule) may be missing
	 */
	render(size: Size): Rendered
	/** The page's text as UTF-8, lines ended by line feeds. */
	text(): Attempt<Uint8Array>
	/** The words of that text with their places. */
	words(): Attempt<PageWords>
	/** Frees page, text and bitmap. Closing twice does nothing. */
	close(): void
}

export type PageOutcome = { outcome: 'opened'; page: PdfPage } | { outcome: 'failed'; code: FailureCode }

/**
 * @param document its handle, and that of its form (0 when it has none)
 * @param number from 1
 * @returns `invalid_document` when there is no such page or it cannot be read
 */
export function openPage(engine: Engine, document: { handle: number; form: number }, number: number): PageOutcome {
	engine.countPage()
	const loaded = engine.attempt((pdfium) => {
		const handle = pdfium.FPDF_LoadPage(document.handle, number - 1)
		if (handle === 0) return null
		if (document.form !== 0) pdfium.FORM_OnAfterLoadPage(handle, document.form)
		return { handle, points: { width: pdfium.FPDF_GetPageWidthF(handle), height: pdfium.FPDF_GetPageHeightF(handle) } }
	})
	if (loaded.outcome === 'failed') return loaded
	if (loaded.value === null) return { outcome: 'failed', code: 'invalid_document' }
	const { handle, points } = loaded.value

	let canvas = 0
	let text = 0
	let closed = false
	/** Putting the characters in order is most of the work, so it is done once. */
	const textOf = (pdfium: PdfiumExports) => {
		if (text === 0) text = pdfium.FPDFText_LoadPage(handle)
		return text
	}
	return {
		outcome: 'opened',
		page: {
			points,
			render(size) {
				const refusals = engine.refusals()
				const drawn = engine.attempt((pdfium) => {
					if (canvas !== 0) pdfium.free(canvas)
					canvas = pdfium.malloc(size.width * size.height * 4)
					if (canvas === 0) return null
					return draw(pdfium, handle, document.form, canvas, size)
				})
				if (drawn.outcome === 'failed') return drawn
				if (!drawn.value) return { outcome: 'failed', code: 'out_of_memory' }
				return { outcome: 'rendered', bitmap: drawn.value, degraded: engine.refusals() > refusals }
			},
			text: () => engine.attempt((pdfium) => readText(pdfium, textOf(pdfium))),
			words: () => engine.attempt((pdfium) => readWords(pdfium, handle, textOf(pdfium))),
			close() {
				if (closed) return
				closed = true
				engine.attempt((pdfium) => {
					if (canvas !== 0) pdfium.free(canvas)
					if (text !== 0) pdfium.FPDFText_ClosePage(text)
					if (document.form !== 0) pdfium.FORM_OnBeforeClosePage(handle, document.form)
					pdfium.FPDF_ClosePage(handle)
				})
			},
		},
	}
}

/** A bitmap without alpha: blending onto it is a tenth faster, and the fourth byte keeps the 255 it is filled with. */
function draw(pdfium: PdfiumExports, page: number, form: number, canvas: number, size: Size): Bitmap | null {
	const { width, height } = size
	const bitmap = pdfium.FPDFBitmap_CreateEx(width, height, BITMAP_BGRX, canvas, width * 4)
	if (bitmap === 0) return null
	new Uint32Array(pdfium.memory.buffer, canvas, width * height).fill(0xffffffff)
	const flags = DRAW_ANNOTATIONS | REVERSE_BYTE_ORDER
	pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
	if (form !== 0) pdfium.FPDF_FFLDraw(form, bitmap, page, 0, 0, width, height, 0, flags)
	pdfium.FPDFBitmap_Destroy(bitmap)
	return { width, height, pixels: new Uint32Array(pdfium.memory.buffer, canvas, width * height) }
}
