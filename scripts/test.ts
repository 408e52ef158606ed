/** `npm test`: types, lint, then the tests. What follows `--` is given to vitest: `npm test -- test/core`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { runScript } from './local/complaint.ts'
import { endingSignal } from './local/endings.ts'
import { PROJECT } from './local/folder.ts'
import { prepare } from './setup/prepare.ts'
import { checks } from './test/checks.ts'

const VITEST = join(PROJECT, 'node_modules/vitest/vitest.mjs')

await runScript(async () => {
	const signal = endingSignal(() => process.exit(1))
	const { chromium } = await prepare()
	for (const { name, run } of checks) {
		const startedAt = performance.now()
		const { ok, output } = await run(signal)
		const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
		console.log(`${ok ? styleText('green', '✓') : styleText('red', '✗')} ${name} ${styleText('dim', `${seconds} s`)}`)
		if (ok) continue
		console.error(output)
		return 1
	}
	return await runVitest(chromium, signal)
})

async function runVitest(chromium: string | null, signal: AbortSignal): Promise<number> {
	const env = { ...process.env, ...(chromium && { CHROMIUM_PATH: chromium }) }
	const args = [VITEST, 'run', ...process.argv.slice(2)]
	const vitest = spawn(process.execPath, args, { cwd: PROJECT, env, stdio: 'inherit' })
	signal.addEventListener('abort', () => vitest.kill('SIGTERM'))
	const [code] = await once(vitest, 'exit')
	return typeof code === 'number' ? code : 1
}
