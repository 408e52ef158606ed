/**
 * What an instance runs: both Workers and the web app as they were when it started, kept in its own folder.
 *
 * `wrangler dev` on the sources would start its Workers anew whenever a file is saved, under whoever uses them.
 */
import { cp, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Complaint } from './complaint.ts'
import { type Folder, PROJECT } from './folder.ts'
import { digestOf, isStale, saveDigest } from './freshness.ts'
import { runTool } from './tool.ts'
import { BUILT } from './web-app.ts'
import { WRANGLER } from './wrangler.ts'

const SOURCES = ['src', 'wrangler.toml', 'wrangler.converter.toml', 'package-lock.json']

/** The bundled script of a Worker; made again when a source has changed since. */
export async function bundleWorker(
	folder: Folder,
	name: 'api' | 'converter',
	config: string,
	signal: AbortSignal,
): Promise<string> {
	const out = join(folder.bundles, name)
	const script = join(out, 'worker.js')
	const digestFile = join(folder.bundles, `${name}.sources`)
	const digest = await digestOf([...SOURCES, relative(PROJECT, config)])
	if (!(await isStale(digestFile, digest))) return script
	// Modules carry a hash in their names, so old ones would stay and be taken along.
	await rm(out, { recursive: true, force: true })
	const args = ['deploy', '--dry-run', '--config', config, '--outdir', out]
	const { ok, output } = await runTool(WRANGLER, args, { signal })
	if (!ok) throw new Complaint(`The ${name} Worker could not be bundled.\n${output}`)
	await saveDigest(digestFile, digest)
	return script
}

/** A copy of the web app as it is now. */
export async function copyWebApp(folder: Folder): Promise<string> {
	const copy = join(folder.bundles, 'web')
	await rm(copy, { recursive: true, force: true })
	await cp(BUILT, copy, { recursive: true })
	return copy
}
