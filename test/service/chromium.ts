/** The browser of the tests, which is the machine's own. */
import { existsSync } from 'node:fs'

export const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
export const hasBrowser = existsSync(executablePath)
if (!hasBrowser) console.warn('Skipped: no Chromium; `npm run setup` installs one.')

/** Nothing that calls home, and no sandbox, which root cannot have. */
export const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
]
