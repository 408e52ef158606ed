import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openDocument, type PdfDocument } from '../../src/converter/pdfium/document.ts'
import { createEngines } from '../../src/converter/pdfium/engines.ts'
import type { Bitmap } from '../../src/converter/pdfium/page.ts'
import { makePdf } from '../fixtures/pdf.ts'
import { pdfium } from './modules.ts'

const CORPUS = new URL('../../../shared/corpus/', import.meta.url)
const RED = [200, 30, 40] as const

async function open(source: Uint8Array, password?: string, engines = createEngines(pdfium)) {
	return openDocument({ engines, source, size: source.length, ...(password === undefined ? {} : { password }) })
}

async function opened(source: Uint8Array, engines = createEngines(pdfium)): Promise<PdfDocument> {
	const outcome = await open(source, undefined, engines)
	if (outcome.outcome === 'failed') throw new Error(outcome.code)
	return outcome.document
}

function page(document: PdfDocument, number = 1) {
	const outcome = document.openPage(number)
	if (outcome.outcome === 'failed') throw new Error(outcome.code)
	return outcome.page
}

function draw(document: PdfDocument, size: { width: number; height: number }, number = 1): Bitmap {
	const rendered = page(document, number).render(size)
	if (rendered.outcome === 'failed') throw new Error(rendered.code)
	return rendered.bitmap
}

function text(document: PdfDocument, number = 1): string {
	const read = page(document, number).text()
	if (read.outcome === 'failed') throw new Error(read.code)
	return new TextDecoder('utf-8', { fatal: true }).decode(read.value)
}

function at({ pixels, width }: Bitmap, x: number, y: number): number[] {
	const pixel = pixels[y * width + x] ?? 0
	return [pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255, pixel >>> 24]
}

describe('a document', () => {
	test('gives its pages, their size and their text', async () => {
		const document = await opened(makePdf([{ text: ['First line', 'Second (line)'] }, { size: [300, 200] }]))
		expect(document.pageCount).toBe(2)
		expect(page(document, 1).points).toEqual({ width: 612, height: 792 })
		expect(page(document, 2).points).toEqual({ width: 300, height: 200 })
		expect(text(document, 1)).toBe('First line\nSecond (line)')
		expect(text(document, 2)).toBe('')
	})

	test('keeps characters outside the first plane, and what follows them', async () => {
		const document = await opened(makePdf([{ text: ['😀 then 😀 the end'] }]))
		expect(text(document)).toBe('😀 then 😀 the end')
	})

	test('is drawn in red, green, blue order on opaque white', async () => {
		const document = await opened(makePdf([{ size: [100, 100], rectangles: [{ box: [0, 50, 50, 100], colour: RED }] }]))
		const bitmap = draw(document, { width: 200, height: 200 })
		expect(at(bitmap, 50, 50)).toEqual([...RED, 255])
		expect(at(bitmap, 150, 150)).toEqual([255, 255, 255, 255])
		expect(at(bitmap, 50, 150)).toEqual([255, 255, 255, 255])
	})

	test('is drawn turned and cropped as it says', async () => {
		const corner = { box: [0, 50, 50, 100], colour: RED } as const
		const document = await opened(
			makePdf([
				{ size: [200, 100], rotate: 90, rectangles: [corner] },
				{ size: [200, 100], crop: [0, 50, 100, 100], rectangles: [corner] },
			]),
		)
		expect(page(document, 1).points).toEqual({ width: 100, height: 200 })
		const turned = draw(document, { width: 100, height: 200 }, 1)
		expect(at(turned, 75, 25)).toEqual([...RED, 255])
		expect(at(turned, 25, 25)).toEqual([255, 255, 255, 255])
		expect(page(document, 2).points).toEqual({ width: 100, height: 50 })
		const cropped = draw(document, { width: 100, height: 50 }, 2)
		expect(at(cropped, 25, 45)).toEqual([...RED, 255])
		expect(at(cropped, 75, 45)).toEqual([255, 255, 255, 255])
	})

	test('is drawn with its annotations and form fields', async () => {
		const annotation = { box: [10, 10, 40, 40], colour: RED } as const
		const field = { box: [60, 60, 90, 90], colour: [20, 60, 220] } as const
		const document = await opened(makePdf([{ size: [100, 100], annotation, field }, { size: [100, 100] }]))
		const bitmap = draw(document, { width: 100, height: 100 })
		expect(at(bitmap, 25, 75)).toEqual([...RED, 255])
		expect(at(bitmap, 75, 25)).toEqual([...field.colour, 255])
		expect(new Set(draw(document, { width: 100, height: 100 }, 2).pixels)).toEqual(new Set([0xffffffff]))
		expect(() => document.close()).not.toThrow()
		expect(document.broken()).toBe(false)
	})

	test('may come as a stream in pieces of any size', async () => {
		const source = makePdf([{ text: ['in pieces'] }])
		const stream = new ReadableStream<Uint8Array>({
			start(controller) {
				for (let from = 0; from < source.length; from += 7) controller.enqueue(source.slice(from, from + 7))
				controller.close()
			},
		})
		const outcome = await openDocument({ engines: createEngines(pdfium), source: stream, size: source.length })
		expect(outcome.outcome === 'opened' && text(outcome.document)).toBe('in pieces')
	})

	test('has no page 0 and none after the last', async () => {
		const document = await opened(makePdf([{}]))
		expect(document.openPage(0)).toEqual({ outcome: 'failed', code: 'invalid_document' })
		expect(document.openPage(2)).toEqual({ outcome: 'failed', code: 'invalid_document' })
	})
})

