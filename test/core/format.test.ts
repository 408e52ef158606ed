import { expect, test } from 'vitest'
import { formatOf } from '../../src/core/format.ts'

test.each([
	['text/plain', 'text/plain'],
	[' Text/Plain ; charset=UTF-8', 'text/plain'],
	['text/plain;charset="utf-8"; format=flowed', 'text/plain'],
	[
		'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
		'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
	],
	['image/svg+xml', 'image/svg+xml'],
])('%s is of the format %s', (contentType, format) => {
	expect(formatOf(contentType)).toBe(format)
})

test.each([
	'',
	'text',
	'text/',
	'/plain',
	'text/plain/x',
	'text/*',
	'text/plain, text/html',
	'text/plain;',
	'text/plain; x',
])('%s is no format', (contentType) => {
	expect(formatOf(contentType)).toBeNull()
})

test('what is too long is none, however long it is', () => {
	expect(formatOf(`text/${'x'.repeat(300)}`)).toBeNull()
	expect(formatOf(`text/plain${'; a=b'.repeat(100_000)}!`)).toBeNull()
})
