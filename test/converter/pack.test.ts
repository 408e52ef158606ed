import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { PNG } from 'pngjs'
import { describe, expect, test } from 'vitest'
import { createImageEncoder } from '../../src/converter/encode/image.ts'
import { createPackWriter, type Pack } from '../../src/converter/pack.ts'
import { type ConvertedPage, convertPage } from '../../src/converter/page.ts'
import { openDocument } from '../../src/converter/pdfium/document.ts'
import { createEngines } from '../../src/converter/pdfium/engines.ts'
import { pageWordsSchema, textOfWords } from '../../src/core/words.ts'
import { makePdf } from '../fixtures/pdf.ts'
import { pdfium, webp } from './modules.ts'

const source = makePdf([
	{ text: ['first line', 'second line'] },
	{ size: [400, 400], photo: { pixels: 64, seed: 7 } },
	{ size: [300, 300], rectangles: [{ box: [0, 0, 300, 300], colour: [10, 200, 30] }] },
])

async function convertAll(): Promise<ConvertedPage[]> {
	const opened = await openDocument({ engines: createEngines(pdfium), source, size: source.length })
	if (opened.outcome === 'failed') throw new Error(opened.code)
	const options = { encoder: createImageEncoder(webp), width: 1000, lossy: 65 }
	const pages: ConvertedPage[] = []
	for (let number = 1; number <= opened.document.pageCount; number++) {
		const converted = await convertPage(opened.document, number, options)
		if (converted.outcome === 'failed') throw new Error(converted.code)
		pages.push(converted.page)
	}
	opened.document.close()
	return pages
}

function pack(pages: readonly ConvertedPage[]): Pack {
	const writer = createPackWriter()
	for (const page of pages) writer.add(page)
	return writer.finish()
}

const wholeOf = (made: Pack) => new Uint8Array(Buffer.concat([...made.chunks()]))

describe('a converted page', () => {
	test('is image, thumbnail and text', async () => {
		const [text, photo, flat] = await convertAll()
		expect(text).toMatchObject({ page: 1, width: 1000, height: 1294, degraded: false })
		expect(text?.image.type).toBe('image/png')
		expect(new TextDecoder().decode(text?.text)).toContain('second line')
		expect(photo?.image.type).toBe('image/webp')
		expect(photo?.thumbnail).toMatchObject({ type: 'image/webp', width: 320, height: 320 })
		const thumbnail = PNG.sync.read(Buffer.from(flat?.thumbnail.bytes ?? []))
		expect([...thumbnail.data.subarray(0, 4)]).toEqual([10, 200, 30, 255])
	})

	test('that is not there fails with a code', async () => {
		const opened = await openDocument({ engines: createEngines(pdfium), source, size: source.length })
		if (opened.outcome === 'failed') throw new Error(opened.code)
		const options = { encoder: createImageEncoder(webp), width: 1000, lossy: 65 }
		expect(await convertPage(opened.document, 4, options)).toEqual({ outcome: 'failed', code: 'invalid_document' })
	})

	test('whose heap has swollen is encoded without it, and the document asks to be opened again', async () => {
		const engines = createEngines(pdfium)
		const opened = await openDocument({ engines, source, size: source.length })
		if (opened.outcome === 'failed') throw new Error(opened.code)
		const [, before] = await convertAll()
		const engine = await engines.take()
		engine.attempt((exports) => exports.free(exports.malloc(70 * 2 ** 20)))
		const options = { encoder: createImageEncoder(webp), width: 1000, lossy: 65 }
		const converted = await convertPage(opened.document, 2, options)
		expect(converted).toEqual({ outcome: 'converted', page: before })
		expect(opened.document.broken()).toBe(true)
	})
})

