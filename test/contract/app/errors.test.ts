import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { catalogue } from '../../../src/api/problem.ts'
import { failure, failureCodeSchema } from '../../../src/core/failure.ts'

const text = await readFile('docs/errors.md', 'utf8')
const [, refusals = '', failures = ''] = text.split(/^## /m)

/** The cells of a table's rows, which begin with a code. */
function rowsOf(part: string): string[][] {
	const rows = part.split('\n').filter((line) => line.startsWith('| `'))
	return rows.map((line) =>
		line
			.split('|')
			.slice(1, -1)
			.map((cell) => cell.trim()),
	)
}

test('docs/errors.md names every refusal with its status and its title, and no other', () => {
	const rows = rowsOf(refusals)
	const told = rows.map(([code = '', status, title]) => [code.replaceAll('`', ''), Number(status), title])
	expect(told).toEqual(Object.entries(catalogue).map(([code, { status, title }]) => [code, status, title]))
	for (const [, , , what = ''] of rows) expect(what.length).toBeGreaterThan(10)
})

test('docs/errors.md names every failure, with whether it is worth another try, and no other', () => {
	const rows = rowsOf(failures)
	const told = rows.map(([code = '', retryable]) => [code.replaceAll('`', ''), retryable])
	const known = failureCodeSchema.options.map((code) => [code, failure(code).retryable ? 'yes' : 'no'])
	expect(told).toEqual(known)
	for (const [, , meaning = '', what = ''] of rows) expect(Math.min(meaning.length, what.length)).toBeGreaterThan(5)
})
