/**
 * Stands between the start script and one of its processes: `node guard.ts COMMAND ARGUMENTS…`
 *
 * It leads a process group of its own and holds a pipe to the start script as its standard input. A word through it asks
 * for an orderly end. When it closes without, the start script is dead, however it died, and the whole group ends at
 * once, workerd included: whoever starts again must not find two at the same state. It also ends with its command.
 */
import { spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import { signalGroup } from './process-group.ts'

/** For the command to put its things in order. Milliseconds. */
const GRACE = 3_000
const STANDARD_ERROR = 2

const [command, ...args] = process.argv.slice(2)
if (!command) throw new Error('The guard was given no command')

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
child.on('error', endGroup)
child.on('exit', (code) => {
	// This process is about to be killed with its group, so nobody could see the code otherwise.
	writeSync(STANDARD_ERROR, `guard: exit ${code ?? 1}\n`)
	// What the command leaves behind must end too.
	endGroup()
})

process.stdin.on('data', endGently)
process.stdin.on('end', endGroup)
process.stdin.on('error', endGroup)

// Signals come from the start script or from people; either way the command gets the chance to end by itself.
process.on('SIGTERM', endGently)
process.on('SIGINT', endGently)
process.on('SIGHUP', endGently)

let isEnding = false

function endGently(): void {
	if (isEnding) return
	isEnding = true
	child.kill('SIGTERM')
	setTimeout(endGroup, GRACE)
}

/** Ends this process as well: it is of the group. */
function endGroup(): void {
	signalGroup(process.pid, 'SIGKILL')
	process.exit(1)
}
