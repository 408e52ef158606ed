/**
 * A protected document's password: from the environment, or typed without being seen. Never from an argument, since
 * everybody on the machine can see those.
 */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { FailureCode } from '../../src/core/failure.ts'
import { Complaint } from '../local/complaint.ts'

export const PASSWORD_VARIABLE = 'PLATEN_PASSWORD'

/** How often somebody at the terminal is asked. */
const MOST_TRIES = 3

export interface Passwords {
	/**
	 * The next one to try.
	 *
	 * @param code why: none was given so far, or it was the wrong one
	 * @throws Complaint when there is no other
	 */
	next(code: FailureCode): Promise<string>
}

export interface Asked {
	/** What the environment says. */
	given: string | undefined
	input: NodeJS.ReadStream
	/** For the question; nothing of the answer goes there. */
	output: NodeJS.WriteStream
	/** Ends the asking; its reason is thrown. */
	signal: AbortSignal
}

export function createPasswords({ given, input, output, signal }: Asked): Passwords {
	let tries = 0
	return {
		async next(code) {
			tries += 1
			if (given) {
				if (tries === 1) return given
				throw new Complaint(`${PASSWORD_VARIABLE} is not the password of this document.`)
			}
			if (!input.isTTY || !output.isTTY) {
				throw new Complaint(
					`The document is protected. Put its password into the environment variable ${PASSWORD_VARIABLE}, or run this in a terminal to be asked for it.`,
				)
			}
			if (tries > MOST_TRIES) throw new Complaint('That was not the password of this document either.')
			const question =
				code === 'password_wrong' ? 'That is not it. Password: ' : 'The document is protected. Password: '
			const answer = await askUnseen(question, input, output, signal)
			if (answer === '') throw new Complaint('No password was given.')
			return answer
		},
	}
}

/** Asks a question whose answer is not shown. Empty when nothing more can be typed. */
async function askUnseen(
	question: string,
	input: NodeJS.ReadStream,
	output: NodeJS.WriteStream,
	signal: AbortSignal,
): Promise<string> {
	const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
	const reader = createInterface({ input, output: unseen, terminal: true, historySize: 0 })
	const { promise: ended, resolve } = Promise.withResolvers<string>()
	reader.on('close', () => resolve(''))
	// Raw input makes no signal of Ctrl-C, so it is made here.
	reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
	output.write(question)
	try {
		return await Promise.race([reader.question('', { signal }), ended])
	} catch (error) {
		throw signal.aborted ? signal.reason : error
	} finally {
		reader.close()
		output.write('\n')
	}
}
