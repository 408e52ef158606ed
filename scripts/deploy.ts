/** `npm run deploy -- --dry-run`: what would be deployed, how large it is and how fast it starts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle } from './deploy/bundle.ts'
import { measureStart } from './deploy/start-time.ts'
import { tableOf } from './deploy/table.ts'
import { Complaint, runScript } from './local/complaint.ts'
import { endingSignal } from './local/endings.ts'
import { buildWebApp } from './local/web-app.ts'
import { PROJECT_CONFIGS } from './local/wrangler.ts'

const HELP = `Bundles both Workers as they would be deployed, and measures them.

  npm run deploy -- --dry-run

  --dry-run         needed for now: deploying to an account is not built yet`

await runScript(async () => {
	const { values } = parseArgs({
		options: {
			'dry-run': { type: 'boolean', default: false },
			help: { type: 'boolean', short: 'h', default: false },
		},
	})
	if (values.help) {
		console.log(HELP)
		return 0
	}
	if (!values['dry-run']) {
		throw new Complaint('Deploying to an account is not built yet. "npm run deploy -- --dry-run" shows what would go.')
	}
	const signal = endingSignal(() => process.exit(1))
	const folder = await mkdtemp(join(tmpdir(), 'platen-deploy-'))
	try {
		await buildWebApp(signal)
		const rows = []
		for (const [name, config] of Object.entries(PROJECT_CONFIGS)) {
			const bundled = await bundle(config, join(folder, name), signal)
			rows.push({ name, ...bundled, start: await measureStart(bundled.upload, folder, signal) })
		}
		console.log(tableOf(rows))
		return 0
	} finally {
		await rm(folder, { recursive: true, force: true })
	}
})
