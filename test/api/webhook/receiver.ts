/**
 * An endpoint as customers have one: a real server on this machine, outside of workerd. Tests tell it how to answer
 * (`PUT /script/NAME`) and ask what came (`GET /calls/NAME`); what is called is `/hook/NAME`.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
	interface ProvidedContext {
		receiver: string
	}
}

/** How one call is answered; when the script is over, with 204. */
export interface Step {
	status: number
	headers?: Record<string, string>
	/** It never answers at all, or never comes to the end of its answer. */
	never?: 'answers' | 'ends'
}

export interface ReceivedCall {
	method: string
	path: string
	headers: Record<string, string>
	body: string
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	const scripts = new Map<string, Step[]>()
	const calls = new Map<string, ReceivedCall[]>()
	const server = createServer((request, response) => {
		const [, kind = '', name = ''] = /^\/(\w+)\/([\w-]+)/.exec(request.url ?? '') ?? []
		let body = ''
		request.setEncoding('utf8')
		request.on('data', (part: string) => {
			body += part
		})
		request.on('end', () => {
			if (kind === 'script') {
				scripts.set(name, JSON.parse(body))
				response.end()
			} else if (kind === 'calls') {
				response.end(JSON.stringify(calls.get(name) ?? []))
			} else {
				const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]))
				const { method = '', url: path = '' } = request
				calls.set(name, [...(calls.get(name) ?? []), { method, path, headers, body }])
				answer(response, scripts.get(name)?.shift() ?? { status: 204 })
			}
		})
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	const { port } = server.address() as AddressInfo
	project.provide('receiver', `http://127.0.0.1:${port}`)
	return async () => {
		server.closeAllConnections()
		await new Promise((resolve) => server.close(resolve))
	}
}

function answer(response: ServerResponse, { status, headers, never }: Step): void {
	if (never === 'answers') return
	response.writeHead(status, headers)
	if (never !== 'ends') {
		response.end()
		return
	}
	const timer = setInterval(() => response.write('and so on '.repeat(1_000)), 5)
	response.on('close', () => clearInterval(timer))
}
