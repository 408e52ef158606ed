/** The Workers as they are killed: the production code, wrapped, with the bindings of the production configurations. */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Complaint } from '../../../scripts/local/complaint.ts'
import { runTool } from '../../../scripts/local/tool.ts'
import { buildWebApp } from '../../../scripts/local/web-app.ts'
import { PROJECT_CONFIGS, WRANGLER } from '../../../scripts/local/wrangler.ts'
import type { Half } from '../points.ts'

/** What Miniflare needs to know of a Worker, but for what differs from instance to instance. */
export type WorkerOptions = z.infer<typeof workerSchema> & {
	modulesRoot: string
	modules: { type: 'ESModule' | 'CompiledWasm'; path: string }[]
}

const workerSchema = z.looseObject({ name: z.string(), bindings: z.record(z.string(), z.unknown()) })

/** Bundles both into a folder, which is made. */
export async function bundleWorkers(folder: string, signal: AbortSignal): Promise<Record<Half, WorkerOptions>> {
	await mkdir(folder, { recursive: true })
	// The API's configuration names the web app's files, and wrangler wants to see them.
	await buildWebApp(signal)
	const described = join(folder, 'workers.json')
	const configure = join(import.meta.dirname, 'configure.ts')
	const configs = [PROJECT_CONFIGS.api, PROJECT_CONFIGS.converter]
	const [api, converter] = await Promise.all([
		bundle('api', PROJECT_CONFIGS.api, folder, signal),
		bundle('converter', PROJECT_CONFIGS.converter, folder, signal),
		runTool(configure, [described, ...configs], { signal }).then(succeeded('The configurations could not be read.')),
	])
	const [apiOptions, converterOptions] = z
		.tuple([workerSchema, workerSchema])
		.parse(JSON.parse(await readFile(described, 'utf8')))
	return { api: { ...apiOptions, ...api }, converter: { ...converterOptions, ...converter } }
}

async function bundle(half: Half, config: string, folder: string, signal: AbortSignal) {
	const entry = join(import.meta.dirname, `../worker/${half}.ts`)
	const modulesRoot = join(folder, half)
	const args = ['deploy', entry, '--dry-run', '--config', config, '--outdir', modulesRoot]
	await runTool(WRANGLER, args, { signal }).then(succeeded(`The ${half} Worker could not be bundled.`))
	const files = await readdir(modulesRoot)
	const ofType = (type: 'ESModule' | 'CompiledWasm', extension: string) =>
		files.filter((name) => name.endsWith(extension)).map((name) => ({ type, path: join(modulesRoot, name) }))
	// The first is where the Worker begins.
	return { modulesRoot, modules: [...ofType('ESModule', '.js'), ...ofType('CompiledWasm', '.wasm')] }
}

function succeeded(complaint: string): (result: { ok: boolean; output: string }) => void {
	return ({ ok, output }) => {
		if (!ok) throw new Complaint(`${complaint}\n${output}`)
	}
}
