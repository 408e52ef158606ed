/** A Worker as it would be uploaded. */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Complaint } from '../local/complaint.ts'
import { runTool } from '../local/tool.ts'
import { WRANGLER } from '../local/wrangler.ts'

/** Bytes. */
export interface Size {
	raw: number
	gzip: number
}

export interface Bundle {
	script: Size
	wasm: Size
	/** The file with all of it, as `wrangler check startup` takes it. */
	upload: string
}

/** Bundles what a configuration describes into a folder. */
export async function bundle(config: string, folder: string, signal: AbortSignal): Promise<Bundle> {
	const upload = `${folder}.bundle`
	const args = ['deploy', '--dry-run', '--config', config, '--outdir', folder, '--outfile', upload]
	const { ok, output } = await runTool(WRANGLER, args, { signal })
	if (!ok) throw new Complaint(`The Worker could not be bundled.\n${output}`)
	return { script: await sizeOf(folder, '.js'), wasm: await sizeOf(folder, '.wasm'), upload }
}

async function sizeOf(folder: string, extension: string): Promise<Size> {
	const total: Size = { raw: 0, gzip: 0 }
	for (const name of await readdir(folder)) {
		if (extname(name) !== extension) continue
		const bytes = await readFile(join(folder, name))
		total.raw += bytes.length
		total.gzip += gzipSync(bytes).length
	}
	return total
}
