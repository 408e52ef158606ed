/** Whether an error is the system's, with this code (`ENOENT`, `ESRCH`, …). */
export function isCode(error: unknown, code: string): boolean {
	return error instanceof Error && 'code' in error && error.code === code
}
