/**
 * Makes a picture smaller by averaging: each pixel of the thumbnail is the mean of the rectangle it covers.
 */
import type { Bitmap } from '../pdfium/page.ts'

/**
 * Two sums of 8-bit values share a 32-bit number (red and blue), so at most this many values go into each.
 */
const MOST_SUMMANDS = 257

/**
 * Rectangles have whole pixels for sides, so where the widths do not divide, neighbours differ by one pixel in size. Every
 * source pixel counts exactly once.
 *
 * @param width of the thumbnail in pixels; a picture that is narrower keeps its size
 * @param blank for each line of the picture 1 if it is of one colour, the same for all such lines, where that is known
 * @returns a new bitmap, not a view
 */
export function shrink(bitmap: Bitmap, width: number, blank?: Uint8Array): Bitmap {
	const toWidth = Math.min(width, bitmap.width)
	const toHeight = Math.max(1, Math.round((bitmap.height * toWidth) / bitmap.width))
	const columns = boundaries(bitmap.width, toWidth)
	const lines = boundaries(bitmap.height, toHeight)
	const pixels = new Uint32Array(toWidth * toHeight)
	// As signed numbers all pixels are integers of the machine.
	const from = new Int32Array(bitmap.pixels.buffer, bitmap.pixels.byteOffset, bitmap.pixels.length)
	const largest = Math.ceil(bitmap.width / toWidth) * Math.ceil(bitmap.height / toHeight)
	const averageRow = largest <= MOST_SUMMANDS ? averageSmall : averageLarge
	for (let y = 0; y < toHeight; y++) {
		const top = lines[y] as number
		const bottom = lines[y + 1] as number
		const into = pixels.subarray(y * toWidth, (y + 1) * toWidth)
		if (blank?.subarray(top, bottom).every((line) => line === 1)) into.fill(bitmap.pixels[top * bitmap.width] as number)
		else averageRow(from, bitmap.width, columns, top, bottom, into)
	}
	return { width: toWidth, height: toHeight, pixels }
}

/** Where each of `parts` nearly equal parts of `length` begins, and the end of the last. */
function boundaries(length: number, parts: number): Int32Array {
	return Int32Array.from({ length: parts + 1 }, (_, i) => Math.round((i * length) / parts))
}

function averageSmall(
	pixels: Int32Array,
	width: number,
	columns: Int32Array,
	top: number,
	bottom: number,
	into: Uint32Array,
): void {
	const height = bottom - top
	const first = top * width
	let right = columns[0] as number
	for (let x = 0; x < into.length; x++) {
		const left = right
		right = columns[x + 1] as number
		let redBlue = 0
		let green = 0
		for (let line = 0, start = first + left; line < height; line++, start += width) {
			const end = start + right - left
			let i = start
			// Five at once: the very width of a rectangle for the default sizes, 1600 to 320.
			for (; i <= end - 5; i += 5) {
				const a = pixels[i] as number
				const b = pixels[i + 1] as number
				const c = pixels[i + 2] as number
				const d = pixels[i + 3] as number
				const e = pixels[i + 4] as number
				redBlue += (a & 0xff00ff) + (b & 0xff00ff) + (c & 0xff00ff) + (d & 0xff00ff) + (e & 0xff00ff)
				green += (a & 0x00ff00) + (b & 0x00ff00) + (c & 0x00ff00) + (d & 0x00ff00) + (e & 0x00ff00)
			}
			for (; i < end; i++) {
				const pixel = pixels[i] as number
				redBlue += pixel & 0xff00ff
				green += pixel & 0x00ff00
			}
		}
		const share = 1 / (height * (right - left))
		const red = (redBlue & 0xffff) * share + 0.5
		const blue = (redBlue >>> 16) * share + 0.5
		into[x] = 0xff000000 | (blue << 16) | (((green >>> 8) * share + 0.5) << 8) | red
	}
}

function averageLarge(
	pixels: Int32Array,
	width: number,
	columns: Int32Array,
	top: number,
	bottom: number,
	into: Uint32Array,
): void {
	for (let x = 0; x < into.length; x++) {
		const left = columns[x] as number
		const right = columns[x + 1] as number
		let red = 0
		let green = 0
		let blue = 0
		for (let y = top; y < bottom; y++) {
			for (let i = y * width + left; i < y * width + right; i++) {
				const pixel = pixels[i] as number
				red += pixel & 0xff
				green += (pixel >>> 8) & 0xff
				blue += (pixel >>> 16) & 0xff
			}
		}
		const count = (bottom - top) * (right - left)
		const mean = (sum: number) => Math.round(sum / count)
		into[x] = 0xff000000 | (mean(blue) << 16) | (mean(green) << 8) | mean(red)
	}
}
