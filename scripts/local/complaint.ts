/** Errors that are for people: their text says what to do, and no stack is shown. */

export class Complaint extends Error {
	override readonly name = 'Complaint'
}

/** What of an error is to be printed. */
export function complaintText(error: unknown): string {
	if (error instanceof Complaint) return error.message
	// parseArgs explains itself, and its stack says nothing more.
	if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
		return `${error.message.split('. To specify')[0]}. See --help.`
	}
	return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Runs a script's main function; what it throws is printed and becomes exit code 1. */
export async function runScript(main: () => Promise<number | undefined>): Promise<void> {
	try {
		process.exitCode = (await main()) ?? 0
	} catch (error) {
		console.error(complaintText(error))
		process.exitCode = 1
	}
}
