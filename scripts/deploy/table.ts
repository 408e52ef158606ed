/** What was measured, for people. */
import { styleText } from 'node:util'
import type { Bundle, Size } from './bundle.ts'

export interface Row extends Bundle {
	name: string
	/** Milliseconds. */
	start: number
}

const HEADINGS = ['Worker', 'script', 'gzip', 'wasm', 'gzip', 'total gzip', 'start']

/** @returns an aligned table */
export function tableOf(rows: readonly Row[]): string {
	const cells = rows.map(({ name, script, wasm, start }) => [
		name,
		...sizes(script),
		...sizes(wasm),
		kilobytes(script.gzip + wasm.gzip),
		`${start.toFixed(0)} ms`,
	])
	const widths = HEADINGS.map((heading, column) =>
		Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
	)
	const line = (row: readonly string[]) =>
		row
			.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
			.join('  ')
	const note = 'Sizes in KiB. Start: processor time before the first request, on this machine, median of 5.'
	return [styleText('bold', line(HEADINGS)), ...cells.map(line), '', styleText('dim', note)].join('\n')
}

function sizes({ raw, gzip }: Size): string[] {
	return raw === 0 ? ['–', '–'] : [kilobytes(raw), kilobytes(gzip)]
}

function kilobytes(bytes: number): string {
	return (bytes / 1024).toFixed(0)
}
