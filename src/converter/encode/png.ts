/**
 * Indexed PNG: what a page of text becomes. Small, exact, and ten times faster to write than WebP.
 *
 * @see https://www.w3.org/TR/png-3/
 */
import { crc32, deflateSync } from 'node:zlib'
import type { Size } from '../pdfium/page.ts'
import type { Colours } from './colours.ts'
import type { Palette } from './palette.ts'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const COLOUR_TYPE_INDEXED = 3

/** Length, type and checksum around a chunk's data. */
const CHUNK_FRAME = 12

/** Rows before compression; reused, as it is the largest buffer of all. Grows to the largest picture seen. */
export type RowScratch = { rows: Uint8Array }

export function createRowScratch(): RowScratch {
	return { rows: new Uint8Array(0) }
}

/** The lines of a picture in colour numbers; a blank one has number 0 throughout. */
type Lines = Pick<Colours, 'indices' | 'blank'>

/**
 * @param palette maps the colour numbers; number 0 (paper) is its entry 0
 * @returns a PNG of 1, 2, 4 or 8 bits a pixel, whatever the palette needs
 */
export function encodeIndexedPng(
	size: Size,
	lines: Lines,
	palette: Palette,
	scratch: RowScratch,
): Uint8Array<ArrayBuffer> {
	const depth = bitDepth(palette.entries.length)
	const rows = depth === 8 ? byteRows(size, lines, palette, scratch) : packedRows(size, lines, palette, scratch, depth)
	// Level 1: level 2 saves 2 % of the bytes, run-length only costs 40 %, neither wins time. Filters only harm indices.
	const data = deflateSync(rows, { level: 1, chunkSize: 2 ** 18 })

	const header = new Uint8Array(13)
	const view = new DataView(header.buffer)
	view.setUint32(0, size.width)
	view.setUint32(4, size.height)
	header[8] = depth
	header[9] = COLOUR_TYPE_INDEXED

	const colours = new Uint8Array(palette.entries.length * 3)
	for (const [entry, colour] of palette.entries.entries()) {
		colours[entry * 3] = colour
		colours[entry * 3 + 1] = colour >>> 8
		colours[entry * 3 + 2] = colour >>> 16
	}
	return assemble([
		['IHDR', header],
		['PLTE', colours],
		['IDAT', data],
		['IEND', new Uint8Array()],
	])
}

function bitDepth(entries: number): 1 | 2 | 4 | 8 {
	return entries <= 2 ? 1 : entries <= 4 ? 2 : entries <= 16 ? 4 : 8
}

/** Rows start with a byte 0, "no filter". */
function clearRows(scratch: RowScratch, length: number): Uint8Array {
	if (scratch.rows.length < length) scratch.rows = new Uint8Array(length)
	else scratch.rows.fill(0, 0, length)
	return scratch.rows.subarray(0, length)
}

function byteRows(size: Size, { indices, blank }: Lines, { entryOf }: Palette, scratch: RowScratch): Uint8Array {
	const { width, height } = size
	const rows = clearRows(scratch, (width + 1) * height)
	for (let y = 0; y < height; y++) {
		if (blank[y] === 1) continue
		const end = (y + 1) * width
		let to = y * (width + 1) + 1
		for (let from = y * width; from < end; from++, to++) rows[to] = entryOf[indices[from] as number] as number
	}
	return rows
}

function packedRows(
	size: Size,
	{ indices, blank }: Lines,
	{ entryOf }: Palette,
	scratch: RowScratch,
	depth: 1 | 2 | 4,
): Uint8Array {
	const { width, height } = size
	const perByte = 8 / depth
	const stride = 1 + Math.ceil(width / perByte)
	const rows = clearRows(scratch, stride * height)
	for (let y = 0; y < height; y++) {
		if (blank[y] === 1) continue
		const from = y * width
		const to = y * stride + 1
		for (let x = 0; x < width; x++) {
			const entry = entryOf[indices[from + x] as number] as number
			if (entry === 0) continue
			const at = to + Math.floor(x / perByte)
			rows[at] = (rows[at] as number) | (entry << (8 - depth - (x % perByte) * depth))
		}
	}
	return rows
}

function assemble(chunks: ReadonlyArray<readonly [string, Uint8Array]>): Uint8Array<ArrayBuffer> {
	const length = chunks.reduce((sum, [, data]) => sum + CHUNK_FRAME + data.length, SIGNATURE.length)
	const png = new Uint8Array(length)
	const view = new DataView(png.buffer)
	png.set(SIGNATURE)
	let at = SIGNATURE.length
	for (const [type, data] of chunks) {
		view.setUint32(at, data.length)
		for (let i = 0; i < 4; i++) png[at + 4 + i] = type.charCodeAt(i)
		png.set(data, at + 8)
		const checked = at + 8 + data.length
		view.setUint32(checked, crc32(png.subarray(at + 4, checked)))
		at = checked + 4
	}
	return png
}