describe('a pack', () => {
	test('is a ZIP whose entries are what the index points at', async () => {
		const pages = await convertAll()
		const made = pack(pages)
		const whole = wholeOf(made)
		const entries = unzipSync(whole)
		expect(Object.keys(entries)).toEqual([
			'page-0001.png',
			'thumbnail-0001.png',
			'page-0002.webp',
			'thumbnail-0002.webp',
			'page-0003.png',
			'thumbnail-0003.png',
			'text-0001.txt',
			'text-0002.txt',
			'text-0003.txt',
			'words-0001.json',
			'words-0002.json',
			'words-0003.json',
		])
		const slice = ({ offset, length }: { offset: number; length: number }) => whole.slice(offset, offset + length)
		for (const [i, page] of made.index.pages.entries()) {
			const number = `000${page.page}`
			const extension = page.image.type.slice('image/'.length)
			expect(slice(page.image)).toEqual(entries[`page-${number}.${extension}`])
			expect(slice(page.image)).toEqual(new Uint8Array(pages[i]?.image.bytes ?? []))
			expect(slice(page.thumbnail)).toEqual(new Uint8Array(pages[i]?.thumbnail.bytes ?? []))
			expect(slice(page.text)).toEqual(entries[`text-${number}.txt`])
			expect(slice(page.text)).toEqual(new Uint8Array(pages[i]?.text ?? []))
			if (!page.words) throw new Error('no words')
			expect(slice(page.words)).toEqual(entries[`words-${number}.json`])
			const { words } = pageWordsSchema.parse(JSON.parse(new TextDecoder().decode(slice(page.words))))
			expect(textOfWords(words)).toBe(page.page === 1 ? 'first line\nsecond line' : '')
		}
	})

	test('has its texts side by side, and its words, so that one read brings those of all pages', async () => {
		const { index } = pack(await convertAll())
		for (const kind of ['text', 'words'] as const) {
			const extents = index.pages.map((page) => page[kind] ?? { offset: 0, length: 0 })
			for (const [i, { offset }] of extents.entries()) {
				const before = extents[i - 1]
				if (before) expect(offset - before.offset - before.length).toBeLessThan(64)
				if (before) expect(offset).toBeGreaterThan(before.offset)
			}
		}
	})

	test('says how large it has become while pages are added, texts and words included', async () => {
		const [first] = await convertAll()
		if (!first) throw new Error('no page')
		const writer = createPackWriter()
		writer.add({ ...first, text: new Uint8Array(5_000_000), words: new Uint8Array(1_000_000) })
		expect(writer.size()).toBeGreaterThan(6_000_000)
	})

	test('knows its length and digest, and is the same for the same pages', async () => {
		const pages = await convertAll()
		const made = pack(pages)
		const whole = wholeOf(made)
		expect(made.length).toBe(whole.length)
		expect(made.digest).toBe(createHash('sha256').update(whole).digest('hex'))
		expect(pack(pages).digest).toBe(made.digest)
	})

	test('marks degraded pages, and only those', async () => {
		const [first, second] = await convertAll()
		if (!first || !second) throw new Error('no pages')
		const { index } = pack([first, { ...second, degraded: true }])
		expect(index.pages.map((page) => page.degraded)).toEqual([undefined, true])
		expect('degraded' in (index.pages[0] ?? {})).toBe(false)
	})

	test('pads numbers to four digits, and lets longer ones be longer', async () => {
		const [first] = await convertAll()
		if (!first) throw new Error('no page')
		const made = pack([{ ...first, page: 10_000 }])
		expect(Object.keys(unzipSync(wholeOf(made)))[0]).toBe('page-10000.png')
	})

	test('passes the check of unzip', async (context) => {
		const folder = mkdtempSync(join(tmpdir(), 'pack-'))
		try {
			const file = join(folder, 'pack.zip')
			writeFileSync(file, wholeOf(pack(await convertAll())))
			expect(execFileSync('unzip', ['-t', file], { encoding: 'utf8' })).toContain('No errors detected')
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
			context.skip('unzip is not installed')
		} finally {
			rmSync(folder, { recursive: true })
		}
	})
})
