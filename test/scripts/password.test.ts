import { PassThrough } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { describe, expect, test } from 'vitest'
import { createPasswords } from '../../scripts/convert/password.ts'

/** A terminal of which one sees what it shows. */
function terminal(given?: string, isTerminal = true) {
	const input = Object.assign(new PassThrough(), { isTTY: isTerminal, setRawMode: () => input })
	const shown: string[] = []
	const output = Object.assign(new PassThrough(), { isTTY: isTerminal })
	output.on('data', (text) => shown.push(String(text)))
	const ending = new AbortController()
	const passwords = createPasswords({
		given,
		input: input as unknown as ReadStream,
		output: output as unknown as WriteStream,
		signal: ending.signal,
	})
	return { input, shown, passwords, ending }
}

describe('a password that is asked for', () => {
	test('is not shown, and can be corrected while it is typed', async () => {
		const { input, shown, passwords } = terminal()
		const first = passwords.next('password_required')
		input.write('Schwertfisk')
		input.write('\x7f')
		input.write('ch 7\r')
		expect(await first).toBe('Schwertfisch 7')
		const second = passwords.next('password_wrong')
		input.write('Thunfisch\n')
		expect(await second).toBe('Thunfisch')
		expect(shown.join('')).toMatch(/^The document is protected\. Password: \n.*That is not it\. Password: \n$/s)
		expect(shown.join('')).not.toContain('fis')
	})

	test('is asked for three times', async () => {
		const { input, passwords } = terminal()
		for (const tried of ['one', 'two', 'three']) {
			const next = passwords.next('password_wrong')
			input.write(`${tried}\r`)
			expect(await next).toBe(tried)
		}
		await expect(passwords.next('password_wrong')).rejects.toThrow('not the password')
	})

	test('may be withheld', async () => {
		const { input, passwords } = terminal()
		const next = passwords.next('password_required')
		input.write('\r')
		await expect(next).rejects.toThrow('No password was given')
		const again = passwords.next('password_required')
		input.end()
		await expect(again).rejects.toThrow('No password was given')
	})

	test('is not waited for when the script shall end', async () => {
		const { passwords, ending } = terminal()
		const next = passwords.next('password_required')
		ending.abort(new Error('stopped'))
		await expect(next).rejects.toThrow('stopped')
	})
})

test('a password of the environment is tried once, and nobody is asked', async () => {
	const { passwords, shown } = terminal('Schwertfisch')
	expect(await passwords.next('password_required')).toBe('Schwertfisch')
	await expect(passwords.next('password_wrong')).rejects.toThrow('PLATEN_PASSWORD is not the password')
	expect(shown).toEqual([])
})

test('where there is no terminal, it is said how a password can be given', async () => {
	const { passwords } = terminal(undefined, false)
	await expect(passwords.next('password_required')).rejects.toThrow('PLATEN_PASSWORD')
})
