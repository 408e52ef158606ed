/** Figures as people read them. */

/** 0 to 1; 0.5 is the median. */
export function quantile(numbers: readonly number[], share: number): number {
	const sorted = numbers.toSorted((one, other) => one - other)
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(numbers: readonly number[]): number {
	return quantile(numbers, 0.5)
}

export function mean(numbers: readonly number[]): number {
	return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

/** Whole when it is large, with as many places as matter when it is small. */
export function figure(value: number): string {
	if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en')
	return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}

/** The first column to the left, all others to the right. */
export function printTable(title: string, rows: readonly (readonly (string | number)[])[]): void {
	const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? figure(cell) : cell)))
	const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
	console.log(`\n${title}`)
	for (const row of cells) {
		const padded = row.map((cell, column) => {
			const width = widths[column] ?? 0
			return column === 0 ? cell.padEnd(width) : cell.padStart(width)
		})
		console.log(`  ${padded.join('   ')}`)
	}
}
