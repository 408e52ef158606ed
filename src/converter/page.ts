/**
 * One page of a PDF to what people see of it: image, thumbnail, text and the places of its words.
 */
import type { FailureCode } from '../core/failure.ts'
import { renderSize, THUMBNAIL_WIDTH } from '../core/options.ts'
import {
	type EncodedImage,
	encodeFewColours,
	encodeImage,
	encodeManyColours,
	type ImageEncoder,
	studyColours,
} from './encode/image.ts'
import { shrink } from './encode/thumbnail.ts'
import type { PdfDocument } from './pdfium/document.ts'
import { WORN_HEAP } from './pdfium/engine.ts'
import type { Bitmap, PdfPage } from './pdfium/page.ts'

export type ConvertedPage = {
	/** From 1. */
	page: number
	/** Pixels of the image. */
	width: number
	height: number
	/** True when heap was refused while it was drawn, so that images may be missing from it. */
	degraded: boolean
	image: EncodedImage
	thumbnail: EncodedImage & { width: number; height: number }
	/** UTF-8, lines ended by line feeds. */
	text: Uint8Array
	/** JSON: see {@link PageWords}. */
	words: Uint8Array
}

export type PageConversion = { outcome: 'converted'; page: ConvertedPage } | { outcome: 'failed'; code: FailureCode }

export type PageOptions = {
	encoder: ImageEncoder
	/** Pixels across; see `rendering` in core/options. Fewer when the page would have too many pixels. */
	width: number
	/** Quality of WebP, 0 to 100. */
	lossy: number
}

/**
 * Converts a page. Afterwards `document.broken()` may be true, whatever the outcome: then the document must be opened
 * again before the next page.
 *
 * @param number from 1
 * @returns `failed` with `invalid_document` (no such page, or it cannot be read), `out_of_memory` or `internal`; it does
 * not throw
 */
export async function convertPage(
	document: PdfDocument,
	number: number,
	options: PageOptions,
): Promise<PageConversion> {
	const opened = document.openPage(number)
	if (opened.outcome === 'failed') return opened
	try {
		return await convertOpened(document, opened.page, number, options)
	} finally {
		opened.page.close()
	}
}

async function convertOpened(
	document: PdfDocument,
	pdfPage: PdfPage,
	number: number,
	{ encoder, width, lossy }: PageOptions,
): Promise<PageConversion> {
	const rendered = pdfPage.render(renderSize(pdfPage.points, width))
	if (rendered.outcome === 'failed') return rendered
	const { bitmap, degraded } = rendered

	const few = studyColours(encoder, bitmap)
	const small = shrink(bitmap, THUMBNAIL_WIDTH, few?.colours.blank)
	const fewColours = few && encodeFewColours(encoder, bitmap, few)
	// From here on the bitmap in PDFium's heap may be gone: reading text can move it.
	const kept = fewColours ? null : keepBitmap(document, bitmap)
	const inHeap = kept === null && !fewColours ? await encodeManyColours(encoder, bitmap, lossy) : null
	const text = pdfPage.text()
	if (text.outcome === 'failed') return text
	const words = pdfPage.words()
	if (words.outcome === 'failed') return words
	if (kept) document.drop()

	const image = fewColours ?? inHeap ?? (kept && (await encodeManyColours(encoder, kept, lossy)))
	const thumbnail = image && (await encodeImage(encoder, small, lossy))
	if (!thumbnail) return { outcome: 'failed', code: 'out_of_memory' }
	const { height } = bitmap
	return {
		outcome: 'converted',
		page: {
			page: number,
			width: bitmap.width,
			height,
			degraded,
			image,
			thumbnail: { ...thumbnail, width: small.width, height: small.height },
			text: text.value,
			words: new TextEncoder().encode(JSON.stringify(words.value)),
		},
	}
}

/**
 * A large heap and the WebP encoder's are too much for one isolate. The heap would be replaced after this page anyway, so
 * it is replaced before encoding, and only the bitmap is kept.
 */
function keepBitmap(document: PdfDocument, bitmap: Bitmap): Bitmap | null {
	return document.heapBytes() > WORN_HEAP ? { ...bitmap, pixels: bitmap.pixels.slice() } : null
}