describe('what cannot be opened', () => {
	const whole = makePdf([{ text: ['whole'] }])
	const invalid = { outcome: 'failed', code: 'invalid_document' }

	test('is no PDF, empty, or has no page', async () => {
		expect(await open(new TextEncoder().encode('just a text'))).toEqual(invalid)
		expect(await open(new Uint8Array())).toEqual(invalid)
		expect(await open(makePdf([]))).toEqual(invalid)
		expect(await open(whole.slice(0, 200))).toEqual(invalid)
	})

	test('is a stream that is shorter or longer than it was said to be', async () => {
		const engines = createEngines(pdfium)
		const attempt = (size: number) => openDocument({ engines, source: new Blob([whole.slice()]).stream(), size })
		expect(await attempt(whole.length + 1)).toEqual(invalid)
		expect(await attempt(whole.length - 1)).toEqual(invalid)
		expect((await attempt(whole.length)).outcome).toBe('opened')
	})

	test('is a stream that breaks off with an error, which may be tried again', async () => {
		const source = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('lost')) })
		const outcome = await openDocument({ engines: createEngines(pdfium), source, size: 10 })
		expect(outcome).toEqual({ outcome: 'failed', code: 'internal' })
	})

	test('is larger than the heap may become', async () => {
		const outcome = await openDocument({ engines: createEngines(pdfium), source: whole, size: 200_000_000 })
		expect(outcome).toEqual({ outcome: 'failed', code: 'out_of_memory' })
	})

	test('leaves no memory behind', async () => {
		const engines = createEngines(pdfium)
		const engine = await engines.take()
		const damaged = new Uint8Array(4_000_000)
		for (let i = 0; i < 50; i++) {
			await open(damaged, undefined, engines)
			await openDocument({ engines, source: damaged, size: damaged.length + 1 })
		}
		expect(await engines.take()).toBe(engine)
		expect(engine.heapBytes()).toBeLessThan(32_000_000)
	})
})

