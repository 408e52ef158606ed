import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { openDocument } from '../../src/converter/pdfium/document.ts'
import { createEngines } from '../../src/converter/pdfium/engines.ts'
import type { Bitmap } from '../../src/converter/pdfium/page.ts'
import { MAX_CHARACTERS } from '../../src/converter/pdfium/words.ts'
import { AFTER, pageWordsSchema, textOfWords, WORDS_SCALE, type Word } from '../../src/core/words.ts'
import { type FixturePage, makePdf } from '../fixtures/pdf.ts'
import { pdfium } from './modules.ts'

const run = promisify(execFile)

async function read(source: Uint8Array, number = 1) {
	const opened = await openDocument({ engines: createEngines(pdfium), source, size: source.length })
	if (opened.outcome === 'failed') throw new Error(opened.code)
	const outcome = opened.document.openPage(number)
	if (outcome.outcome === 'failed') throw new Error(outcome.code)
	const { page } = outcome
	const [text, places] = [page.text(), page.words()]
	if (text.outcome === 'failed' || places.outcome === 'failed') throw new Error('no text')
	const { words, truncated } = pageWordsSchema.parse(JSON.parse(JSON.stringify(places.value)))
	return { page, words, truncated, text: new TextDecoder().decode(text.value), pageCount: opened.document.pageCount }
}

const readPage = (page: FixturePage) => read(makePdf([page]))

function wordIn(words: readonly Word[], text: string): Word {
	const word = words.find(([candidate]) => candidate === text)
	if (!word) throw new Error(`"${text}" is not among ${JSON.stringify(words)}`)
	return word
}

describe('the words of a page', () => {
	test('lie where the page says', async () => {
		// The baseline is 90 points below the top; Helvetica's "H" is 0.722 em wide and 0.718 em high.
		const { words } = await readPage({ size: [600, 400], text: ['H HHH'] })
		expect(words).toHaveLength(2)
		const [x, y, width, height] = wordIn(words, 'HHH')
			.slice(1, 5)
			.map((part) => Number(part) / WORDS_SCALE)
		if (x === undefined || y === undefined || width === undefined || height === undefined) throw new Error('no place')
		expect(x * 600).toBeCloseTo(72 + (0.722 + 0.278) * 18, 0)
		expect(width * 600).toBeCloseTo(3 * 0.722 * 18, 0)
		expect(y * 400).toBeLessThan(90 - 0.718 * 18)
		expect((y + height) * 400).toBeGreaterThan(90)
		expect(height * 400).toBeLessThan(1.5 * 18)
	})

	test.each([0, 90, 180, 270] as const)(
		'lie on the ink of the image, on a page turned by %i and cropped',
		async (rotate) => {
			const { page, words } = await readPage({
				size: [400, 300],
				rotate,
				crop: [50, 20, 380, 260],
				placed: [
					{ at: [80, 200], text: 'Right' },
					{ at: [300, 60], turn: 90, text: 'upwards' },
					{ at: [220, 150], turn: 180, text: 'over' },
					{ at: [120, 130], turn: 270, text: 'down' },
				],
			})
			const rendered = page.render({ width: 2 * page.points.width, height: 2 * page.points.height })
			if (rendered.outcome === 'failed') throw new Error(rendered.code)
			expect(words.map(([text]) => text).toSorted()).toEqual(['Right', 'down', 'over', 'upwards'])
			let ink = 0
			for (const word of words) {
				const found = inkWithin(rendered.bitmap, word)
				ink += found.count
				// The box is as long as the word, and its font's height higher than the ink.
				const [along, across] = (word[6] ?? 0) % 2 === 0 ? [found.right, found.down] : [found.down, found.right]
				expect(along, word[0]).toBeGreaterThan(0.85)
				expect(across, word[0]).toBeGreaterThan(0.4)
			}
			// All but a few pixels of edges that were smoothed.
			expect(ink).toBeGreaterThan(inkOf(rendered.bitmap) * 0.995)
			const quarters = rotate / 90
			const turns = ['Right', 'down', 'over', 'upwards'].map((text) => wordIn(words, text)[6] ?? 0)
			expect(turns).toEqual([0, 1, 2, 3].map((turn) => (turn + quarters) % 4))
		},
	)

	test('read as its text does: lines, characters outside the first plane, ligatures', async () => {
		const { words, text } = await readPage({ text: ['First line, wide', '😀 and ﬁne', 'last'] })
		expect(text).toBe('First line, wide\n😀 and fine\nlast')
		expect(textOfWords(words)).toBe('First line, wide\n😀 and fine\nlast')
		expect(words.map(([, , , , , after = AFTER.space]) => after)).toEqual([0, 0, 1, 0, 0, 1, 1])
		expect(wordIn(words, '😀')[3]).toBeGreaterThan(0)
	})

	test('that a hyphen divides have a part in each line, and read as one', async () => {
		const { words } = await readPage({ text: ['a di-', 'vision'] })
		expect(textOfWords(words)).toBe('a division')
		const [first, second] = [wordIn(words, 'di'), wordIn(words, 'vision')]
		expect(first[5]).toBe(AFTER.nothing)
		expect(second[2]).toBeGreaterThan(first[2] + first[4] / 2)
		// What is marked of it covers the hyphen.
		const alone = wordIn((await readPage({ text: ['a di'] })).words, 'di')
		expect(first[3]).toBeGreaterThan(alone[3] + 50)
	})

	test('that cannot be seen are left out, and those at the edge end there', async () => {
		const { words, text } = await readPage({
			size: [300, 200],
			crop: [0, 0, 300, 100],
			placed: [
				{ at: [20, 150], text: 'hidden' },
				{ at: [20, 50], text: 'seen' },
				{ at: [280, 50], text: 'cut' },
			],
		})
		expect(text).toContain('hidden')
		expect(words.map(([word]) => word)).toEqual(['seen', 'cut'])
		const [, x, , width] = wordIn(words, 'cut')
		expect(x + width).toBe(WORDS_SCALE)
	})

	test('are none on a page without text', async () => {
		expect((await readPage({ photo: { pixels: 8, seed: 1 } })).words).toEqual([])
	})

	test('of a page with too many characters are those of its beginning, and the page says so', async () => {
		const line = 'word '.repeat(200)
		const lines = (count: number) => Array.from({ length: count }, () => line)
		const count = MAX_CHARACTERS / line.length
		// Far apart, so that the lines are within the page.
		const size = [10_000, 24 * (count + 60)] as const
		const whole = await readPage({ size, text: lines(count - 5) })
		expect(whole.truncated).toBeUndefined()
		expect(whole.words).toHaveLength((count - 5) * 200)
		const { truncated, words, text } = await readPage({ size, text: lines(count + 50) })
		expect(truncated).toBe(true)
		expect(words.length).toBeGreaterThan((count - 5) * 200)
		expect(words.length).toBeLessThanOrEqual(count * 200)
		expect(text.match(/word/g)).toHaveLength((count + 50) * 200)
	})
})

