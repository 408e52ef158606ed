/** The local history database's tables. */
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Complaint } from './complaint.ts'
import { type Folder, PROJECT, shown } from './folder.ts'
import { runTool } from './tool.ts'
import { serviceEnvironment, WRANGLER } from './wrangler.ts'

const MIGRATIONS = join(PROJECT, 'migrations')

/** Applies what this folder's database has not seen; asking wrangler takes 2 s, so it is asked only about new files. */
export async function applyMigrations(folder: Folder, config: string, signal: AbortSignal): Promise<void> {
	const current = await fingerprint()
	// Beside the database, so that who deletes that deletes this.
	const mark = join(folder.apiState, 'migrations.sha256')
	const applied = await readFile(mark, 'utf8').catch(() => '')
	if (applied === current) return
	const args = ['d1', 'migrations', 'apply', 'HISTORY', '--local', '--config', config, '--persist-to', folder.apiState]
	const { ok, output } = await runTool(WRANGLER, args, { env: serviceEnvironment(folder), signal })
	if (!ok) {
		throw new Complaint(
			`The tables of the local database could not be made. When its data may go, delete ${shown(folder.apiState)}.\n${output}`,
		)
	}
	await writeFile(mark, current)
}

async function fingerprint(): Promise<string> {
	const hash = createHash('sha256')
	const files = await readdir(MIGRATIONS)
	for (const name of files.filter((file) => file.endsWith('.sql')).sort()) {
		hash.update(`${name}\0`).update(await readFile(join(MIGRATIONS, name)))
	}
	return hash.digest('hex')
}
