/**
 * Runs one Worker in Miniflare, as `wrangler dev` does but ready in a second: `node runtime.ts OPTIONS.json`
 *
 * Says {@link READY} when it takes requests, and whatever the Worker says. Ends by being killed.
 */
import { readFile } from 'node:fs/promises'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4MiniflareOptions } from 'miniflare'
import { READY } from './ready.ts'

const [file] = process.argv.slice(2)
if (!file) throw new Error('Give a file with options')

const options = JSON.parse(await readFile(file, 'utf8')) as V4MiniflareOptions
const miniflare = new Miniflare(
	convertV4MiniflareOptions({
		...options,
		log: new Log(LogLevel.WARN),
		handleStructuredLogs: ({ level, message }) => console.log(level === 'log' ? message : `${level}: ${message}`),
	}),
)
await miniflare.ready
console.log(READY)
