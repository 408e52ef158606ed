/**
 * Says what the Workers' configurations mean to Miniflare: `node configure.ts FILE CONFIG…` writes it to a file, as JSON.
 *
 * A script of its own, since wrangler takes a second to load and talks.
 */
import { writeFile } from 'node:fs/promises'
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler'

const [out, ...configs] = process.argv.slice(2)
if (!out) throw new Error('Give a file to write to')

const workers = configs.map((config) => {
	// Modules come from the bundle, and the web app has no part in this.
	const { rootPath, modulesRules, assets, ...options } = unstable_getMiniflareWorkerOptions(config).workerOptions
	return { name: unstable_readConfig({ config }).name, ...options }
})
await writeFile(out, JSON.stringify(workers))
