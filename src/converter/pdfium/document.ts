/**
 * An open PDF. It lives in one {@link Engine}; when that breaks, or is worn out, the document ends with it, and whoever
 * has the source opens it again: `broken()` says that it must be, `worn()` that it should be before the next page.
 */
import type { FailureCode } from '../../core/failure.ts'
import type { Engine } from './engine.ts'
import type { Engines } from './engines.ts'
import { ERROR_PASSWORD, type PdfiumExports } from './exports.ts'
import { openPage, type PageOutcome } from './page.ts'
import { passwordBytes } from './password.ts'
import { placeSource, type Source } from './source.ts'

export type Opened = { outcome: 'opened'; document: PdfDocument } | { outcome: 'failed'; code: FailureCode }

export type PdfDocument = {
	readonly pageCount: number
	/** @param number from 1 */
	openPage(number: number): PageOutcome
	/** True after a trap or abort: every further call fails with `internal`. Open the document again. */
	broken(): boolean
	/** True when a fresh engine would do better. Close the document and open it again, when convenient. */
	worn(): boolean
	/**
	 * How many pages its engine has opened, of this document and those before. A page that did not fit as the engine's
	 * first will not fit later either; any other deserves a second try in a new engine.
	 */
	pagesOpened(): number
	/** Bytes of the engine's heap, all that it ever needed; 0 when broken. */
	heapBytes(): number
	/** Gives up document and engine at once, so that their memory can be collected. Implies {@link broken}. */
	drop(): void
	/** Frees it. Closing twice, or when broken, does nothing. */
	close(): void
}

export type OpenOptions = {
	engines: Engines
	source: Source
	/** Bytes of the source. */
	size: number
	/** Not looked at when the document opens without one; null when nobody gave any. */
	password?: string | null
}

/**
 * Opens a PDF.
 *
 * @returns `failed` with `invalid_document` (damaged, no PDF, not `size` bytes, no page), `password_required`,
 * `password_wrong`, `out_of_memory` or `internal`; nothing is left allocated then. It throws only when no engine can be
 * made at all.
 */
export async function openDocument({ engines, source, size, password = null }: OpenOptions): Promise<Opened> {
	const engine = await engines.take(size)
	const placed = await placeSource(engine, source, size)
	if (placed.outcome === 'failed') return placed

	const refusals = engine.refusals()
	const attempt = engine.attempt((pdfium) => load(engine, pdfium, placed.pointer, size, password))
	if (attempt.outcome === 'failed') return attempt
	if (attempt.value.outcome === 'loaded') {
		return { outcome: 'opened', document: createDocument(engine, attempt.value, password !== null) }
	}

	engine.attempt((pdfium) => pdfium.free(placed.pointer))
	if (password !== null) engine.drop()
	return engine.refusals() > refusals ? { outcome: 'failed', code: 'out_of_memory' } : attempt.value
}

type Loaded = { outcome: 'loaded'; source: number; handle: number; pageCount: number; formInfo: number; form: number }

function load(
	engine: Engine,
	pdfium: PdfiumExports,
	source: number,
	size: number,
	password: string | null,
): Loaded | { outcome: 'failed'; code: FailureCode } {
	let handle = pdfium.FPDF_LoadMemDocument(source, size, 0)
	if (handle === 0) {
		if (pdfium.FPDF_GetLastError() !== ERROR_PASSWORD) return { outcome: 'failed', code: 'invalid_document' }
		if (password === null) return { outcome: 'failed', code: 'password_required' }
		for (const bytes of passwordBytes(password)) {
			if (handle === 0) handle = loadWith(engine, pdfium, source, size, bytes)
		}
		if (handle === 0) return { outcome: 'failed', code: 'password_wrong' }
	}
	const pageCount = pdfium.FPDF_GetPageCount(handle)
	if (pageCount < 1) {
		pdfium.FPDF_CloseDocument(handle)
		return { outcome: 'failed', code: 'invalid_document' }
	}
	const hasForm = pdfium.FPDF_GetFormType(handle) !== 0
	const formInfo = hasForm ? pdfium.PDFiumExt_OpenFormFillInfo() : 0
	const form = formInfo === 0 ? 0 : pdfium.PDFiumExt_InitFormFillEnvironment(handle, formInfo)
	return { outcome: 'loaded', source, handle, pageCount, formInfo, form }
}

/** @param isSecret whether the engine's heap holds a password: PDFium copies it, so the heap has to go as a whole then */
function createDocument(engine: Engine, loaded: Loaded, isSecret: boolean): PdfDocument {
	let closed = false
	return {
		pageCount: loaded.pageCount,
		openPage(number) {
			if (closed) return { outcome: 'failed', code: 'internal' }
			return openPage(engine, loaded, number)
		},
		broken: engine.broken,
		worn: engine.worn,
		pagesOpened: engine.pages,
		heapBytes: engine.heapBytes,
		drop: engine.drop,
		close() {
			if (closed) return
			closed = true
			engine.attempt((pdfium) => {
				if (loaded.form !== 0) pdfium.PDFiumExt_ExitFormFillEnvironment(loaded.form)
				if (loaded.formInfo !== 0) pdfium.PDFiumExt_CloseFormFillInfo(loaded.formInfo)
				pdfium.FPDF_CloseDocument(loaded.handle)
				pdfium.free(loaded.source)
			})
			if (isSecret) engine.drop()
		},
	}
}

/** @returns the document's handle, or 0 */
function loadWith(engine: Engine, pdfium: PdfiumExports, source: number, size: number, password: Uint8Array): number {
	const pointer = pdfium.malloc(password.byteLength + 1)
	if (pointer === 0) throw new RangeError('no heap for the password')
	// A C string ends with a zero.
	engine.heap().set([...password, 0], pointer)
	const handle = pdfium.FPDF_LoadMemDocument(source, size, pointer)
	pdfium.free(pointer)
	return handle
}
