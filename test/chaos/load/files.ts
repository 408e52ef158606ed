/** The documents that are uploaded: small, so that many are under way, and unlike, so that every path is taken. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT } from '../../../scripts/local/folder.ts'
import { type FixturePage, makePdf } from '../../fixtures/pdf.ts'

export interface UploadFile {
	name: string
	bytes: Uint8Array<ArrayBuffer>
}

/** Real documents, where the machine has them. */
const CORPUS = join(PROJECT, '../shared/corpus')
const REAL = ['tracemonkey.pdf', 'refcard-ja-a4.pdf']

export interface Files {
	/** One page: it is gone before anybody looks. */
	page: UploadFile
	others: readonly UploadFile[]
}

export async function uploadFiles(): Promise<Files> {
	const text = (page: number): FixturePage => ({ text: [`Page ${page}`] })
	// Noise takes long to encode, so there are reports within a chunk.
	const mixed = (page: number): FixturePage =>
		page % 4 === 0 ? { ...text(page), photo: { pixels: 160, seed: page } } : text(page)
	const real = REAL.map((name) => join(CORPUS, name)).filter((path) => existsSync(path))
	return {
		page: file('one.pdf', [text(1)]),
		others: [
			file('five.pdf', pages(5, text)),
			file('forty.pdf', pages(40, mixed)),
			file('twelve.pdf', pages(12, mixed)),
			// Begins as a PDF does, and is none: its converter gives the lease up.
			{ name: 'broken.pdf', bytes: new TextEncoder().encode('%PDF-1.7\nnothing\n') },
			...(await Promise.all(real.map(async (path) => ({ name: path, bytes: new Uint8Array(await readFile(path)) })))),
		],
	}
}

function pages(count: number, page: (number: number) => FixturePage): FixturePage[] {
	return Array.from({ length: count }, (_, index) => page(index + 1))
}

function file(name: string, content: FixturePage[]): UploadFile {
	return { name, bytes: makePdf(content).slice() }
}
