/** Requests as tests make and print them. */

export interface Request {
	method: string
	/** With the query. */
	path: string
	headers: Record<string, string>
	body: Uint8Array | null
}

export interface Response {
	status: number
	/** Names in lower case. */
	headers: Record<string, string>
	body: Uint8Array
}

export type Send = (request: Request) => Promise<Response>

/** Where the service is taken to be, in what is printed. */
const BASE = 'http://localhost:8787'

/** A line for a shell that sends the same request. Tokens are variables: nobody wants to read them. */
export function curlOf({ method, path, headers, body }: Request, names: ReadonlyMap<string, string>): string {
	const parts = ['curl', '-i', '-X', method]
	for (const [name, value] of Object.entries(headers)) {
		const token = value.startsWith('Bearer ') ? names.get(value.slice('Bearer '.length)) : undefined
		parts.push('-H', token === undefined ? quoted(`${name}: ${value}`) : `"${name}: Bearer $${token}"`)
	}
	if (body) parts.push('--data-binary', quotedBytes(body))
	return [...parts, quoted(BASE + path)].join(' ')
}

function quoted(text: string): string {
	return `'${text.replaceAll("'", `'\\''`)}'`
}

/** As text when it is text, else escaped byte by byte, which bash and zsh understand. */
function quotedBytes(body: Uint8Array): string {
	const text = new TextDecoder().decode(body)
	const isText = /^[\t\n\x20-\x7e\u00a1-\ud7ff]*$/u.test(text)
	if (isText) return quoted(text)
	return `$'${[...body].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}'`
}
