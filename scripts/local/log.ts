/** What the processes say: all of it to a bounded file, and what went wrong in a Worker to the terminal. */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { PRIVATE_FILE } from './folder.ts'

/** Two files of this size are kept at most. Bytes. */
const FILE_LIMIT = 4 * 1024 * 1024
const TAIL_LINES = 30

export interface ProcessLog {
	write(line: string): void
	/** The last lines, for people who must find out why it ended. */
	tail(): string
	close(): void
}

/** Opens a log that begins anew; when it is full it is kept as `….old` and begins anew again. */
export function openLog(path: string): ProcessLog {
	let file = openSync(path, 'w', PRIVATE_FILE)
	let size = 0
	let isClosed = false
	const last: string[] = []

	function turnOver(): void {
		closeSync(file)
		renameSync(path, `${path}.old`)
		file = openSync(path, 'w', PRIVATE_FILE)
		size = 0
	}

	return {
		write(coloured) {
			const line = stripVTControlCharacters(coloured)
			last.push(line)
			if (last.length > TAIL_LINES) last.shift()
			if (isClosed) return
			size += writeSync(file, `${line}\n`)
			if (size > FILE_LIMIT) turnOver()
		},
		tail: () => last.filter((line) => line.trim() !== '').join('\n'),
		close() {
			if (isClosed) return
			isClosed = true
			closeSync(file)
		},
	}
}

/** How wrangler begins an uncaught error of the Worker, and what the Worker gave to `console.error`. */
const ERROR_BEGINS = /^(?:\[wrangler:error\]|✘ \[ERROR\])\s*/

/**
 * Picks a Worker's errors out of wrangler's lines.
 *
 * An error is the line that begins it and the indented ones that follow.
 */
export function errorsIn(show: (line: string) => void): (line: string) => void {
	let isWithin = false
	return (coloured) => {
		const line = stripVTControlCharacters(coloured)
		if (ERROR_BEGINS.test(line)) {
			isWithin = true
			show(line.replace(ERROR_BEGINS, ''))
		} else if (isWithin && /^\s+\S/.test(line)) {
			show(line)
		} else if (line.trim() !== '') {
			isWithin = false
		}
	}
}