const CORPUS = new URL('../../../shared/corpus/', import.meta.url)
const hasCorpus = existsSync(CORPUS)
const hasPoppler = await run('pdftotext', ['-v']).then(
	() => true,
	() => false,
)
if (!hasCorpus) console.warn('Skipped: the corpus of real documents is not there.')
if (!hasPoppler) console.warn('Skipped: pdftotext is not there; install poppler-utils.')

describe.skipIf(!hasCorpus || !hasPoppler)('the words of a real document', () => {
	test.each([
		{ name: 'tracemonkey.pdf', number: 3 },
		{ name: 'octave.pdf', number: 100 },
		// Cropped, with text outside of what is shown.
		{ name: 'freeculture.pdf', number: 59 },
		// Landscape, by a rotation.
		{ name: 'issue14497.pdf', number: 1 },
	])('lie where poppler finds them: $name', async ({ name, number }) => {
		const { page, words } = await read(new Uint8Array(readFileSync(new URL(name, CORPUS))), number)
		const theirs = await popplerWords(fileURLToPath(new URL(name, CORPUS)), number, page.points)
		expect(theirs.length).toBeGreaterThan(5)
		const lost = theirs.filter(({ text, box }) => {
			const same = words.filter(([word]) => word === text)
			return !same.some(([, x, y, width, height]) => overlap(box, [x, y, x + width, y + height]) > 0.5)
		})
		expect(lost.length, `not where poppler has them: ${lost.map(({ text }) => text)}`).toBeLessThan(
			theirs.length * 0.03,
		)
	})
})

type Edges = readonly [left: number, top: number, right: number, bottom: number]

/** Words of four letters or more; what divides shorter ones, and numbers, is a matter of taste. */
async function popplerWords(file: string, number: number, size: { width: number; height: number }) {
	const { stdout } = await run('pdftotext', ['-bbox', '-cropbox', '-f', `${number}`, '-l', `${number}`, file, '-'])
	const found = stdout.matchAll(/xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">([A-Za-z]{4,})</g)
	return [...found].map(([, left, top, right, bottom, text]) => {
		const across = (part: string | undefined) => (Number(part) / size.width) * WORDS_SCALE
		const down = (part: string | undefined) => (Number(part) / size.height) * WORDS_SCALE
		return { text, box: [across(left), down(top), across(right), down(bottom)] as const }
	})
}

/** The share of both areas together that is in both. */
function overlap(one: Edges, other: Edges): number {
	const area = ([left, top, right, bottom]: Edges) => Math.max(0, right - left) * Math.max(0, bottom - top)
	const both = area([
		Math.max(one[0], other[0]),
		Math.max(one[1], other[1]),
		Math.min(one[2], other[2]),
		Math.min(one[3], other[3]),
	])
	return both / (area(one) + area(other) - both)
}

const isInk = (pixel: number | undefined) => pixel !== undefined && pixel !== 0xffffffff

function inkOf({ pixels }: Bitmap): number {
	return pixels.filter(isInk).length
}

/** How many pixels within a word's box are not white, and which share of its width and height they take. */
function inkWithin({ pixels, width, height }: Bitmap, word: Word) {
	const [, x, y, w, h] = word
	const left = Math.floor((x / WORDS_SCALE) * width)
	const right = Math.ceil(((x + w) / WORDS_SCALE) * width)
	const top = Math.floor((y / WORDS_SCALE) * height)
	const bottom = Math.ceil(((y + h) / WORDS_SCALE) * height)
	const columns = new Set<number>()
	const rows = new Set<number>()
	let count = 0
	for (let row = top; row < bottom; row++) {
		for (let column = left; column < right; column++) {
			if (!isInk(pixels[row * width + column])) continue
			count++
			columns.add(column)
			rows.add(row)
		}
	}
	const spread = (places: Set<number>) => Math.max(...places) - Math.min(...places) + 1
	return { count, right: spread(columns) / (right - left), down: spread(rows) / (bottom - top) }
}
