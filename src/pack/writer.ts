/**
 * A pack: the pages of one lease as one object, a ZIP file with stored entries. Everybody can open it, and because the
 * entries are stored as they are, the index makes a page one ranged read.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ImageType, PackIndex, PackPage } from '../core/pack.ts'
import { centralDirectory, localHeader, MAX_ZIP_BYTES, MAX_ZIP_ENTRIES, type ZipEntry } from './zip.ts'

/** A page as it goes into a pack. */
export type PageToPack = {
	/** From 1. */
	page: number
	/** Pixels of the image. */
	width: number
	height: number
	/** Some of its images had to be left out. */
	degraded: boolean
	image: { type: ImageType; bytes: Uint8Array }
	/** Null when there is none: then the image is shown in its place. */
	thumbnail: { type: ImageType; bytes: Uint8Array } | null
	/** UTF-8, lines ended by line feeds. */
	text: Uint8Array
}

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
	add(page: PageToPack): void
	/** Bytes so far, without the directory: to end a pack before it gets too large. */
	size(): number
	/** How many pages were added. */
	pages(): number
	/** The pack of all pages added so far. */
	finish(): Pack
}

const EXTENSIONS = { 'image/png': 'png', 'image/webp': 'webp' } as const satisfies Record<ImageType, string>

/** Writes a pack. It keeps the pages' bytes without copying them, so they must not change until it was sent. */
export function createPackWriter(): PackWriter {
	const pieces: Uint8Array[] = []
	const entries: ZipEntry[] = []
	const pages: PackPage[] = []
	const hash = createHash('sha256')
	let length = 0

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
		add({ page, width, height, degraded, image, thumbnail, text }) {
			const bytes = image.bytes.byteLength + (thumbnail?.bytes.byteLength ?? 0) + text.byteLength
			// A page's headers and its part of the directory are below 1 KiB.
			if (length + bytes + (entries.length + 3) * 1024 > MAX_ZIP_BYTES || entries.length + 3 > MAX_ZIP_ENTRIES) {
				throw new RangeError('the pack is full')
			}
			const number = String(page).padStart(4, '0')
			const shown = { type: image.type, ...store(`page-${number}.${EXTENSIONS[image.type]}`, image.bytes) }
			pages.push({
				page,
				width,
				height,
				...(degraded ? { degraded } : {}),
				image: shown,
				thumbnail: thumbnail
					? {
							type: thumbnail.type,
							...store(`thumbnail-${number}.${EXTENSIONS[thumbnail.type]}`, thumbnail.bytes),
						}
					: shown,
				text: store(`text-${number}.txt`, text),
			})
		},
		size: () => length,
		pages: () => pages.length,
		finish() {
			const directory = centralDirectory(entries, length)
			const all = [...pieces, directory]
			return {
				length: length + directory.byteLength,
				digest: hash.copy().update(directory).digest('hex'),
				index: { pages: [...pages] },
				chunks: () => all,
			}
		},
	}
}
