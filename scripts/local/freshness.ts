/**
 * Whether what was built was built from the sources as they are. Times of files do not tell: another version's checkout may
 * have used the same folder since.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { PROJECT } from './folder.ts'

/** A digest of files and folders of the project: their names and all they hold. */
export async function digestOf(sources: readonly string[]): Promise<string> {
	const hash = createHash('sha256')
	for (const source of sources) {
		for (const path of await filesIn(join(PROJECT, source))) {
			const content = await readFile(path)
			hash.update(`${relative(PROJECT, path)}\n${content.byteLength}\n`).update(content)
		}
	}
	return hash.digest('hex')
}

/** Whether a build that left its digest in this file was made of other sources, or never made. */
export async function isStale(digestFile: string, digest: string): Promise<boolean> {
	return (await readFile(digestFile, 'utf8').catch(() => null)) !== digest
}

export async function saveDigest(digestFile: string, digest: string): Promise<void> {
	await writeFile(digestFile, digest)
}

async function filesIn(path: string): Promise<string[]> {
	const own = await stat(path).catch(() => null)
	if (!own) return []
	if (own.isFile()) return [path]
	const inner = await readdir(path, { recursive: true, withFileTypes: true })
	return inner
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name))
		.sort()
}
