import { describe, expect, test } from 'vitest'
import { createImageEncoder, encodeImage, encodeManyColours } from '../../src/converter/encode/image.ts'
import { imageHeader } from '../../src/core/image-header.ts'
import { webp } from './modules.ts'

/** A WebP of one chunk, as far as its header goes. */
function webpWith(chunk: string, content: number[]): Uint8Array {
	const bytes = new Uint8Array(60)
	bytes.set(Buffer.from(`RIFF\0\0\0\0WEBP${chunk}\0\0\0\0`, 'latin1'))
	bytes.set(content, 20)
	return bytes
}

describe('an image says itself what it is, and how large:', () => {
	test('a PNG, as our own encoder writes it', async () => {
		const pixels = new Uint32Array(300 * 7).fill(0xffffffff)
		const encoded = await encodeImage(createImageEncoder(webp), { width: 300, height: 7, pixels }, 80)
		expect(imageHeader(encoded?.bytes ?? new Uint8Array())).toEqual({ type: 'image/png', width: 300, height: 7 })
	})

	test('a WebP with losses, as our own encoder writes it', async () => {
		const pixels = new Uint32Array(33 * 65).map((_, index) => 0xff000000 | (index * 7919))
		const encoded = await encodeManyColours(createImageEncoder(webp), { width: 33, height: 65, pixels }, 80)
		expect(imageHeader(encoded?.bytes ?? new Uint8Array())).toEqual({ type: 'image/webp', width: 33, height: 65 })
	})

	test('a WebP without losses', () => {
		// One black pixel, from the format's description.
		const one = Buffer.from('UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==', 'base64')
		expect(imageHeader(one)).toEqual({ type: 'image/webp', width: 1, height: 1 })
		// 14 bits each, less one: 1000 × 500.
		const packed = 999 | (499 << 14)
		const bytes = webpWith('VP8L', [0x2f, ...[0, 8, 16, 24].map((by) => (packed >>> by) & 255)])
		expect(imageHeader(bytes)).toEqual({ type: 'image/webp', width: 1000, height: 500 })
	})

	test('a WebP with more to it, whose size is that of its canvas', () => {
		const bytes = webpWith('VP8X', [0, 0, 0, 0, 0x57, 0x04, 0x01, 0x63, 0, 0])
		expect(imageHeader(bytes)).toEqual({ type: 'image/webp', width: 0x10458, height: 100 })
	})
})

test.each([
	['nothing', new Uint8Array()],
	['a GIF', Buffer.from('GIF89a'.padEnd(60))],
	['a PNG that is cut', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
	['a PNG that begins otherwise', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rtEXt'.padEnd(60, '\x01'), 'latin1')],
	['a PNG without pixels', Buffer.from(`\x89PNG\r\n\x1a\n\0\0\0\rIHDR${'\0'.repeat(40)}`, 'latin1')],
	['a sound', Buffer.from('RIFF\0\0\0\0WAVE'.padEnd(60), 'latin1')],
	['a WebP of an unknown kind', webpWith('VP9 ', [0x2f])],
	['a WebP without its start code', webpWith('VP8 ', [0, 0, 0, 1, 2, 3, 9, 9, 9, 9])],
	['a lossless WebP without its signature', webpWith('VP8L', [1, 9, 9, 9, 9])],
])('%s is no image that can be shown', (_, bytes) => {
	expect(imageHeader(bytes)).toBeNull()
})
