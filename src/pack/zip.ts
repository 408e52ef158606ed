/**
 * The bytes around the entries of a ZIP file whose entries are stored as they are.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */

const LOCAL_HEADER = 0x04034b50
const CENTRAL_HEADER = 0x02014b50
const END = 0x06054b50

/** Version 2.0 of the format, the least that every reader knows. */
const VERSION = 20
/** Names are UTF-8. */
const FLAGS = 0x0800
const STORED = 0
/** The first moment that the format knows, 1 January 1980: a pack's bytes depend on its pages alone. */
const TIME = 0
const DATE = 0x0021

const LOCAL_BYTES = 30
const CENTRAL_BYTES = 46
const END_BYTES = 22

/** Without the 64-bit extension offsets have 32 bits and counts 16. */
export const MAX_ZIP_BYTES = 2 ** 32 - 1
export const MAX_ZIP_ENTRIES = 2 ** 16 - 1

export type ZipEntry = {
	name: Uint8Array
	crc: number
	/** Bytes of the content. */
	size: number
	/** Where the entry's local header begins, in bytes from the start of the file. */
	offset: number
}

/** What comes before an entry's content. */
export function localHeader({ name, crc, size }: ZipEntry): Uint8Array {
	const bytes = new Uint8Array(LOCAL_BYTES + name.length)
	const view = new DataView(bytes.buffer)
	view.setUint32(0, LOCAL_HEADER, true)
	view.setUint16(4, VERSION, true)
	setCommon(view, 6, crc, size, name.length)
	bytes.set(name, LOCAL_BYTES)
	return bytes
}

/** The list of entries at the end of the file, which readers begin with. */
export function centralDirectory(entries: readonly ZipEntry[], offset: number): Uint8Array {
	const size = entries.reduce((sum, { name }) => sum + CENTRAL_BYTES + name.length, 0)
	const bytes = new Uint8Array(size + END_BYTES)
	const view = new DataView(bytes.buffer)
	let at = 0
	for (const entry of entries) {
		view.setUint32(at, CENTRAL_HEADER, true)
		view.setUint16(at + 4, VERSION, true)
		view.setUint16(at + 6, VERSION, true)
		setCommon(view, at + 8, entry.crc, entry.size, entry.name.length)
		view.setUint32(at + 42, entry.offset, true)
		bytes.set(entry.name, at + CENTRAL_BYTES)
		at += CENTRAL_BYTES + entry.name.length
	}
	view.setUint32(at, END, true)
	view.setUint16(at + 8, entries.length, true)
	view.setUint16(at + 10, entries.length, true)
	view.setUint32(at + 12, size, true)
	view.setUint32(at + 16, offset, true)
	return bytes
}

/** The fields that both headers share, from the flags to the length of the name. */
function setCommon(view: DataView, at: number, crc: number, size: number, nameLength: number): void {
	view.setUint16(at, FLAGS, true)
	view.setUint16(at + 2, STORED, true)
	view.setUint16(at + 4, TIME, true)
	view.setUint16(at + 6, DATE, true)
	view.setUint32(at + 8, crc, true)
	view.setUint32(at + 12, size, true)
	view.setUint32(at + 16, size, true)
	view.setUint16(at + 20, nameLength, true)
}
