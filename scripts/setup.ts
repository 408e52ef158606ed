/** `npm run setup`: what the tests need of the machine. `npm test` does it by itself. */
import { runScript } from './local/complaint.ts'
import { prepare } from './setup/prepare.ts'

await runScript(async () => {
	const { chromium } = await prepare()
	if (chromium) console.log(`Browser: ${chromium}`)
	return chromium === null ? 1 : 0
})
