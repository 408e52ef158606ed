/** The web app's files: built when they are missing or older than what they are made of. */
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Complaint } from './complaint.ts'
import { PROJECT } from './folder.ts'
import { runTool } from './tool.ts'

const BUILT = join(PROJECT, 'dist/web')
const VITE = join(PROJECT, 'node_modules/vite/bin/vite.js')
const SOURCES = ['src/web', 'src/client', 'src/react', 'src/core', 'vite.config.ts', 'package-lock.json']

/** Whether `dist/web` must be made again. */
export async function isStale(): Promise<boolean> {
	const built = await modifiedAt(join(BUILT, 'index.html'))
	if (built === null) return true
	for (const source of SOURCES) {
		if ((await newestIn(join(PROJECT, source))) > built) return true
	}
	return false
}

/** Builds `dist/web`. */
export async function buildWebApp(signal?: AbortSignal): Promise<void> {
	// Made beside and then put in place: a running instance, or one that builds at the same time, never sees a half.
	const draft = `${BUILT}.${process.pid}`
	const old = `${draft}.old`
	try {
		const { ok, output } = await runTool(VITE, ['build', '--outDir', draft, '--emptyOutDir'], signal ? { signal } : {})
		if (!ok) throw new Complaint(`The web app could not be built.\n${output}`)
		await rename(BUILT, old).catch(() => {})
		// Refused when somebody else has put theirs there meanwhile, which is as good.
		await rename(draft, BUILT).catch(() => {})
	} finally {
		await rm(draft, { recursive: true, force: true })
		await rm(old, { recursive: true, force: true })
	}
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