describe.each([3, 6] as const)('a document that is protected by revision %i', (revision) => {
	const made = (user: string) => makePdf([{ text: ['For your eyes only'] }], { revision, user, owner: 'the author' })
	const read = async (source: Uint8Array, password: string) => {
		const outcome = await open(source, password)
		if (outcome.outcome === 'failed') return outcome.code
		const text = page(outcome.document).text()
		return text.outcome === 'failed' ? text.code : new TextDecoder().decode(text.value)
	}

	test('asks for its password, refuses a wrong one, and opens with the right one or its owner’s', async () => {
		const source = made('open sesame')
		expect(await open(source)).toEqual({ outcome: 'failed', code: 'password_required' })
		for (const wrong of ['open Sesame', 'öpen sesame', ' open sesame', 'x'.repeat(200)]) {
			expect(await open(source, wrong)).toEqual({ outcome: 'failed', code: 'password_wrong' })
		}
		expect(await read(source, 'open sesame')).toBe('For your eyes only')
		expect(await read(source, 'the author')).toBe('For your eyes only')
	})

	test('opens without one when only its owner has one, and looks at none that is given', async () => {
		const source = made('')
		expect((await open(source)).outcome).toBe('opened')
		expect(await read(source, 'whatever')).toBe('For your eyes only')
	})

	test('opens with a password beyond ASCII, however the keyboard composes it', async () => {
		const source = made('Schlüssel für Zoë')
		expect(await open(source)).toEqual({ outcome: 'failed', code: 'password_required' })
		expect(await read(source, 'Schlüssel für Zoë')).toBe('For your eyes only')
		expect(await read(source, 'Schlüssel für Zoë'.normalize('NFD'))).toBe('For your eyes only')
		expect(await read(source, 'Schlussel fur Zoe')).toBe('password_wrong')
	})

	test('opens with a password that is longer than what PDF looks at', async () => {
		const long = `${'x'.repeat(126)}üyz`
		expect(await read(made(long), long)).toBe('For your eyes only')
	})
})

test('a password of before Unicode opens with signs that Latin-1 has not', async () => {
	// “€ uro – ŒŽ” in PDFDocEncoding.
	const source = makePdf([{ text: ['old'] }], { revision: 3, user: '\u00a0 uro \u0085 \u0096\u0099' })
	expect((await open(source, '€ uro – ŒŽ')).outcome).toBe('opened')
	expect(await open(source, '€ uro — ŒŽ')).toEqual({ outcome: 'failed', code: 'password_wrong' })
})

test('the heap of an engine that was told a password is not used for another document', async () => {
	const engines = createEngines(pdfium)
	const source = makePdf([{ text: ['x'] }], { revision: 6, user: 'correct horse battery' })
	const heap = async () => Buffer.from((await engines.take()).heap())
	await open(source, undefined, engines)
	expect(engines.made()).toBe(1)
	await open(source, 'another horse battery', engines)
	expect((await heap()).includes('another horse battery')).toBe(false)
	expect(engines.made()).toBe(2)
	const outcome = await open(source, 'correct horse battery', engines)
	if (outcome.outcome === 'failed') throw new Error(outcome.code)
	expect(page(outcome.document).text()).toMatchObject({ outcome: 'done' })
	outcome.document.close()
	expect((await heap()).includes('correct horse battery')).toBe(false)
	expect(engines.made()).toBe(3)
})

describe.skipIf(!existsSync(CORPUS))('protected documents (needs ../shared/corpus)', () => {
	const read = (name: string) => readFileSync(new URL(name, CORPUS))

	test('ask for a password, refuse a wrong one and open with the right one', async () => {
		expect(await open(read('pr6531_1.pdf'))).toEqual({ outcome: 'failed', code: 'password_required' })
		expect(await open(read('pr6531_1.pdf'), 'wrong')).toEqual({ outcome: 'failed', code: 'password_wrong' })
		expect((await open(read('pr6531_1.pdf'), 'asdfasdf')).outcome).toBe('opened')
		expect((await open(read('issue6010_1.pdf'), 'abc')).outcome).toBe('opened')
	})

	test('open without one when only their owner has a password', async () => {
		expect((await open(read('empty_protected.pdf'))).outcome).toBe('opened')
	})
})
