/** The web app's files: built when they are missing or older than what they are made of. */
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Complaint } from './complaint.ts'
import { PROJECT } from './folder.ts'
import { digestOf, isStale, saveDigest } from './freshness.ts'
import { runTool } from './tool.ts'

/** Where the web app is built. */
export const BUILT = join(PROJECT, 'dist/web')
const VITE = join(PROJECT, 'node_modules/vite/bin/vite.js')
const SOURCES = ['src/web', 'src/client', 'src/react', 'src/core', 'vite.config.ts', 'package-lock.json']

/** Beside the files, since all of them are served. */
const DIGEST_FILE = `${BUILT}.sources`

/** Builds `dist/web`, unless it was made of the sources as they are. */
export async function buildWebApp(signal?: AbortSignal): Promise<void> {
	const digest = await digestOf(SOURCES)
	if (!(await isStale(DIGEST_FILE, digest))) return
	// Made beside and then put in place: a running instance, or one that builds at the same time, never sees a half.
	const draft = `${BUILT}.${process.pid}`
	const old = `${draft}.old`
	try {
		const { ok, output } = await runTool(VITE, ['build', '--outDir', draft, '--emptyOutDir'], signal ? { signal } : {})
		if (!ok) throw new Complaint(`The web app could not be built.\n${output}`)
		// Somebody else was faster, and may be about to use theirs.
		if (!(await isStale(DIGEST_FILE, digest))) return
		await rename(BUILT, old).catch(() => {})
		// Refused when somebody else has put theirs there meanwhile, which is as good.
		await rename(draft, BUILT).catch(() => {})
		await saveDigest(DIGEST_FILE, digest)
	} finally {
		await rm(draft, { recursive: true, force: true })
		await rm(old, { recursive: true, force: true })
	}
}
