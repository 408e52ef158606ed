/** Who runs on a persist folder: `service.json`, there from the beginning of a run to its end. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { Complaint } from './complaint.ts'
import { type Folder, PRIVATE_FILE, shown } from './folder.ts'
import { answers } from './health.ts'
import { isCode } from './system-error.ts'

const recordSchema = z.object({ pid: z.int().positive(), port: z.int(), startedAt: z.iso.datetime() })
export type ServiceRecord = z.infer<typeof recordSchema>

/** An instance that does not answer yet is believed to be starting for this long. Milliseconds. */
const START_WITHIN = 120_000

/**
 * Takes the folder for this process.
 *
 * @throws Complaint when a running instance has it
 */
export async function claimFolder(folder: Folder, port: number): Promise<void> {
	const record: ServiceRecord = { pid: process.pid, port, startedAt: new Date().toISOString() }
	// Twice at most: a stale record is removed, and whoever makes the new file first has the folder.
	for (const isLast of [false, true]) {
		try {
			await writeFile(folder.recordFile, `${JSON.stringify(record)}\n`, { mode: PRIVATE_FILE, flag: 'wx' })
			return
		} catch (error) {
			if (!isCode(error, 'EEXIST')) throw error
		}
		const other = await readRecord(folder)
		if (isLast || (other && (await isInUse(other)))) throw inUse(folder, other)
		await rm(folder.recordFile, { force: true })
	}
}

/** Gives the folder back, if it is still this process's. */
export async function releaseFolder(folder: Folder): Promise<void> {
	const record = await readRecord(folder)
	if (record?.pid === process.pid) await rm(folder.recordFile, { force: true })
}

/** The instance that runs on this folder and answers; null when there is none. */
export async function runningService(folder: Folder): Promise<ServiceRecord | null> {
	const record = await readRecord(folder)
	return record && isAlive(record.pid) && (await answers(healthAddress(record.port))) ? record : null
}

/** Where the service on this port says that it is there. */
export function healthAddress(port: number): string {
	return `http://localhost:${port}/healthz`
}

async function isInUse({ pid, port, startedAt }: ServiceRecord): Promise<boolean> {
	// Our own number in an old record: it was another process's, as happens after a container was restarted.
	if (pid === process.pid || !isAlive(pid)) return false
	return Date.now() - Date.parse(startedAt) < START_WITHIN || (await answers(healthAddress(port)))
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0)
		return true
	} catch (error) {
		return isCode(error, 'EPERM')
	}
}

async function readRecord(folder: Folder): Promise<ServiceRecord | null> {
	try {
		const parsed = recordSchema.safeParse(JSON.parse(await readFile(folder.recordFile, 'utf8')))
		return parsed.success ? parsed.data : null
	} catch {
		return null
	}
}

function inUse(folder: Folder, other: ServiceRecord | null): Complaint {
	const who = other ? ` (process ${other.pid}, http://localhost:${other.port})` : ''
	return new Complaint(
		`Platen is running on ${shown(folder.path)} already${who}.\nUse that one, stop it, or start another with --persist DIR --port N.`,
	)
}
