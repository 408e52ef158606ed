/** Programs of the machine that some tests need: a browser, and Poppler to compare pages with. */
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export interface Program {
	name: string
	/** What it is needed for. */
	purpose: string
	/** A variable that may say where it is. */
	variable?: string
	/** The names that it goes by. */
	commands: readonly string[]
	/** Where it may lie without being on the PATH. */
	places: readonly string[]
	debianPackage: string
	/** How to get it elsewhere. */
	advice: string
}

export const CHROMIUM: Program = {
	name: 'Chromium',
	purpose: 'the tests of the web app',
	variable: 'CHROMIUM_PATH',
	commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'],
	places: [
		'/snap/bin/chromium',
		'/Applications/Chromium.app/Contents/MacOS/Chromium',
		'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
		'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
	],
	debianPackage: 'chromium',
	advice: 'Install Chromium or Chrome, or say where one is by CHROMIUM_PATH.',
}

export const POPPLER: Program = {
	name: 'pdftoppm',
	purpose: 'comparing pages with those of another renderer',
	commands: ['pdftoppm'],
	places: ['/opt/homebrew/bin/pdftoppm', '/usr/local/bin/pdftoppm'],
	debianPackage: 'poppler-utils',
	advice: 'Install Poppler (macOS: brew install poppler).',
}

/** Where a program is, or null. */
export async function findProgram({ variable, commands, places }: Program): Promise<string | null> {
	const told = variable === undefined ? undefined : process.env[variable]
	const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
	const ending = process.platform === 'win32' ? '.exe' : ''
	const onPath = commands.flatMap((command) => folders.map((folder) => join(folder, command + ending)))
	for (const candidate of [...(told ? [told] : []), ...onPath, ...places]) {
		if (await isExecutable(candidate)) return candidate
	}
	return null
}

async function isExecutable(path: string): Promise<boolean> {
	try {
		await access(path, constants.X_OK)
		return true
	} catch {
		return false
	}
}
