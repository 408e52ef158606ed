/** The secret that signs a local instance's tokens: random, made on first use, never on a command line. */
import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, link, readFile, rm, writeFile } from 'node:fs/promises'
import { Complaint } from './complaint.ts'
import { type Folder, PRIVATE_FILE, shown } from './folder.ts'
import { isCode } from './system-error.ts'

const VARIABLE = 'AUTH_JWT_SECRET'
/** Bytes; HS256 asks for 32 at least. */
const LENGTH = 48

/** This folder's secret. The file is also what the API Worker is given its variables by. */
export async function localSecret(folder: Folder): Promise<string> {
	const known = await readSecret(folder)
	if (known !== null) return known
	// Written elsewhere first and then linked, so that of two first runs at once one wins and both see a whole file.
	const draft = `${folder.secretFile}.${randomUUID()}`
	await writeFile(draft, `${VARIABLE}=${randomBytes(LENGTH).toString('base64url')}\n`, { mode: PRIVATE_FILE })
	try {
		await link(draft, folder.secretFile)
	} catch (error) {
		if (!isCode(error, 'EEXIST')) throw error
	} finally {
		await rm(draft, { force: true })
	}
	const made = await readSecret(folder)
	if (made === null) throw new Complaint(`The secret in ${shown(folder.secretFile)} cannot be read.`)
	return made
}

async function readSecret(folder: Folder): Promise<string | null> {
	let text: string
	try {
		text = await readFile(folder.secretFile, 'utf8')
	} catch (error) {
		if (isCode(error, 'ENOENT')) return null
		throw error
	}
	await chmod(folder.secretFile, PRIVATE_FILE)
	const secret = /^AUTH_JWT_SECRET=([\w-]{43,})$/m.exec(text)?.[1]
	if (secret) return secret
	throw new Complaint(
		`${shown(folder.secretFile)} holds no ${VARIABLE}. Delete the file to have a new one made; old tokens end with it.`,
	)
}
