/** What a log says of an error: enough to find it by, bounded, and without its cause or anything of its properties. */
export function errorText(error: unknown): string {
	return error instanceof Error ? `${error.name}: ${error.message.slice(0, 200)}` : 'not an Error'
}
