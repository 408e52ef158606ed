/** Ending a process together with everything that it started. */
import { execFileSync } from 'node:child_process'
import { isCode } from './system-error.ts'

/** Sends a signal to the whole group that `leader` leads; nothing happens when it is gone. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
	try {
		if (process.platform === 'win32') killTree(leader)
		else process.kill(-leader, signal)
	} catch (error) {
		// EPERM is macOS's word for a group of which only zombies are left.
		if (!isCode(error, 'ESRCH') && !isCode(error, 'EPERM')) throw error
	}
}

/** Windows knows neither groups nor signals. */
function killTree(pid: number): void {
	try {
		execFileSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' })
	} catch {
		// It was gone already.
	}
}
