import { describe, expect, test } from 'vitest'
import { openDocument, type PdfDocument } from '../../src/converter/pdfium/document.ts'
import { createEngine, WORN_HEAP, WORN_PAGES } from '../../src/converter/pdfium/engine.ts'
import { createEngines, type Engines } from '../../src/converter/pdfium/engines.ts'
import { makePdf } from '../fixtures/pdf.ts'
import { pdfium } from './modules.ts'

const MEBIBYTE = 2 ** 20
const SIZE = { width: 800, height: 1035 }

async function open(engines: Engines, source: Uint8Array): Promise<PdfDocument> {
	const opened = await openDocument({ engines, source, size: source.length })
	if (opened.outcome === 'failed') throw new Error(opened.code)
	return opened.document
}

function renderOnce(document: PdfDocument, number: number) {
	const opened = document.openPage(number)
	if (opened.outcome === 'failed') return opened
	const rendered = opened.page.render(SIZE)
	opened.page.close()
	return rendered
}

describe('an engine', () => {
	test('that trapped is broken, fails everything with a code, and the next document gets a new one', async () => {
		const engines = createEngines(pdfium)
		const source = makePdf([{ text: ['still here'] }])
		const document = await open(engines, source)
		const engine = await engines.take()
		// No page begins at this address, far beyond the heap.
		const trapped = engine.attempt((exports) => exports.FPDF_GetPageWidthF(0x7fff_0000))
		expect(trapped).toEqual({ outcome: 'failed', code: 'internal' })
		expect(engine.fault()).toBeInstanceOf(WebAssembly.RuntimeError)
		expect(document.broken()).toBe(true)
		expect(document.openPage(1)).toEqual({ outcome: 'failed', code: 'internal' })
		expect(() => document.close()).not.toThrow()

		const again = await open(engines, source)
		expect(renderOnce(again, 1).outcome).toBe('rendered')
		expect(engines.made()).toBe(2)
	})

	test('gets no more heap than its cap, and counts what it was refused', async () => {
		const engine = await createEngine(pdfium, 40 * MEBIBYTE)
		expect(engine.attempt((exports) => exports.malloc(15 * MEBIBYTE) > 0)).toEqual({ outcome: 'done', value: true })
		expect(engine.refusals()).toBe(0)
		expect(engine.attempt((exports) => exports.malloc(30 * MEBIBYTE))).toEqual({ outcome: 'done', value: 0 })
		expect(engine.refusals()).toBeGreaterThan(0)
		expect(engine.heapBytes()).toBeLessThanOrEqual(40 * MEBIBYTE)
		expect(engine.worn()).toBe(true)
	})

	test('that is refused heap within a page says so: degraded or out of memory, never unnoticed', async () => {
		const source = makePdf([{ photo: { pixels: 2400, seed: 1 } }])
		const roomy = renderOnce(await open(createEngines(pdfium, 128 * MEBIBYTE), source), 1)
		expect(roomy).toMatchObject({ outcome: 'rendered', degraded: false })
		const tight = renderOnce(await open(createEngines(pdfium, 36 * MEBIBYTE), source), 1)
		expect(tight).toSatisfy(
			(result: typeof tight) =>
				(result.outcome === 'rendered' && result.degraded) ||
				(result.outcome === 'failed' && result.code === 'out_of_memory'),
		)
	})

	test('whose bitmap does not fit fails that page and lives on', async () => {
		const document = await open(createEngines(pdfium, 32 * MEBIBYTE), makePdf([{}]))
		const opened = document.openPage(1)
		if (opened.outcome === 'failed') throw new Error(opened.code)
		expect(opened.page.render({ width: 4000, height: 4000 })).toEqual({ outcome: 'failed', code: 'out_of_memory' })
		expect(opened.page.render({ width: 400, height: 400 }).outcome).toBe('rendered')
		expect(document.broken()).toBe(false)
	})
})

describe('recycling', () => {
	test('keeps 250 pages in a loop within bounds', async () => {
		const engines = createEngines(pdfium)
		const source = makePdf(
			Array.from({ length: 250 }, (_, i) => ({
				text: [`Page ${i + 1}`],
				photo: { pixels: 128, seed: i },
			})),
		)
		let document = await open(engines, source)
		let highest = 0
		for (let number = 1; number <= 250; number++) {
			if (document.worn()) {
				document.close()
				document = await open(engines, source)
			}
			expect(renderOnce(document, number).outcome).toBe('rendered')
			highest = Math.max(highest, document.heapBytes())
		}
		document.close()
		expect(highest).toBeLessThan(WORN_HEAP)
		expect(engines.made()).toBe(Math.ceil(250 / WORN_PAGES))
	})

	test('drops an engine whose heap has swollen, and keeps one that has not', async () => {
		const engines = createEngines(pdfium)
		const first = await engines.take()
		expect(await engines.take()).toBe(first)
		first.attempt((exports) => exports.free(exports.malloc(70 * MEBIBYTE)))
		expect(first.heapBytes()).toBeGreaterThan(WORN_HEAP)
		expect(await engines.take()).not.toBe(first)
	})

	test('gives a large document an engine that was not used before, and tells how used an engine is', async () => {
		const engines = createEngines(pdfium)
		const source = makePdf([{}, {}])
		const first = await open(engines, source)
		expect(first.pagesOpened()).toBe(0)
		renderOnce(first, 1)
		first.close()
		const second = await open(engines, source)
		renderOnce(second, 1)
		expect(second.pagesOpened()).toBe(2)
		second.close()
		const used = await engines.take(1_000_000)
		expect(used.pages()).toBe(2)
		const fresh = await engines.take(10_000_000)
		expect(fresh).not.toBe(used)
		expect(await engines.take(10_000_000)).toBe(fresh)
	})
})
