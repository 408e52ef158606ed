import pdfium from '@embedpdf/pdfium/pdfium.wasm'
import webp from '@jsquash/webp/codec/enc/webp_enc_simd.wasm'
import { expect, test } from 'vitest'
import { createImageEncoder } from '../../src/converter/encode/image.ts'
import { createPackWriter } from '../../src/converter/pack.ts'
import { convertPage } from '../../src/converter/page.ts'
import { openDocument } from '../../src/converter/pdfium/document.ts'
import { createEngines } from '../../src/converter/pdfium/engines.ts'
import { pageWordsSchema, textOfWords } from '../../src/core/words.ts'
import { makePdf } from '../fixtures/pdf.ts'

const source = makePdf([{ text: ['Hello from workerd 😀'] }, { photo: { pixels: 64, seed: 3 } }])

test('inside workerd a PDF becomes pages, thumbnails, text and a pack', async () => {
	const engines = createEngines(pdfium)
	const stream = new Blob([source.slice()]).stream()
	const opened = await openDocument({ engines, source: stream, size: source.length })
	if (opened.outcome === 'failed') throw new Error(opened.code)
	const writer = createPackWriter()
	const options = { encoder: createImageEncoder(webp), width: 1600, lossy: 80 }
	for (const number of [1, 2]) {
		const converted = await convertPage(opened.document, number, options)
		if (converted.outcome === 'failed') throw new Error(converted.code)
		writer.add(converted.page)
		if (number !== 1) continue
		expect(new TextDecoder().decode(converted.page.text)).toBe('Hello from workerd 😀')
		const { words } = pageWordsSchema.parse(JSON.parse(new TextDecoder().decode(converted.page.words)))
		expect(textOfWords(words)).toBe('Hello from workerd 😀')
	}
	opened.document.close()
	const pack = writer.finish()
	const whole = new Uint8Array(await new Blob([...pack.chunks()] as BlobPart[]).arrayBuffer())
	expect(whole.length).toBe(pack.length)
	const [text, photo] = pack.index.pages
	expect([text?.image.type, photo?.image.type]).toEqual(['image/png', 'image/webp'])
	const start = (offset = 0) => String.fromCharCode(...whole.slice(offset, offset + 12))
	expect(start(text?.image.offset).slice(1, 4)).toBe('PNG')
	expect(start(photo?.image.offset)).toMatch(/^RIFF[\s\S]{4}WEBP$/)
})

test('inside workerd a trap breaks the engine only, and the cap on the heap holds', async () => {
	const engines = createEngines(pdfium, 40 * 2 ** 20)
	const engine = await engines.take()
	expect(engine.attempt((exports) => exports.malloc(60 * 2 ** 20))).toEqual({ outcome: 'done', value: 0 })
	expect(engine.refusals()).toBeGreaterThan(0)
	const trapped = engine.attempt((exports) => exports.FPDF_GetPageWidthF(0x7fff_0000))
	expect(trapped).toEqual({ outcome: 'failed', code: 'internal' })
	const opened = await openDocument({ engines, source, size: source.length })
	expect(opened.outcome).toBe('opened')
})
