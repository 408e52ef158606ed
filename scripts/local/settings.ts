/** Settings of the service as they are given on a command line: `NAME=VALUE`. */
import { Complaint } from './complaint.ts'

/** Whoever may list processes can read command lines, and the folder has a secret of its own. */
const SECRET = /SECRET|PASSWORD|TOKEN/

/** @throws Complaint when one is written in another way, or has no place on a command line */
export function parseSettings(given: readonly string[]): Record<string, string> {
	const settings = given.map((text): [string, string] => {
		const [, name = '', value = ''] = /^([A-Z][A-Z0-9_]*)=(.*)$/s.exec(text) ?? []
		if (name === '') throw new Complaint(`--var is NAME=VALUE, as in OWN_CONVERTER_TYPES=text/plain, not "${text}".`)
		if (SECRET.test(name)) throw new Complaint(`${name} has no place on a command line, which others can read.`)
		return [name, value]
	})
	return Object.fromEntries(settings)
}
