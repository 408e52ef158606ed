/**
 * The text of a whole document, or its words with their places, out of its packs: planned as parts in order, then
 * streamed, so that it takes no more memory for ten thousand pages than for one.
 */
import type { PackPage } from '../core/pack.ts'
import { within } from '../deadline.ts'
import type { PageView } from './document/object.ts'
import { packKey } from './files.ts'

/** Bytes of a pack, or ASCII characters that are written between such. */
export type Part = string | { fence: number; offset: number; length: number }

/** What separates pages: U+000C, which texts of pages do not contain. */
const FORM_FEED = '\f'

/** What is passed on at once, in bytes; parts are mostly smaller. */
const GATHERED = 64 * 1024

/** Milliseconds for R2 to begin, and to go on, with its answer. */
const ANSWER = 10_000

/** Every page's text, with a form feed between each two; a page that is missing or failed leaves its place empty. */
export function textParts(view: PageView): Part[] {
	const found = pagesOf(view)
	const last = Math.max(view.totalPages ?? 0, ...found.slice(-1).map(({ page }) => page.page))
	const parts: Part[] = []
	let number = 1
	for (const { fence, page } of found) {
		if (page.page > number) parts.push(FORM_FEED.repeat(page.page - number))
		parts.push({ fence, ...page.text })
		number = page.page
	}
	if (last > number) parts.push(FORM_FEED.repeat(last - number))
	return parts
}

/** JSON as `documentWordsSchema` says. The pages' own JSON is not parsed on the way. */
export function wordsParts(view: PageView): Part[] {
	const { jobId, totalPages } = view
	const parts: Part[] = [`${JSON.stringify({ jobId, totalPages }).slice(0, -1)},"pages":[`]
	for (const [index, { fence, page }] of pagesOf(view).entries()) {
		const { words, page: number, width, height } = page
		const opening = `${index === 0 ? '' : ','}${JSON.stringify({ page: number, width, height }).slice(0, -1)},`
		// Behind its brace, an object's members go on with those before.
		if (words) parts.push(opening, { fence, offset: words.offset + 1, length: words.length - 1 })
		else parts.push(`${opening}"words":null}`)
	}
	return [...parts, ']}']
}

/** Bytes of all parts together. */
export function lengthOf(parts: readonly Part[]): number {
	return parts.reduce((sum, part) => sum + part.length, 0)
}

/**
 * The bytes of all parts, in pieces. The next pack is asked for while one is read.
 *
 * @throws Error when a pack is not there any more, is shorter than it was, or does not come in time
 */
export async function* bytesOf(
	bucket: R2Bucket,
	documentId: string,
	parts: readonly Part[],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
	const runs = runsOf(parts)
	const open = (run: Run | undefined) => (run ? openRun(bucket, documentId, run) : null)
	let ahead = open(runs[0])
	let gathered = new Uint8Array(GATHERED)
	let filled = 0
	try {
		for (const [index, run] of runs.entries()) {
			const body = await ahead
			ahead = open(runs[index + 1])
			// Whoever waits for it hears of it; until then it is nobody's.
			ahead?.catch(() => undefined)
			for await (const piece of piecesOf(run, body)) {
				for (let from = 0; from < piece.length; ) {
					const taken = piece.subarray(from, from + GATHERED - filled)
					gathered.set(taken, filled)
					filled += taken.length
					from += taken.length
					if (filled < GATHERED) continue
					yield gathered
					gathered = new Uint8Array(GATHERED)
					filled = 0
				}
			}
		}
		if (filled > 0) yield gathered.slice(0, filled)
	} finally {
		void ahead?.then((body) => body?.cancel()).catch(() => undefined)
	}
}

type FoundPage = { fence: number; page: PackPage }

/** In the order of their numbers. */
function pagesOf(view: PageView): FoundPage[] {
	return view.packs
		.flatMap(({ fence, index }) => index.pages.map((page) => ({ fence, page })))
		.sort((one, other) => one.page.page - other.page.page)
}

/** Parts that follow each other in one pack: one ranged read. */
type Run = { fence: number; from: number; to: number; parts: Part[] }

/** Packs of older releases have pictures between the texts; those are read past, since a request a page costs more. */
function runsOf(parts: readonly Part[]): Run[] {
	const runs: Run[] = []
	for (const part of parts) {
		const run = runs.at(-1)
		if (typeof part === 'string') {
			if (run) run.parts.push(part)
			else runs.push({ fence: 0, from: 0, to: 0, parts: [part] })
		} else if (run && part.fence === run.fence && part.offset >= run.to) {
			run.parts.push(part)
			run.to = part.offset + part.length
		} else {
			runs.push({ fence: part.fence, from: part.offset, to: part.offset + part.length, parts: [part] })
		}
	}
	return runs
}

/** Null when nothing has to be read. */
async function openRun(
	bucket: R2Bucket,
	documentId: string,
	{ fence, from, to }: Run,
): Promise<ReadableStream<Uint8Array> | null> {
	if (from === to) return null
	const range = { offset: from, length: to - from }
	const object = await within(ANSWER, bucket.get(packKey(documentId, fence), { range }))
	if (!object) throw new Error('a pack is not there any more')
	return object.body
}

async function* piecesOf(run: Run, body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void> {
	const reader = body?.getReader()
	let at = run.from
	let rest = new Uint8Array() as Uint8Array
	/** The next bytes, `most` of them at most. */
	async function next(most: number): Promise<Uint8Array> {
		while (rest.length === 0) {
			const answer = reader && (await within(ANSWER, reader.read()))
			if (!answer?.value) throw new Error('a pack is shorter than it was')
			rest = answer.value
		}
		const piece = rest.subarray(0, most)
		rest = rest.subarray(piece.length)
		at += piece.length
		return piece
	}
	try {
		for (const part of run.parts) {
			if (typeof part === 'string') {
				yield new TextEncoder().encode(part)
				continue
			}
			while (at < part.offset) await next(part.offset - at)
			const end = part.offset + part.length
			while (at < end) yield await next(end - at)
		}
	} finally {
		await reader?.cancel().catch(() => undefined)
	}
}
