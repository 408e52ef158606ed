/**
 * What the service has written down, read from the files in which Miniflare keeps it. It may be read while the service
 * runs, and is exactly what a kill has left when it does not.
 */
import { copyFileSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type StoredDocument, storedDocument } from './document.ts'

/** "attempt to write a readonly database"; the extended codes say why in their higher bits. */
const SQLITE_READONLY = 8

/** One object in R2. */
export interface StoredFile {
	key: string
	/** Bytes. */
	size: number
}

/** A row of D1 or of an object, as it is. */
export type Row = Record<string, unknown>

export interface Stored {
	documents: StoredDocument[]
	files: StoredFile[]
	/** Tables of D1, by name. */
	history: Record<string, Row[]>
	/** Who waits in the lineup. */
	lineup: Row[]
}

/** @param path the folder that Miniflare was given */
export function readStored(path: string): Stored {
	const files = databases(path, 'r2/miniflare-R2BucketObject').flatMap((file) =>
		reading(file, (database) => rowsOf(database, '_mf_objects')),
	)
	return {
		documents: readDocuments(path),
		files: files.map(({ key, size }) => ({ key: String(key), size: Number(size) })),
		history: Object.assign(
			{},
			...databases(path, 'd1/miniflare-D1DatabaseObject').map((file) => reading(file, tablesOf)),
		),
		lineup: databases(path, 'do/*-LineupObject').flatMap((file) =>
			reading(file, (database) => rowsOf(database, 'line')),
		),
	}
}

/** Only the documents' objects. */
export function readDocuments(path: string): StoredDocument[] {
	const rings = alarmsIn(path)
	return databases(path, 'do/*-DocumentObject').flatMap((file) => {
		const rows = reading(file, (database) => rowsOf(database, 'record'))
		const alarm = reading(file, alarmOf)
		return storedDocument(rows, { written: alarm, armed: rings.get(basename(file, '.sqlite')) ?? null }) ?? []
	})
}

function databases(path: string, folder: string): string[] {
	return globSync(join(path, folder, '*.sqlite')).filter((file) => basename(file) !== 'metadata.sqlite')
}

/** When workerd will ring, by object. Milliseconds since the epoch. */
function alarmsIn(path: string): Map<string, number> {
	const [file] = globSync(join(path, 'do/*-DocumentObject/metadata.sqlite'))
	const rows = file ? reading(file, (database) => rowsOf(database, '_cf_ALARM')) : []
	return new Map(rows.map((row) => [String(row.actor_id), milliseconds(row.scheduled_time)]))
}

/** What the object itself has written down of its alarm, in the same transactions as its rows. */
function alarmOf(database: DatabaseSync): number | null {
	const row = rowsOf(database, '_cf_METADATA').find(({ key }) => Number(key) === 1)
	return typeof row?.value === 'number' || typeof row?.value === 'bigint' ? milliseconds(row.value) : null
}

/** workerd counts nanoseconds. */
function milliseconds(nanoseconds: unknown): number {
	return Number(BigInt(nanoseconds as bigint) / 1_000_000n)
}

function tablesOf(database: DatabaseSync): Record<string, Row[]> {
	const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
	const own = names.map(({ name }) => String(name)).filter((name) => !/^(?:_cf_|sqlite_|d1_)/.test(name))
	return Object.fromEntries(own.map((name) => [name, rowsOf(database, name)]))
}

/** Empty when there is no such table: an object that was asked about and never made. */
function rowsOf(database: DatabaseSync, table: string): Row[] {
	const known = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table)
	if (!known) return []
	const query = database.prepare(`SELECT * FROM "${table}"`)
	// Nanoseconds do not fit into a number.
	query.setReadBigInts(true)
	return query.all().map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, narrow(value)])))
}

function narrow(value: unknown): unknown {
	return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** Never changes a file: what a kill has left in the write-ahead log stays for the service to find. */
function reading<T>(file: string, read: (database: DatabaseSync) => T): T {
	try {
		return readingAsIs(file, true, read)
	} catch (error) {
		if (!(error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_READONLY))
			throw error
	}
	// It was killed while it wrote: its log has to be put in order first, and that is done with a copy.
	const folder = mkdtempSync(join(tmpdir(), 'platen-chaos-read-'))
	try {
		const copy = join(folder, basename(file))
		for (const suffix of ['', '-wal']) {
			if (existsSync(`${file}${suffix}`)) copyFileSync(`${file}${suffix}`, `${copy}${suffix}`)
		}
		return readingAsIs(copy, false, read)
	} finally {
		rmSync(folder, { recursive: true })
	}
}

function readingAsIs<T>(file: string, readOnly: boolean, read: (database: DatabaseSync) => T): T {
	const database = new DatabaseSync(file, { readOnly, timeout: 5_000 })
	try {
		return read(database)
	} finally {
		database.close()
	}
}
