/** All the ways in which a script is told to end, as one. */
import { watchAncestors } from './ancestors.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Aborts when this process shall end: Ctrl-C, SIGTERM, the terminal is closed, or whoever runs it has died.
 *
 * @param onImpatience called when it is asked for a second time
 */
export function endingSignal(onImpatience: () => void): AbortSignal {
	const ending = new AbortController()
	const end = () => (ending.signal.aborted ? onImpatience() : ending.abort())
	for (const signal of SIGNALS) process.on(signal, end)
	// Where the terminal or the pipe is gone, writing fails; that must not be how we end.
	process.stdout.on('error', () => {})
	process.stderr.on('error', () => {})
	void watchAncestors(() => ending.abort())
	return ending.signal
}
