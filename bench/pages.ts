/**
 * How long pages take to convert, on one thread, and what takes the time.
 *
 *     node bench/pages.ts [--corpus DIR] [--pages N] [--rounds N]
 *
 * Every PDF of the folder is opened, up to N pages (8) spread over it are converted at 1600 px with thumbnail, text and words,
 * after a first round that is not counted (wasm and JavaScript get their optimised code then).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
	createImageEncoder,
	encodeFewColours,
	encodeImage,
	encodeManyColours,
	type ImageEncoder,
	studyColours,
} from '../src/converter/encode/image.ts'
import { shrink } from '../src/converter/encode/thumbnail.ts'
import { openDocument, type PdfDocument } from '../src/converter/pdfium/document.ts'
import { createEngines } from '../src/converter/pdfium/engines.ts'
import { rendering, renderSize, THUMBNAIL_WIDTH } from '../src/core/options.ts'

/** Over 100 MB of PDFium's heap, or a single page of 6 s: measured apart, as they would be all of the mean. */
const APART = new Set(['images.pdf', 'issue13931.pdf', 'bug1978317.pdf', 'issue16263.pdf'])
const PASSWORDS: Record<string, string> = { 'pr6531_1.pdf': 'asdfasdf', 'issue6010_1.pdf': 'abc' }

const steps = ['load', 'render', 'encode', 'thumbnail', 'text', 'words'] as const
type Step = (typeof steps)[number]
type Sample = { type: string; bytes: number; words: number; hasText: boolean; ms: Record<Step, number> }

const { values } = parseArgs({
	options: {
		corpus: { type: 'string', default: fileURLToPath(new URL('../../shared/corpus', import.meta.url)) },
		pages: { type: 'string', default: '8' },
		rounds: { type: 'string', default: '2' },
	},
})
if (!existsSync(values.corpus)) {
	console.error(`No folder ${values.corpus}: give one with PDFs by --corpus.`)
	process.exit(1)
}

const require = createRequire(import.meta.url)
const compile = (name: string) => WebAssembly.compile(readFileSync(require.resolve(name)))
const engines = createEngines(await compile('@embedpdf/pdfium/pdfium.wasm'))
const encoder = createImageEncoder(await compile('@jsquash/webp/codec/enc/webp_enc_simd.wasm'))

/** As `convertPage` does it, with a clock between the steps. */
async function samplePage(document: PdfDocument, number: number, encoding: ImageEncoder): Promise<Sample | null> {
	const ms: Record<Step, number> = { load: 0, render: 0, encode: 0, thumbnail: 0, text: 0, words: 0 }
	let from = performance.now()
	const lap = (step: Step) => {
		const now = performance.now()
		ms[step] += now - from
		from = now
	}
	const { width, lossy } = rendering.medium
	const opened = document.openPage(number)
	if (opened.outcome === 'failed') return null
	lap('load')
	try {
		const rendered = opened.page.render(renderSize(opened.page.points, width))
		if (rendered.outcome === 'failed') return null
		lap('render')
		const { bitmap } = rendered
		const few = studyColours(encoding, bitmap)
		lap('encode')
		const small = shrink(bitmap, THUMBNAIL_WIDTH, few?.colours.blank)
		lap('thumbnail')
		const image = few ? encodeFewColours(encoding, bitmap, few) : await encodeManyColours(encoding, bitmap, lossy)
		lap('encode')
		const thumbnail = await encodeImage(encoding, small, lossy)
		lap('thumbnail')
		const text = opened.page.text()
		lap('text')
		const places = opened.page.words()
		if (!image || !thumbnail || text.outcome === 'failed' || places.outcome === 'failed') return null
		const words = new TextEncoder().encode(JSON.stringify(places.value))
		lap('words')
		return {
			type: image.type,
			bytes: image.bytes.byteLength + thumbnail.bytes.byteLength + text.value.byteLength + words.byteLength,
			words: words.byteLength,
			hasText: places.value.words.length > 0,
			ms,
		}
	} finally {
		opened.page.close()
	}
}

const sum = (sample: Sample) => steps.reduce((total, step) => total + sample.ms[step], 0)
const mean = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0) / Math.max(1, numbers.length)
const row = (samples: Sample[]) =>
	`${[mean(samples.map(sum)), ...steps.map((step) => mean(samples.map((sample) => sample.ms[step])))]
		.map((value) => value.toFixed(1).padStart(9))
		.join('')}${(mean(samples.map((sample) => sample.bytes)) / 1024).toFixed(0).padStart(7)} KB`

const all: Sample[] = []
const firstPages: number[] = []
const rounds = Number(values.rounds)
for (let round = 1; round <= rounds; round++) {
	const counted = round === rounds
	if (counted) console.log(`${'document'.padEnd(36)}pages  ms a page${steps.map((step) => step.padStart(9)).join('')}`)
	for (const name of readdirSync(values.corpus).sort()) {
		if (!name.endsWith('.pdf') || APART.has(name)) continue
		const source = readFileSync(`${values.corpus}/${name}`)
		const began = performance.now()
		const password = PASSWORDS[name]
		const opened = await openDocument({ engines, source, size: source.length, ...(password ? { password } : {}) })
		if (opened.outcome === 'failed') {
			if (counted) console.log(`${name.padEnd(36)}${opened.code}`)
			continue
		}
		const { document } = opened
		const count = Math.min(document.pageCount, Number(values.pages))
		const samples: Sample[] = []
		for (let i = 0; i < count; i++) {
			const sample = await samplePage(document, 1 + Math.floor((i * document.pageCount) / count), encoder)
			if (i === 0 && counted) firstPages.push(performance.now() - began)
			if (sample) samples.push(sample)
			if (document.broken()) break
		}
		document.close()
		if (!counted) continue
		all.push(...samples)
		console.log(`${name.padEnd(36)}${String(samples.length).padStart(5)}  ${row(samples)}`)
	}
}
console.log(`${'all'.padEnd(36)}${String(all.length).padStart(5)}  ${row(all)}`)
for (const type of ['image/png', 'image/webp']) {
	const samples = all.filter((sample) => sample.type === type)
	console.log(`${`  as ${type}`.padEnd(36)}${String(samples.length).padStart(5)}  ${row(samples)}`)
}
const texts = all.filter(({ hasText }) => hasText)
console.log(`${'  with text'.padEnd(36)}${String(texts.length).padStart(5)}  ${row(texts)}`)
const share = mean(texts.map(({ ms }) => ms.words)) / mean(texts.map(sum))
const size = mean(texts.map(({ words }) => words)) / mean(texts.map(({ bytes }) => bytes))
const kilobytes = (mean(texts.map(({ words }) => words)) / 1024).toFixed(1)
const percent = (of: number) => `${(of * 100).toFixed(1)} %`
console.log(`words of a page with text: ${percent(share)} of its time; ${kilobytes} KB, ${percent(size)} of its bytes`)
const sorted = firstPages.sort((a, b) => a - b)
console.log(`open and first page: ${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(1)} ms median`)
console.log(`engines made: ${engines.made()}`)
