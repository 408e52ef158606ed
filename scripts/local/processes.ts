/** Starts processes that end with this one, whatever way it ends. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { signalGroup } from './process-group.ts'

/** Longer than the guard's own patience, which ends everything itself. Milliseconds. */
const STOP_WITHIN = 6_000

export interface ProcessOptions {
	/** A script for this Node, and what it is given. */
	script: string
	args: string[]
	cwd: string
	env: NodeJS.ProcessEnv
	/** Told every line of standard output and standard error, as they come. */
	onLine: (line: string) => void
}

export interface GuardedProcess {
	/** Leads the group that the process and all its descendants belong to. */
	pid: number
	/** Resolves when the process and its descendants are gone; with its exit code, or null when it was killed. */
	ended: Promise<number | null>
	/** Asks it to end; resolves when it is gone. */
	stop(): Promise<void>
	/** Ends it at once. */
	kill(): void
}

/** How the guard says what the process ended with; it ends by a signal itself whatever comes of that. */
const EXIT_LINE = /^guard: exit (\d+)$/

/** Starts a process behind a guard. */
export function startGuarded({ script, args, cwd, env, onLine }: ProcessOptions): GuardedProcess {
	const guard = join(import.meta.dirname, 'guard.ts')
	const child = spawn(process.execPath, ['--no-warnings', guard, process.execPath, script, ...args], {
		cwd,
		env,
		stdio: ['pipe', 'pipe', 'pipe'],
		// A group of its own: so it can be ended as a whole, and Ctrl-C in the terminal comes to us alone.
		detached: true,
	})
	const { pid } = child
	if (pid === undefined) throw new Error('The process could not be started')
	// That it is gone when we ask it to end must not become an error of ours.
	child.stdin.on('error', () => {})
	let code: number | null = null
	readLines(child.stdout, onLine)
	readLines(child.stderr, (line) => {
		const exit = EXIT_LINE.exec(line)
		if (exit) code = Number(exit[1])
		else onLine(line)
	})

	const ended = new Promise<number | null>((resolve) => {
		child.once('exit', () => {
			// Had the guard been killed by somebody, its group would still be there.
			signalGroup(pid, 'SIGKILL')
		})
		// Not before the pipes are closed: all that held them are gone then, and the last lines were read.
		child.once('close', () => resolve(code))
	})

	return {
		pid,
		ended,
		async stop() {
			child.stdin.write('stop\n')
			const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_WITHIN)
			await ended
			clearTimeout(timer)
		},
		kill: () => signalGroup(pid, 'SIGKILL'),
	}
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
	createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine)
}
