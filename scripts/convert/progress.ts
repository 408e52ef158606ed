/** A conversion's progress in the terminal: one line that is redrawn, or a few lines where the output is kept. */
import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import type { Snapshot } from '../../src/core/snapshot.ts'

/** Characters. */
const BAR_WIDTH = 28
/** For terminals that do not say how wide they are. */
const FALLBACK_WIDTH = 80
/** Percent between two lines. */
const STEP = 10
const CLEAR_LINE = '\r\x1b[2K'

export interface Progress {
	/** Says what is done before there is a conversion. */
	note(text: string): void
	show(snapshot: Snapshot): void
	/** Leaves the terminal as others expect it. */
	done(): void
}

/** @param out standard output; what is no terminal gets a line per stage and per ten percent */
export function createProgress(out: WriteStream): Progress {
	return out.isTTY ? redrawn(out) : listed(out)
}

function redrawn(out: WriteStream): Progress {
	let isOpen = false
	const draw = (line: string) => {
		isOpen = true
		out.write(CLEAR_LINE + line)
	}
	return {
		note: (text) => draw(styleText('dim', `${text} …`)),
		show(snapshot) {
			const line = lineOf(snapshot)
			// A line that wraps could not be redrawn.
			const width = Math.max(0, (out.columns || FALLBACK_WIDTH) - BAR_WIDTH - 1)
			draw(`${bar(snapshot.progress)} ${line.slice(0, width)}`)
		},
		done() {
			if (isOpen) out.write('\n')
			isOpen = false
		},
	}
}

function listed(out: WriteStream): Progress {
	let shown = ''
	return {
		note: (text) => void out.write(`${text} …\n`),
		show(snapshot) {
			const step = `${snapshot.stage} ${Math.floor(snapshot.progress / STEP)}`
			if (step === shown) return
			shown = step
			out.write(`${lineOf(snapshot)}\n`)
		},
		done() {},
	}
}

function bar(percent: number): string {
	const full = Math.floor((percent / 100) * BAR_WIDTH)
	return styleText('green', '█'.repeat(full)) + styleText('dim', '░'.repeat(BAR_WIDTH - full))
}

function lineOf({ progress, message, processedPages, totalPages, ...when }: Snapshot): string {
	const pages = totalPages === null ? '' : `  ${processedPages}/${totalPages} pages`
	const place = when.queuePosition === null ? '' : `  number ${when.queuePosition} in line`
	const left = when.estimatedTimeRemaining === null ? '' : `  about ${secondsOf(when.estimatedTimeRemaining)} left`
	return `${String(Math.floor(progress)).padStart(3)} %  ${message}${pages}${place}${left}`
}

/** No more precisely than an estimate is. */
function secondsOf(milliseconds: number): string {
	const seconds = Math.max(1, Math.round(milliseconds / 1000))
	return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}

export interface Closing {
	snapshot: Snapshot
	/** From the beginning of the upload to the last file. Milliseconds. */
	duration: number
	/** To the first image on disk. Milliseconds. */
	toFirstPage: number | null
	/** Where the files are. */
	folder: string
}

/** What is said at the end. */
export function closingLine({ snapshot, duration, toFirstPage, folder }: Closing): string {
	const { totalPages, failedPageCount } = snapshot
	const pages = (totalPages ?? 0) - failedPageCount
	const parts = [
		`${pages} ${pages === 1 ? 'page' : 'pages'} in ${(duration / 1000).toFixed(1)} s`,
		...(pages > 0 ? [`${Math.round(duration / pages)} ms a page`] : []),
		...(toFirstPage === null ? [] : [`first page after ${Math.round(toFirstPage)} ms`]),
		folder,
	]
	return parts.join(' · ')
}

/** Which pages there are no images of, if any. */
export function failedLines({ failedPages, failedPageCount }: Snapshot): string[] {
	const lines = failedPages.map(({ page, code }) => `Page ${page} could not be converted: ${code}`)
	const more = failedPageCount - failedPages.length
	return more > 0 ? [...lines, `… and ${more} more`] : lines
}
