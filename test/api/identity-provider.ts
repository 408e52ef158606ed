/** Somebody's identity provider, as the Worker meets it: a server that hands out keys. Tests say what it answers. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
	interface ProvidedContext {
		identityProvider: string
	}
}

interface Told {
	status: number
	body: string
	/** How often it was asked. */
	asked: number
}

/** `PUT /name` says what `GET /name` answers from then on; `GET /name/asked` how often that was. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	const told = new Map<string, Told>()
	const server = createServer((request, response) => {
		const [, name = '', more] = (request.url ?? '').split('/')
		const known = told.get(name)
		if (request.method === 'PUT') {
			let text = ''
			request.on('data', (part: Buffer) => {
				text += part.toString()
			})
			request.on('end', () => {
				told.set(name, { ...(JSON.parse(text) as Told), asked: known?.asked ?? 0 })
				response.writeHead(204).end()
			})
		} else if (more === 'asked') {
			response.end(String(known?.asked ?? 0))
		} else if (!known) {
			response.writeHead(404).end()
		} else {
			known.asked += 1
			response.writeHead(known.status, { 'Content-Type': 'application/json' }).end(known.body)
		}
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	project.provide('identityProvider', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
	return () =>
		new Promise((resolve) => {
			server.closeAllConnections()
			server.close(() => resolve())
		})
}
