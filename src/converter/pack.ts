/**
 * A pack: the pages of one lease as one object, a ZIP file with stored entries. Everybody can open it, and because the
 * entries are stored as they are, the index makes a page one ranged read.
 *
 * Pictures come first, page by page, then all texts, then all words: so one ranged read brings the texts of a whole pack,
 * and another the words.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ImageType, PackIndex, PackPage } from '../core/pack.ts'
import type { ConvertedPage } from './page.ts'
import { centralDirectory, localHeader, MAX_ZIP_BYTES, MAX_ZIP_ENTRIES, type ZipEntry } from './zip.ts'

/** Bytes of a pack: `length` of them from `offset` on, the stored bytes themselves without headers. */
type PackRange = PackPage['text']

export type Pack = {
	/** Bytes of the whole. */
	length: number
	/** SHA-256 of the whole, in hexadecimal. */
	digest: string
	index: PackIndex
	/** The pack's bytes in order, in pieces. May be walked more than once, to send it again. */
	chunks(): Iterable<Uint8Array>
}

export type PackWriter = {
	/** @throws RangeError when a pack would become larger than the format allows (4 GiB, 65,535 entries) */
	add(page: ConvertedPage): void
	/** Bytes so far, without the directory: to end a pack before it gets too large. */
	size(): number
	/** How many pages were added. */
	pages(): number
	/** The pack of all pages that were added. It ends the writer. */
	finish(): Pack
}

const EXTENSIONS = { 'image/png': 'png', 'image/webp': 'webp' } as const satisfies Record<ImageType, string>

/** Image, thumbnail, text, words. */
const ENTRIES_OF_PAGE = 4

type Shown = Omit<PackPage, 'text' | 'words'>

/** Writes a pack. It keeps the pages' bytes without copying them, so they must not change until it was sent. */
export function createPackWriter(): PackWriter {
	const pieces: Uint8Array[] = []
	const entries: ZipEntry[] = []
	const pages: { shown: Shown; text: Uint8Array; words: Uint8Array }[] = []
	const hash = createHash('sha256')
	let length = 0
	/** Bytes of the texts and words that are yet to be written. */
	let held = 0

	function append(piece: Uint8Array): void {
		pieces.push(piece)
		hash.update(piece)
		length += piece.byteLength
	}

	function store(name: string, content: Uint8Array): PackRange {
		const entry = {
			name: new TextEncoder().encode(name),
			crc: crc32(content),
			size: content.byteLength,
			offset: length,
		}
		append(localHeader(entry))
		entries.push(entry)
		const offset = length
		append(content)
		return { offset, length: content.byteLength }
	}

	return {
		add({ page, width, height, degraded, image, thumbnail, text, words }) {
			const bytes = image.bytes.byteLength + thumbnail.bytes.byteLength + text.byteLength + words.byteLength
			const count = (pages.length + 1) * ENTRIES_OF_PAGE
			// An entry's header and its part of the directory are below 256 bytes.
			if (length + held + bytes + count * 256 > MAX_ZIP_BYTES || count > MAX_ZIP_ENTRIES) {
				throw new RangeError('the pack is full')
			}
			const shown = {
				page,
				width,
				height,
				...(degraded ? { degraded } : {}),
				image: { type: image.type, ...store(`page-${padded(page)}.${EXTENSIONS[image.type]}`, image.bytes) },
				thumbnail: {
					type: thumbnail.type,
					...store(`thumbnail-${padded(page)}.${EXTENSIONS[thumbnail.type]}`, thumbnail.bytes),
				},
			}
			pages.push({ shown, text, words })
			held += text.byteLength + words.byteLength
		},
		size: () => length + held,
		pages: () => pages.length,
		finish() {
			const withTexts = pages.map(({ shown, text, words }) => {
				return { page: { ...shown, text: store(`text-${padded(shown.page)}.txt`, text) }, words }
			})
			const index = withTexts.map(({ page, words }) => {
				return { ...page, words: store(`words-${padded(page.page)}.json`, words) }
			})
			append(centralDirectory(entries, length))
			return { length, digest: hash.digest('hex'), index: { pages: index }, chunks: () => pieces }
		},
	}
}

function padded(page: number): string {
	return String(page).padStart(4, '0')
}
