import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROJECT } from '../../scripts/local/folder.ts'
import { pageWordsSchema, textOfWords } from '../../src/core/words.ts'
import { makePdf } from '../fixtures/pdf.ts'
import { type Running, start, stop } from './running.ts'

let running: Running
let scratch: string

beforeAll(async () => {
	running = await start()
	scratch = await mkdtemp(join(tmpdir(), 'platen-convert-'))
})

afterAll(async () => {
	await stop(running)
	await rm(scratch, { recursive: true, force: true })
})

interface Converted {
	code: number
	output: string
	out: string
}

/** Runs `npm run convert` on a file with these bytes. */
async function convert(bytes: Uint8Array, ...more: string[]): Promise<Converted> {
	return await convertWith({}, bytes, ...more)
}

/** @param environment on top of our own */
async function convertWith(environment: NodeJS.ProcessEnv, bytes: Uint8Array, ...more: string[]): Promise<Converted> {
	const file = join(await mkdtemp(join(scratch, 'in-')), 'file.pdf')
	const out = await mkdtemp(join(scratch, 'out-'))
	await writeFile(file, bytes)
	const script = join(PROJECT, 'scripts/convert.ts')
	return await new Promise((resolve) => {
		const options = ['--out', out, '--persist', running.path, ...more]
		const env = { ...process.env, ...environment }
		execFile(process.execPath, [script, file, ...options], { env }, (error, stdout, stderr) => {
			const code = error === null ? 0 : Number(error.code)
			resolve({ code, output: stdout + stderr, out })
		})
	})
}

test('convert saves every page, its thumbnail and its text', async () => {
	const startedAt = performance.now()
	const { code, output, out } = await convert(makePdf([{ text: ['first'] }, { text: ['second'] }]))
	// The command ends when the work does: a socket that is not let go would hold it for ten seconds more.
	expect(performance.now() - startedAt).toBeLessThan(9_000)
	expect(output).toContain('2 pages')
	expect(code).toBe(0)
	const names = (await readdir(out)).sort()
	const stems = names.map((name) => name.replace(/\.(png|webp)$/, '.image'))
	expect(stems).toEqual(
		[1, 2].flatMap((page) => [`page-000${page}.image`, `page-000${page}.txt`, `thumbnail-000${page}.image`]).sort(),
	)
	expect(await readFile(join(out, 'page-0002.txt'), 'utf8')).toContain('second')
})

test('convert saves where the words are when it is told to', async () => {
	const { code, out } = await convert(makePdf([{ text: ['some words'] }]), '--words')
	expect(code).toBe(0)
	const { words } = pageWordsSchema.parse(JSON.parse(await readFile(join(out, 'page-0001.words.json'), 'utf8')))
	expect(textOfWords(words)).toBe('some words')
})

test.each([
	{ what: 'a damaged PDF', bytes: makePdf([{ text: ['cut'] }]).subarray(0, 200), text: 'damaged or is not a PDF' },
	{ what: 'no PDF', bytes: new TextEncoder().encode('GIF89a'), text: 'not a PDF' },
])('convert ends with 1 and says why, for $what', async ({ bytes, text }) => {
	const { code, output, out } = await convert(bytes)
	expect(output).toContain(text)
	expect(code).toBe(1)
	expect(await readdir(out)).toEqual([])
})

describe('convert of a protected document', () => {
	const document = makePdf([{ text: ['first'] }, { text: ['second'] }], { revision: 6, user: 'Schwertfisch' })

	test('goes on with the password that the environment has', async () => {
		const { code, output, out } = await convertWith({ PLATEN_PASSWORD: 'Schwertfisch' }, document)
		expect(output).toContain('2 pages')
		expect(output).not.toContain('Schwertfisch')
		expect(code).toBe(0)
		expect(await readFile(join(out, 'page-0002.txt'), 'utf8')).toContain('second')
	})

	test('ends with 1 when there is none, or another, and says where it is looked for', async () => {
		const without = await convert(document)
		expect(without.output).toContain('PLATEN_PASSWORD')
		expect(without.code).toBe(1)
		const wrong = await convertWith({ PLATEN_PASSWORD: 'Thunfisch' }, document)
		expect(wrong.output).toContain('PLATEN_PASSWORD is not the password')
		expect(wrong.output).not.toContain('Thunfisch')
		expect(wrong.code).toBe(1)
	})
})
