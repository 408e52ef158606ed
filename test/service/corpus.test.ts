/**
 * Real documents through the real service, against another renderer: poppler's `pdftoppm` and `pdftotext`. Skips, saying
 * so, where the documents or poppler are not there.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { PNG } from 'pngjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { watch } from '../../src/client/watch.ts'
import type { ManifestPage } from '../../src/core/protocol.ts'
import { isSettled, type Snapshot } from '../../src/core/snapshot.ts'
import { type Decoded, decodeImage } from '../converter/decode.ts'
import { type Running, start, stop } from './running.ts'

const run = promisify(execFile)

const CORPUS = resolve(import.meta.dirname, '../../../shared/corpus')
const hasCorpus = existsSync(CORPUS)
const hasPoppler = await run('pdftoppm', ['-v']).then(
	() => true,
	() => false,
)
if (!hasCorpus) console.warn('Skipped: the corpus of real documents is not there.')
if (!hasPoppler) console.warn('Skipped: pdftoppm is not there; install poppler-utils.')

/** Squares of this many pixels are averaged before they are compared, so that antialiasing does not count. */
const SQUARE = 16
/** Mean difference of those squares' brightness, of 255. */
const ALIKE = 3

let running: Running
let scratch: string

describe.skipIf(!hasCorpus || !hasPoppler)('a real document', () => {
	beforeAll(async () => {
		running = await start()
		scratch = await mkdtemp(join(tmpdir(), 'platen-corpus-'))
	})

	afterAll(async () => {
		await stop(running)
		await rm(scratch, { recursive: true, force: true })
	})

	test.each([
		{ name: 'tracemonkey.pdf', pageCount: 14, otherColours: [] },
		// On these pages a CalRGB matrix permutes the channels, and PDFium (as Chrome) and poppler read it differently.
		{ name: 'calrgb.pdf', pageCount: 17, otherColours: [6, 8, 9, 10, 15, 16, 17] },
	])('becomes the pages that poppler sees: $name', async ({ name, pageCount, otherColours }) => {
		const file = join(CORPUS, name)
		const { document } = await running.client.upload(new Uint8Array(await readFile(file)), {
			name,
			contentType: 'application/pdf',
		})
		const snapshots = await toTheEnd(document.id)
		expect(snapshots.at(-1)).toMatchObject({ status: 'completed', readyPages: `1-${pageCount}`, failedPageCount: 0 })
		const percents = snapshots.map(({ progress }) => progress)
		expect(percents).toEqual(percents.toSorted((one, other) => one - other))
		expect(percents.indexOf(100)).toBe(percents.length - 1)

		const { pages } = await running.client.pages(document.id)
		expect(pages).toHaveLength(pageCount)
		const differences: number[] = []
		for (const page of pages) {
			const image = await imageOf(page)
			expect([image.width, image.height]).toEqual([page.width, page.height])
			// Where only colours differ, the black text on white at the top still has to be in its place.
			const share = (otherColours as number[]).includes(page.page) ? 0.06 : 1
			differences.push(difference(image, await rendered(file, page), share))
			const ours = wordsOf(await running.client.text(page.textUrl ?? ''))
			const theirs = wordsOf((await run('pdftotext', ['-f', `${page.page}`, '-l', `${page.page}`, file, '-'])).stdout)
			const missing = [...theirs].filter((word) => !ours.has(word))
			expect(missing.length, `words of page ${page.page}: ${missing}`).toBeLessThanOrEqual(theirs.size * 0.05)
		}
		console.info(name, 'difference from pdftoppm', differences.map((value) => value.toFixed(2)).join(' '))
		expect(Math.max(...differences)).toBeLessThan(ALIKE)
	})
})

function toTheEnd(id: string): Promise<Snapshot[]> {
	const snapshots: Snapshot[] = []
	return new Promise((resolvePromise, reject) => {
		const onSnapshot = (snapshot: Snapshot) => {
			snapshots.push(snapshot)
			if (isSettled(snapshot.status)) resolvePromise(snapshots)
		}
		watch(running.client, id, onSnapshot, () => {}, { onError: reject })
	})
}

async function imageOf({ type, imageUrl }: ManifestPage): Promise<Decoded> {
	return await decodeImage(type ?? 'image/png', await running.client.bytes(imageUrl ?? ''))
}

async function rendered(file: string, { page, width, height }: ManifestPage): Promise<Decoded> {
	const out = join(scratch, `page-${page}`)
	const size = ['-scale-to-x', `${width}`, '-scale-to-y', `${height}`]
	await run('pdftoppm', ['-png', '-singlefile', '-f', `${page}`, '-l', `${page}`, ...size, file, out])
	return PNG.sync.read(await readFile(`${out}.png`))
}

/** @param share how much of the page is compared, from its top: 1 is all */
function difference(one: Decoded, other: Decoded, share: number): number {
	const [ours, theirs] = [squares(one, share), squares(other, share)]
	return ours.reduce((sum, value, index) => sum + Math.abs(value - (theirs[index] ?? 0)), 0) / ours.length
}

/** Mean brightness of each square. */
function squares({ width, height, data }: Decoded, share: number): number[] {
	const means: number[] = []
	for (let top = 0; top + SQUARE <= height * share; top += SQUARE) {
		for (let left = 0; left + SQUARE <= width; left += SQUARE) {
			let sum = 0
			for (let y = top; y < top + SQUARE; y++) {
				for (let x = left; x < left + SQUARE; x++) {
					const at = (y * width + x) * 4
					sum += ((data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0)) / 3
				}
			}
			means.push(sum / SQUARE ** 2)
		}
	}
	return means
}

/** Words of four letters or more: shorter ones and those divided at a line's end are a matter of taste. */
function wordsOf(text: string): Set<string> {
	return new Set(text.toLowerCase().match(/(?<![\p{L}-])\p{L}{4,}(?![\p{L}-])/gu) ?? [])
}
