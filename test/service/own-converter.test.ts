import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PNG } from 'pngjs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openFolder, PROJECT } from '../../scripts/local/folder.ts'
import { localSecret } from '../../scripts/local/secret.ts'
import { createToken } from '../../src/client/token.ts'
import { isSettled, type Snapshot } from '../../src/core/snapshot.ts'
import { makePdf } from '../fixtures/pdf.ts'
import { type Running, start, stop } from './running.ts'

const EXAMPLE = join(PROJECT, 'examples/own-converter/converter.ts')

let running: Running
const converters: ChildProcess[] = []

beforeAll(async () => {
	running = await start(undefined, { OWN_CONVERTER_TYPES: 'text/plain' })
})

afterEach(async () => {
	for (const converter of converters.splice(0)) await end(converter)
})

afterAll(() => stop(running))

async function end(converter: ChildProcess): Promise<void> {
	if (converter.exitCode !== null || converter.signalCode !== null) return
	converter.kill('SIGKILL')
	await once(converter, 'exit')
}

/** Runs the example, as its README says. */
async function startConverter(): Promise<ChildProcess> {
	const secret = await localSecret(await openFolder(running.path))
	const token = await createToken(secret, { sub: 'texts', scope: 'converter' })
	const env = { ...process.env, PLATEN_URL: running.address, PLATEN_TOKEN: token }
	const converter = spawn(process.execPath, [EXAMPLE], { env, stdio: ['ignore', 'ignore', 'inherit'] })
	converters.push(converter)
	return converter
}

async function upload(text: string): Promise<string> {
	const bytes = new TextEncoder().encode(text)
	const { document } = await running.client.upload(bytes, { name: 'text.txt', contentType: 'text/plain' })
	return document.id
}

async function settled(id: string): Promise<Snapshot> {
	for (;;) {
		const snapshot = await running.client.status(id)
		if (isSettled(snapshot.status)) return snapshot
		await sleep(100)
	}
}

interface Picture {
	width: number
	height: number
	data: Buffer
}

/** What is drawn where a letter stands, as text: the example's letters are 12 by 20 pixels, behind a margin of one. */
function cell({ width, data }: Picture, line: number, column: number): string {
	let dots = ''
	for (let y = (line + 1) * 20; y < (line + 2) * 20; y++) {
		for (let x = (column + 1) * 12; x < (column + 2) * 12; x++)
			dots += (data[(y * width + x) * 4] ?? 255) < 128 ? '#' : '.'
	}
	return dots
}

test('the example has eighty lines at most', async () => {
	expect((await readFile(EXAMPLE, 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(80)
})

test('the example turns a text into pages that can be read, while PDFs are converted as ever', async () => {
	await startConverter()
	const lines = ['ABBA sang, Ünder the moon', '', ...Array.from({ length: 68 }, (_, index) => `line ${index + 3}`)]
	const id = await upload(`${lines.join('\r\n')}\r\n`)
	const pdf = makePdf([{ text: ['a page'] }])
	const other = await running.client.upload(pdf.slice(), { name: 'a.pdf', contentType: 'application/pdf' })
	expect(await settled(id)).toMatchObject({ status: 'completed', totalPages: 2, readyPages: '1-2', retryCount: 0 })
	expect(await settled(other.document.id)).toMatchObject({ status: 'completed', totalPages: 1 })

	const { pages } = await running.client.pages(id)
	expect(pages.map(({ width, height, type }) => [width, height, type])).toEqual(Array(2).fill([984, 1240, 'image/png']))
	const texts = await Promise.all(pages.map(({ textUrl }) => running.client.text(textUrl ?? '')))
	expect(texts.join('\n')).toBe(lines.join('\n'))

	const [first, second] = await Promise.all(
		pages.map(async ({ imageUrl }) => PNG.sync.read(Buffer.from(await running.client.bytes(imageUrl ?? '')))),
	)
	if (!first || !second) throw new Error('two pages were promised')
	const [a, b] = [cell(first, 0, 0), cell(first, 0, 1)]
	expect([cell(first, 0, 2), cell(first, 0, 3)]).toEqual([b, a])
	expect(a).not.toBe(b)
	// Letters are ink, blanks are none.
	const ink = (dots: string) => [...dots].filter((dot) => dot === '#').length
	expect([a, b].map(ink).every((count) => count > 40)).toBe(true)
	expect([cell(first, 0, 4), cell(first, 1, 0), cell(first, 0, 79), cell(second, 10, 0)].map(ink)).toEqual([0, 0, 0, 0])
	// The same word at the end of the one page and at the beginning of the other.
	expect([0, 1, 2, 3].map((column) => cell(second, 0, column))).toEqual(
		[0, 1, 2, 3].map((column) => cell(first, 59, column)),
	)
})

test('a text waits for a converter, and one that dies while it waits for texts takes none with it', async () => {
	const first = await startConverter()
	await sleep(3_000)
	await end(first)
	const id = await upload('somebody will come')
	await sleep(3_000)
	expect(await running.client.status(id)).toMatchObject({ status: 'queued', queuePosition: 1 })
	await startConverter()
	expect(await settled(id)).toMatchObject({ status: 'completed', retryCount: 0 })
})
