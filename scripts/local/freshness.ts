/** Whether what was built is older than what it is made of. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT } from './folder.ts'

/**
 * @param built a file that the build writes
 * @param sources files and folders of the project
 */
export async function isOlderThan(built: string, sources: readonly string[]): Promise<boolean> {
	const builtAt = await modifiedAt(built)
	if (builtAt === null) return true
	for (const source of sources) {
		if ((await newestIn(join(PROJECT, source))) > builtAt) return true
	}
	return false
}

async function modifiedAt(path: string): Promise<number | null> {
	try {
		return (await stat(path)).mtimeMs
	} catch {
		return null
	}
}

/** The latest change of a file or of anything in a folder; folders count too, since a deletion shows only there. */
async function newestIn(path: string): Promise<number> {
	const own = await modifiedAt(path)
	if (own === null) return 0
	const inner = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => [])
	const times = await Promise.all(inner.map((entry) => modifiedAt(join(entry.parentPath, entry.name))))
	return Math.max(own, ...times.map((time) => time ?? 0))
}
