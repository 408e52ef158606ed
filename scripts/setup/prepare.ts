/** Finds the programs that tests need, and installs them where that is ours to do. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { CHROMIUM, findProgram, POPPLER, type Program } from './programs.ts'

export interface Prepared {
	/** Where a browser is; null when there is none. */
	chromium: string | null
}

/**
 * Makes sure of a browser and of Poppler. Where they can neither be found nor installed, says what to do and goes on:
 * the tests that need them say so themselves.
 */
export async function prepare(): Promise<Prepared> {
	const missing: Program[] = []
	for (const program of [CHROMIUM, POPPLER]) {
		if ((await findProgram(program)) === null) missing.push(program)
	}
	if (missing.length > 0 && mayInstall()) install(missing)
	for (const program of missing) {
		if ((await findProgram(program)) !== null) continue
		console.error(`${program.name} is missing, which is needed for ${program.purpose}. ${program.advice}`)
	}
	return { chromium: await findProgram(CHROMIUM) }
}

/** On somebody's own machine they decide; as root on Debian, as in a container, there is nobody to ask. */
function mayInstall(): boolean {
	return process.getuid?.() === 0 && existsSync('/etc/debian_version')
}

function install(programs: readonly Program[]): void {
	const packages = programs.map((program) => program.debianPackage)
	console.log(`Installing ${packages.join(' and ')} …`)
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
	const stdio = ['ignore', 'ignore', 'inherit'] as const
	const updated = spawnSync('apt-get', ['update', '-qq'], { env, stdio: [...stdio] })
	if (updated.status !== 0) return
	spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env, stdio: [...stdio] })
}
