/**
 * The part of PDFium's wasm exports that Platen calls, typed by hand.
 *
 * They are called directly, past the package's `cwrap`: its string arguments would be copied onto a wasm stack that an
 * abort leaves unwound. Every pointer and handle is an address in the wasm heap; 0 means none.
 *
 * @see https://pdfium.googlesource.com/pdfium/+/refs/heads/main/public/
 */
export type PdfiumExports = {
	readonly memory: WebAssembly.Memory
	malloc(bytes: number): number
	free(pointer: number): void
	PDFiumExt_Init(): void
	PDFiumExt_OpenFormFillInfo(): number
	PDFiumExt_CloseFormFillInfo(info: number): void
	PDFiumExt_InitFormFillEnvironment(document: number, info: number): number
	PDFiumExt_ExitFormFillEnvironment(form: number): void
	FPDF_GetLastError(): number
	FPDF_LoadMemDocument(bytes: number, size: number, password: number): number
	FPDF_CloseDocument(document: number): void
	FPDF_GetPageCount(document: number): number
	FPDF_GetFormType(document: number): number
	FPDF_LoadPage(document: number, index: number): number
	FPDF_ClosePage(page: number): void
	FPDF_GetPageWidthF(page: number): number
	FPDF_GetPageHeightF(page: number): number
	FPDFBitmap_CreateEx(width: number, height: number, format: number, pixels: number, stride: number): number
	FPDFBitmap_Destroy(bitmap: number): void
	FPDF_RenderPageBitmap(
		bitmap: number,
		page: number,
		left: number,
		top: number,
		width: number,
		height: number,
		rotation: number,
		flags: number,
	): void
	FPDF_FFLDraw(
		form: number,
		bitmap: number,
		page: number,
		left: number,
		top: number,
		width: number,
		height: number,
		rotation: number,
		flags: number,
	): void
	FORM_OnAfterLoadPage(page: number, form: number): void
	FORM_OnBeforeClosePage(page: number, form: number): void
	FPDFText_LoadPage(page: number): number
	FPDFText_ClosePage(text: number): void
	FPDFText_CountChars(text: number): number
	/** Writes UTF-16 and a zero, and returns the units written with that zero. */
	FPDFText_GetText(text: number, start: number, count: number, buffer: number): number
	/** A unit of UTF-16, also half of a surrogate pair. */
	FPDFText_GetUnicode(text: number, index: number): number
	/** Writes left, top, right and bottom as floats, as high as the font: in points of the page, y upwards. */
	FPDFText_GetLooseCharBox(text: number, index: number, box: number): number
	/** Radians, clockwise; -1 when there is no such character. */
	FPDFText_GetCharAngle(text: number, index: number): number
	/** Writes where a point of the page lies on a canvas, as two whole numbers of 32 bits. */
	FPDF_PageToDevice(
		page: number,
		left: number,
		top: number,
		width: number,
		height: number,
		rotation: number,
		x: number,
		y: number,
		deviceX: number,
		deviceY: number,
	): number
}

/** `FPDF_GetLastError`: a password is needed, or the given one does not open the document. */
export const ERROR_PASSWORD = 4

/** `FPDFBitmap_BGRx`; with {@link REVERSE_BYTE_ORDER} it is red, green, blue and a byte that stays as it was. */
export const BITMAP_BGRX = 3

/** Render flag: draw annotations. */
export const DRAW_ANNOTATIONS = 0x01

/** Render flag: red first. */
export const REVERSE_BYTE_ORDER = 0x10
