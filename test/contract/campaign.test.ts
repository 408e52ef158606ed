/** The fuzzing finds what it is for: each fault is planted in an otherwise good service. */
import { expect, test } from 'vitest'
import { runCampaign } from './campaign.ts'
import type { OpenApi } from './document.ts'
import type { World } from './fitting.ts'
import type { Request, Response } from './request.ts'

const SECRET = 'a secret of nobody, which is long enough'

const document: OpenApi = {
	openapi: '3.1.1',
	tags: [],
	components: {
		securitySchemes: {},
		schemas: {
			Problem: {
				type: 'object',
				properties: Object.fromEntries(['type', 'title', 'code', 'detail'].map((name) => [name, { type: 'string' }])),
				required: ['code', 'detail'],
				additionalProperties: { type: 'integer' },
			},
		},
	},
	paths: {
		'/things/{id}': {
			post: {
				operationId: 'makeThing',
				summary: 'Make a thing',
				tags: [],
				security: [{ bearer: [] }],
				parameters: [
					{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
					{ name: 'size', in: 'query', schema: { type: 'integer', minimum: 0, maximum: 1_000 } },
				],
				requestBody: {
					content: {
						'application/json': {
							schema: { type: 'object', properties: { name: { type: 'string', maxLength: 50 } }, required: ['name'] },
						},
					},
				},
				responses: {
					201: {
						description: 'Made',
						content: { 'application/json': { schema: { type: 'object', properties: { name: { type: 'string' } } } } },
					},
					400: refusal('malformed'),
					404: refusal('not_found'),
				},
			},
		},
	},
}

function refusal(code: string) {
	const schema = { $ref: '#/components/schemas/Problem' }
	return { description: `\`${code}\`: no`, content: { 'application/problem+json': { schema } } }
}

const world: World = {
	tokens: { everything: 'a.b.c' },
	ids: ['7b1f6b0e-6d5b-4f52-9f0c-0d6f3b7f1a10'],
	jobs: [],
	expendable: [],
	addresses: [],
	cursors: [],
	secrets: [SECRET],
}

function answer(status: number, body: object): Response {
	const type = status < 400 ? 'application/json' : 'application/problem+json; charset=utf-8'
	return {
		status,
		headers: { 'content-type': type, 'x-request-id': 'one' },
		body: new TextEncoder().encode(JSON.stringify(body)),
	}
}

function problem(status: number, code: string, detail = 'Something is wrong.'): Response {
	return answer(status, { type: `urn:platen:problem:${code}`, title: 'No', status, code, detail })
}

/** A service that does what the document says. */
function good({ method, path, body }: Request): Response {
	if (method === 'HEAD') return { ...problem(404, 'not_found'), body: new Uint8Array() }
	const url = new URL(path, 'http://localhost')
	if (method !== 'POST' || !/^\/things\/[0-9a-f-]{36}$/.test(url.pathname)) return problem(404, 'not_found')
	const sizes = url.searchParams.getAll('size')
	if (sizes.some((size) => !/^\d{1,4}$/.test(size) || Number(size) > 1_000)) return problem(400, 'malformed')
	try {
		const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body ?? new Uint8Array())) as {
			name: unknown
		}
		const fits = typeof value.name === 'string' && value.name.length <= 50
		return fits ? answer(201, { name: value.name }) : problem(400, 'malformed')
	} catch {
		return problem(400, 'malformed')
	}
}

async function findings(send: (request: Request) => Response) {
	const { findings } = await runCampaign({
		document,
		world,
		send: async (request) => send(request),
		requests: 600,
		seed: 4,
	})
	return findings
}

test('a good service gives nothing to find', async () => {
	expect(await findings(good)).toEqual([])
})

const isLarge = ({ path }: Request) => Number(new URL(path, 'http://localhost').searchParams.get('size')) >= 500
const when = (is: (request: Request) => boolean, otherwise: (request: Request) => Response) => (request: Request) => {
	const said = good(request)
	return said.status === 201 && is(request) ? otherwise(request) : said
}

test.each([
	['an answer that is not documented', when(isLarge, () => answer(202, {})), /undocumented status 202/],
	['a failure', when(isLarge, () => problem(500, 'internal')), /^500/],
	['a refusal of what fits', when(isLarge, () => problem(400, 'malformed')), /what fits the document is refused/],
	['a field too many', when(isLarge, () => answer(201, { name: 'a', inner: 1 })), /does not fit its schema/],
	['another type', when(isLarge, () => answer(201, { name: 1 })), /does not fit its schema/],
	['a code that is not documented', when(isLarge, () => problem(404, 'forbidden')), /undocumented code forbidden/],
	['a problem with another status', when(isLarge, () => ({ ...problem(400, 'not_found'), status: 404 })), /says 400/],
	['a secret', when(isLarge, () => answer(201, { name: SECRET })), /a secret or a token/],
	['a stack', when(isLarge, () => answer(201, { name: 'Error: x\n    at f (a.js:1:2)' })), /shows the inside/],
	['an answer without its id', when(isLarge, () => ({ ...good, ...answer(201, {}), headers: {} })), /X-Request-Id/],
])('%s is found, shrunk, and printed for a shell', async (_, send, complaint) => {
	const found = await findings(send)
	expect(found.length).toBeGreaterThan(0)
	const [first] = found
	expect(first?.complaint).toMatch(complaint)
	expect(first?.curl).toMatch(
		/^curl -i -X POST .*-H "authorization: Bearer \$EVERYTHING".*'http:\/\/localhost:8787\/things\//,
	)
	// The smallest size that is large.
	expect(first?.curl).toContain('?size=500')
})
