import { PNG } from 'pngjs'
import { describe, expect, test } from 'vitest'
import { createImageEncoder, encodeImage } from '../../src/converter/encode/image.ts'
import { shrink } from '../../src/converter/encode/thumbnail.ts'
import type { Bitmap } from '../../src/converter/pdfium/page.ts'
import { decodeWebp } from './decode.ts'
import { webp } from './modules.ts'

const encoder = createImageEncoder(webp)

/** A picture whose pixels are a function of their number. */
function picture(width: number, height: number, colour: (i: number) => number): Bitmap {
	return { width, height, pixels: Uint32Array.from({ length: width * height }, (_, i) => 0xff000000 | colour(i)) }
}

async function encoded(bitmap: Bitmap) {
	const image = await encodeImage(encoder, bitmap, 80)
	if (!image) throw new Error('not encoded')
	return image
}

function channels({ pixels }: Bitmap): Uint8Array {
	return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength)
}

/** Pseudo-random, the same each time. */
function noise(i: number): number {
	const mixed = Math.imul(i ^ (i >>> 15), 0x85ebca6b)
	return (mixed ^ (mixed >>> 13)) >>> 0
}

describe('pictures of few colours', () => {
	test.each([
		[1, 1],
		[2, 1],
		[3, 2],
		[4, 2],
		[16, 4],
		[17, 8],
		[256, 8],
	])('with %i of them become a PNG of %i bits and the very same pixels', async (colours, bits) => {
		// A width that fills no byte, and lines of paper between the others.
		const bitmap = picture(37, 61, (i) => (Math.floor(i / 37) % 3 === 0 ? 0xffffff : 0xffffff - (noise(i) % colours)))
		const image = await encoded(bitmap)
		expect(image.type).toBe('image/png')
		expect(image.bytes[24]).toBe(bits)
		const png = PNG.sync.read(Buffer.from(image.bytes))
		expect([png.width, png.height]).toEqual([37, 61])
		expect(Buffer.compare(png.data, channels(bitmap))).toBe(0)
	})

	test('keep paper and flat areas exact, and others within 7, when shades are joined', async () => {
		// A few pixels of a neighbouring shade come before the flat area, and must not stand for it.
		const colour = (i: number) =>
			i < 20_000 ? 0xffffff : i < 20_010 ? 0x123457 : i < 30_000 ? 0x123456 : noise(i) & 0x3f003f
		const many = picture(200, 200, colour)
		expect(new Set(many.pixels).size).toBeGreaterThan(256)
		const image = await encoded(many)
		expect(image.type).toBe('image/png')
		const png = PNG.sync.read(Buffer.from(image.bytes))
		const original = channels(many)
		const same = (from: number, to: number) =>
			Buffer.compare(png.data.subarray(from * 4, to * 4), original.subarray(from * 4, to * 4)) === 0
		expect([same(0, 20_000), same(20_000, 20_010), same(20_010, 30_000)]).toEqual([true, false, true])
		const worst = original.reduce((most, value, i) => Math.max(most, Math.abs(value - (png.data[i] ?? 0))), 0)
		expect(worst).toBeGreaterThan(0)
		expect(worst).toBeLessThanOrEqual(7)
	})

	test('do not disturb each other through the buffers they share', async () => {
		const large = picture(300, 300, (i) => noise(i) % 200)
		const small = picture(10, 10, (i) => (i % 2 ? 0x0000ff : 0xff0000))
		await encoded(large)
		const png = PNG.sync.read(Buffer.from((await encoded(small)).bytes))
		expect(Buffer.compare(png.data, channels(small))).toBe(0)
	})
})

describe('pictures of many colours', () => {
	const gradient = picture(
		256,
		192,
		(i) => (i % 256) | (Math.floor(i / 256) << 8) | ((((i % 256) + Math.floor(i / 256)) >> 1) << 16),
	)

	test('become a WebP that shows the same', async () => {
		const image = await encoded(gradient)
		expect(image.type).toBe('image/webp')
		const decoded = await decodeWebp(image.bytes)
		expect([decoded.width, decoded.height]).toEqual([256, 192])
		const original = channels(gradient)
		const difference = original.reduce((sum, value, i) => sum + Math.abs(value - (decoded.data[i] ?? 0)), 0)
		expect(difference / original.length).toBeLessThan(4)
	})

	test('too large for WebP give null, and the next one is encoded', async () => {
		const tooWide = { width: 20_000, height: 1, pixels: picture(20_000, 1, noise).pixels }
		expect(await encodeImage(encoder, tooWide, 80)).toBeNull()
		expect(encoder.webp.heapBytes()).toBe(0)
		expect((await encoded(gradient)).type).toBe('image/webp')
	})
})

describe('thumbnails', () => {
	test('have the mean colour of what they show, all of it', () => {
		const bitmap = picture(1600, 803, (i) => (i % 2 ? 0x204060 : 0xe0a020))
		const small = shrink(bitmap, 320)
		expect([small.width, small.height]).toEqual([320, 161])
		expect(mean(small)[0]).toBeCloseTo(mean(bitmap)[0] ?? 0, 0)
		const half = shrink(
			picture(1000, 500, (i) => (i % 1000 < 500 ? 0xff0000 : 0x0000ff)),
			320,
		)
		expect([half.pixels[0], half.pixels[319]]).toEqual([0xffff0000, 0xff0000ff])
		expect(mean(half).map(Math.round)).toEqual([128, 0, 128])
	})

	test('of huge pictures do not overflow', () => {
		const small = shrink(
			picture(8000, 400, () => 0xfefdfc),
			320,
		)
		expect(new Set(small.pixels)).toEqual(new Set([0xfffefdfc]))
	})

	test('are the same whether blank lines are known or not', () => {
		const bitmap = picture(400, 300, (i) => (i > 40_000 && i < 80_000 ? noise(i) % 256 : 0xffffff))
		const blank = Uint8Array.from({ length: 300 }, (_, y) => (y < 100 || y >= 200 ? 1 : 0))
		expect(shrink(bitmap, 64, blank)).toEqual(shrink(bitmap, 64))
	})

	test('are never larger than the picture', () => {
		expect(shrink(picture(100, 50, noise), 320)).toMatchObject({ width: 100, height: 50 })
	})
})

function mean(bitmap: Bitmap): number[] {
	const all = channels(bitmap)
	return [0, 1, 2].map((c) => all.reduce((sum, v, i) => (i % 4 === c ? sum + v : sum), 0) / bitmap.pixels.length)
}
