/**
 * Kind and size of an image, as its own first bytes say: whoever sends one is not asked.
 *
 * @see https://www.w3.org/TR/png-3/#11IHDR
 * @see https://developers.google.com/speed/webp/docs/riff_container
 */
import type { ImageType } from './pack.ts'

export interface ImageHeader {
	type: ImageType
	/** Pixels. */
	width: number
	height: number
}

/** The bytes that suffice. */
export const HEADER_BYTES = 30

/** @returns null when it is neither PNG nor WebP, or has no pixels */
export function imageHeader(bytes: Uint8Array): ImageHeader | null {
	if (bytes.byteLength < HEADER_BYTES) return null
	const header = pngHeader(bytes) ?? webpHeader(bytes)
	return header && header.width > 0 && header.height > 0 ? header : null
}

function pngHeader(bytes: Uint8Array): ImageHeader | null {
	if (textAt(bytes, 0, 8) !== '\x89PNG\r\n\x1a\n' || textAt(bytes, 12, 4) !== 'IHDR') return null
	const view = viewOf(bytes)
	return { type: 'image/png', width: view.getUint32(16), height: view.getUint32(20) }
}

function webpHeader(bytes: Uint8Array): ImageHeader | null {
	if (textAt(bytes, 0, 4) !== 'RIFF' || textAt(bytes, 8, 4) !== 'WEBP') return null
	const view = viewOf(bytes)
	const sized = (width: number, height: number): ImageHeader => ({ type: 'image/webp', width, height })
	const three = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
	switch (textAt(bytes, 12, 4)) {
		case 'VP8 ':
			if (three(23) !== 0x2a019d) return null
			return sized(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff)
		case 'VP8L': {
			if (view.getUint8(20) !== 0x2f) return null
			const packed = view.getUint32(21, true)
			return sized((packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1)
		}
		case 'VP8X':
			return sized(three(24) + 1, three(27) + 1)
		default:
			return null
	}
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
	return String.fromCharCode(...bytes.subarray(at, at + length))
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
