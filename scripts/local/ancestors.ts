/** Notices the end of whoever runs this script, which a SIGKILL tells nobody. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setInterval as every } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Milliseconds. */
const LOOK_EVERY = 400
const SHELL = /^-?(?:.*\/)?(?:sh|bash|dash|ash|zsh|ksh|fish|busybox|cmd\.exe)$/
/** npm calls its process "npm start", so its path is not always there to be seen. */
const PACKAGE_MANAGER = /(?:^|[/\s])(?:npm|pnpm|yarn|bun)(?:-cli)?(?:\.c?js)?(?:\s|$)/

interface Ancestor {
	pid: number
	parent: number
	command: string
}

/**
 * Calls `onGone` once when a process that must outlive this one has ended.
 *
 * Watched are the parent and, when that is the shell in which npm runs its scripts, npm itself; nothing beyond, so that
 * `npm start &` outlives the terminal's shell. A shell without npm is a person's, and is not watched for that reason.
 */
export async function watchAncestors(onGone: () => void): Promise<void> {
	const watched = await ancestorsToWatch()
	if (watched.length === 0) return
	for await (const _ of every(LOOK_EVERY, undefined, { ref: false })) {
		if (await isGone(watched)) return onGone()
	}
}

async function ancestorsToWatch(): Promise<Ancestor[]> {
	const parent = await ancestor(process.ppid)
	if (!parent || parent.pid <= 1) return []
	if (!SHELL.test(parent.command.split(' ')[0] ?? '')) return [parent]
	const grandparent = await ancestor(parent.parent)
	const isNpm = process.env.npm_lifecycle_event !== undefined && PACKAGE_MANAGER.test(grandparent?.command ?? '')
	return grandparent && isNpm ? [parent, grandparent] : []
}

/** An orphan gets another parent, so who is still somebody's parent is still there. */
async function isGone([parent, grandparent]: Ancestor[]): Promise<boolean> {
	if (process.ppid !== parent?.pid) return true
	return grandparent !== undefined && (await ancestor(parent.pid))?.parent !== grandparent.pid
}

async function ancestor(pid: number): Promise<Ancestor | null> {
	try {
		return process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid)
	} catch {
		return null
	}
}

async function fromProc(pid: number): Promise<Ancestor> {
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
	const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
	// The name in parentheses may hold anything; the state and the parent come after its last one.
	const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
	return { pid, parent, command: command.replaceAll('\0', ' ').trim() }
}

async function fromPs(pid: number): Promise<Ancestor | null> {
	if (process.platform === 'win32') return null
	const { stdout } = await promisify(execFile)('ps', ['-o', 'ppid=,command=', '-p', String(pid)])
	const [, parent, command] = /^\s*(\d+)\s+(.*)/.exec(stdout) ?? []
	return parent && command ? { pid, parent: Number(parent), command } : null
}
