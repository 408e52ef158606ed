/** The persist folder: everything that a local instance keeps, and where in it. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'

/** The checkout that these scripts belong to. */
export const PROJECT = resolve(import.meta.dirname, '../..')

/** Used when no `--persist` is given. */
export const DEFAULT_FOLDER = join(PROJECT, '.platen')

/** Only whoever runs the service may read what it keeps. */
export const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

export interface Folder {
	path: string
	/** Variables of the API Worker, the secret among them. */
	secretFile: string
	/** Who runs on this folder. */
	recordFile: string
	/** State of each process; two on one folder of R2 state get in each other's way (SQLITE_BUSY). */
	apiState: string
	converterState: string
	/** Where the two processes, and no others, find each other. */
	registry: string
	logs: string
	/** What the instance runs. */
	bundles: string
}

/** Where things are in a persist folder; makes nothing. */
export function folderAt(path: string): Folder {
	const root = resolve(path)
	return {
		path: root,
		secretFile: join(root, 'auth.env'),
		recordFile: join(root, 'service.json'),
		apiState: join(root, 'api'),
		converterState: join(root, 'converter'),
		registry: join(root, 'registry'),
		logs: join(root, 'logs'),
		bundles: join(root, 'bundles'),
	}
}

/** Makes the persist folder if it is not there, closed to others and kept out of git wherever it lies. */
export async function openFolder(path: string = DEFAULT_FOLDER): Promise<Folder> {
	const folder = folderAt(path)
	const made = await mkdir(folder.path, { recursive: true, mode: PRIVATE_FOLDER })
	if (made) await writeFile(join(folder.path, '.gitignore'), '*\n')
	for (const inner of [folder.apiState, folder.converterState, folder.registry, folder.logs, folder.bundles]) {
		await mkdir(inner, { recursive: true, mode: PRIVATE_FOLDER })
		// A folder of an older run may have been made wider.
		await chmod(inner, PRIVATE_FOLDER)
	}
	return folder
}

/**
 * Forgets where the processes of an earlier run were. When they were killed their entries are still there, and a
 * converter that finds the old gate does not look for the new one for minutes (seen on wrangler 4.155).
 */
export async function clearRegistry(folder: Folder): Promise<void> {
	await rm(folder.registry, { recursive: true, force: true })
	await mkdir(folder.registry, { mode: PRIVATE_FOLDER })
}

/** Takes a Worker out of the registry that was killed: its entry would stay for a minute, and another not be believed. */
export async function forgetWorker(folder: Folder, name: string): Promise<void> {
	await rm(join(folder.registry, name), { force: true })
}

/** A path as people see it in messages: relative when it lies below where they are. */
export function shown(path: string): string {
	const short = relative(process.cwd(), path)
	return short === '' ? '.' : short.startsWith('..') ? path : short
}
