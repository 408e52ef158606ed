/**
 * Every documented operation against every refusal. The rows come from the OpenAPI document, so an operation without an
 * access rule is found on the day it is written.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import worker from '../../src/api/worker.ts'
import {
	isOfDocument,
	isPublic,
	mayRefuse,
	nameOf,
	type Operation,
	operationsOf,
	parametersOf,
	type Schema,
} from '../contract/document.ts'
import { type Draft, fitting, requestOf, type World } from '../contract/fitting.ts'
import { type Judge, judgeOf } from '../contract/judge.ts'
import type { Response as Answered, Request as Asked } from '../contract/request.ts'
import { answered, ask, contract, makeWorld } from './asked.ts'
import { alice, bob, ORIGIN, tokenFor } from './service.ts'

/** What everybody may ask; whoever adds to it has thought about it. */
const PUBLIC = ['getHealth', 'getContract', 'getPageBytes']

/** What is not a read, and yet open to who may only read. */
const OPEN_TO_READERS = ['issueTicket']

const document = await contract()
const operations = operationsOf(document)
let world: World
let judge: Judge
let strangers: Record<string, string>
const table: Record<string, Record<string, string>> = {}

beforeAll(async () => {
	world = await makeWorld({ expendable: 1 })
	judge = judgeOf(document, world.secrets)
	strangers = await tokens()
})

afterAll(() => {
	const columns = [...new Set(Object.values(table).flatMap((row) => Object.keys(row)))]
	const lines = Object.entries(table).map(([row, cells]) => [row, ...columns.map((column) => cells[column] ?? '–')])
	const rule = ['---', ...columns.map(() => '---')]
	console.info([['', ...columns], rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n'))
})

/** Tokens that are none, by what is wrong with them. */
async function tokens(): Promise<Record<string, string>> {
	const claims = { sub: 'alice', scope: 'operator converter' }
	const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
	const modulus = new TextEncoder().encode((await exportJWK(publicKey)).n)
	const [, payload = ''] = world.tokens.everything.split('.')
	const header = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
	const inAnHour = Math.floor(Date.now() / 1000) + 3_600
	return {
		'no real token': 'nonsense',
		'another key': await tokenFor(claims, { secret: 'another secret, which is long enough too' }),
		expired: await tokenFor(claims, { expires: '-2m' }),
		'not valid yet': await tokenFor({ ...claims, nbf: inAnHour }, { expires: '2h' }),
		'without end': await new SignJWT(claims)
			.setProtectedHeader({ alg: 'HS256' })
			.sign(new TextEncoder().encode(env.AUTH_JWT_SECRET)),
		'alg none': `${header({ alg: 'none' })}.${payload}.`,
		HS512: await new SignJWT(claims)
			.setProtectedHeader({ alg: 'HS512' })
			.setExpirationTime('1h')
			.sign(new TextEncoder().encode(env.AUTH_JWT_SECRET)),
		RS256: await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).setExpirationTime('1h').sign(privateKey),
		'HS256 by a public key': await new SignJWT(claims)
			.setProtectedHeader({ alg: 'HS256' })
			.setExpirationTime('1h')
			.sign(modulus),
		'changed payload': changed(world.tokens.everything),
		nobody: await tokenFor({ scope: 'operator converter' }),
	}
}

function changed(token: string): string {
	const [head = '', payload = '', signature = ''] = token.split('.')
	const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
	return [head, Buffer.from(JSON.stringify({ ...claims, sub: 'bob' })).toString('base64url'), signature].join('.')
}

/** A request of alice's that would be fine, about her converted document. */
function fine(operation: Operation): Draft {
	const [draft] = fc.sample(fitting(operation, document, world), { seed: 7, numRuns: 1 })
	if (!draft) throw new Error('no sample')
	const own = isOfDocument(operation) ? { id: world.ids[0] ?? '' } : {}
	const page = 'page' in draft.path ? { page: '1' } : {}
	return { ...draft, path: { ...draft.path, ...own, ...page }, query: [], address: null }
}

function as(token: string, draft: Draft): Draft {
	return { ...draft, headers: { ...draft.headers, authorization: `Bearer ${token}` } }
}

function withoutToken({ headers: { authorization: _, ...headers }, ...draft }: Draft): Draft {
	return { ...draft, headers }
}

/** Everything about it is wrong. */
function ruined(draft: Draft): Draft {
	return {
		...draft,
		path: Object.fromEntries(Object.keys(draft.path).map((name) => [name, 'not one'])),
		query: parametersOf(draft.operation, 'query').map(({ name }) => [name, '\u0000 nonsense']),
		headers: { ...draft.headers, 'idempotency-key': 'not one', 'x-filename': '%' },
		body: draft.body && { ...draft.body, bytes: new TextEncoder().encode('{') },
	}
}

async function refused(operation: Operation, column: string, request: Asked, send = ask): Promise<string> {
	const response = await send(request)
	expect.soft(judge.complaint(request, response), `${column}: ${nameOf(operation)}`).toBeNull()
	const { code = '' } = codeOf(response)
	const name = nameOf(operation)
	table[name] = { ...table[name], [column]: String(response.status) }
	return `${response.status} ${code}`
}

function codeOf({ body, headers }: Answered): { code?: string } {
	if (!headers['content-type']?.startsWith('application/problem+json')) return {}
	return JSON.parse(new TextDecoder().decode(body)) as { code: string }
}

/** A text that the parameter cannot be; null where any text will do. */
function unfitting({ type, enum: words, format, pattern, maxLength }: Schema): string | null {
	if (type !== 'string' || words || format === 'uuid' || format === 'date-time' || pattern) return '\u0000 nonsense'
	return maxLength === undefined ? null : 'x'.repeat(maxLength + 1)
}

const isJson = ({ requestBody }: Operation) => requestBody?.content['application/json'] !== undefined

test('exactly the operations that are listed here want no token', () => {
	expect(
		operations
			.filter(isPublic)
			.map(({ operationId }) => operationId)
			.sort(),
	).toEqual([...PUBLIC].sort())
})

describe.each(
	operations.filter((operation) => !isPublic(operation)).map((operation) => ({ operation, name: nameOf(operation) })),
)('$name', { timeout: 60_000 }, ({ operation }) => {
	test('wants a token before it looks at anything else', async () => {
		const bare = withoutToken(fine(operation))
		expect.soft(await refused(operation, 'no token', requestOf(bare))).toBe('401 unauthorized')
		expect.soft(await refused(operation, '… and all else wrong', requestOf(ruined(bare)))).toBe('401 unauthorized')
		for (const [name, token] of Object.entries(strangers)) {
			const request = requestOf(as(token, fine(operation)))
			expect.soft(await refused(operation, name, request), name).toBe('401 unauthorized')
		}
	})

	if (mayRefuse(operation, 'forbidden'))
		test('wants its scope', async () => {
			const request = requestOf(ruined(as(alice, fine(operation))))
			expect(await refused(operation, 'no scope', request)).toBe('403 forbidden')
		})

	if (isOfDocument(operation))
		test('is not there for others, or for a document that is not there', async () => {
			const elsewhere = { [crypto.randomUUID()]: 'manage' }
			const own = fine(operation)
			const others = {
				'another owner': bob,
				'same name, other tenant': await tokenFor({ sub: 'alice', tenant: 'elsewhere' }),
				'granted another document': await tokenFor({ sub: 'alice', documents: elsewhere }),
			}
			for (const [column, token] of Object.entries(others)) {
				expect.soft(await refused(operation, column, requestOf(as(token, own))), column).toBe('404 not_found')
			}
			if (operation.method !== 'GET' && !OPEN_TO_READERS.includes(operation.operationId)) {
				const reader = await tokenFor({ sub: 'reader', documents: { [own.path.id ?? '']: 'read' } })
				expect.soft(await refused(operation, 'may only read', requestOf(as(reader, own)))).toBe('404 not_found')
			}
			const unknown = requestOf({ ...own, path: { ...own.path, id: crypto.randomUUID() } })
			expect.soft(await refused(operation, 'unknown id', unknown)).toBe('404 not_found')
		})

	if (parametersOf(operation, 'path').length > 0)
		test('knows no id that cannot be one', async () => {
			for (const { name, schema } of parametersOf(operation, 'path')) {
				const value = unfitting(schema)
				if (value === null) continue
				const draft = fine(operation)
				const request = requestOf({ ...draft, path: { ...draft.path, [name]: value } })
				expect.soft(await refused(operation, 'malformed id', request), name).toBe('404 not_found')
			}
		})

	if (parametersOf(operation, 'query').length > 0)
		test('refuses a query that does not fit', async () => {
			for (const { name, schema } of parametersOf(operation, 'query')) {
				const value = unfitting(schema)
				if (value === null) continue
				const request = requestOf({ ...fine(operation), query: [[name, value]] })
				expect.soft(await refused(operation, 'malformed query', request), name).toBe('400 malformed')
			}
		})

	if (isJson(operation))
		test('refuses a body that does not fit', async () => {
			for (const text of ['{', '', '[]', 'null', '{"action":"dance"}', '\u0000']) {
				const draft = fine(operation)
				const body = { type: 'application/json', bytes: new TextEncoder().encode(text) }
				expect
					.soft(await refused(operation, 'malformed body', requestOf({ ...draft, body })), text)
					.toBe('400 malformed')
			}
		})

	if (operation.requestBody)
		test('refuses another kind of body', async () => {
			const body = { type: 'image/png', bytes: Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10]) }
			const answer = await refused(operation, 'wrong type', requestOf({ ...fine(operation), body }))
			expect(answer).toBe(mayRefuse(operation, 'unsupported_type') ? '415 unsupported_type' : '400 malformed')
		})

	if (mayRefuse(operation, 'too_large'))
		test('refuses what is too large, by what it says of itself', async () => {
			const draft = fine(operation)
			const headers = { ...draft.headers, 'content-length': String(200 * 1024 * 1024) }
			expect(await refused(operation, 'too large', requestOf({ ...draft, headers }))).toBe('413 too_large')
		})

	test('slows down who comes too often, and says for how long', async () => {
		let said: Answered | null = null
		const full = { limit: async () => ({ success: false }) }
		const request = requestOf(ruined(fine(operation)))
		const answer = await refused(operation, 'too often', request, async ({ method, path, headers, body }) => {
			const context = createExecutionContext()
			const bytes = body && (body.slice().buffer as ArrayBuffer)
			const asked = new Request<unknown, IncomingRequestCfProperties>(ORIGIN + path, { method, headers, body: bytes })
			const response = await worker.fetch(asked, { ...env, COMMAND_BRAKE: full, READ_BRAKE: full }, context)
			await waitOnExecutionContext(context)
			said = await answered(response)
			return said
		})
		expect(answer).toBe('429 rate_limited')
		const headers = (said as Answered | null)?.headers ?? {}
		const kind = operation.method === 'GET' ? 'reads' : 'commands'
		expect(headers['ratelimit-policy']).toMatch(new RegExp(`^"${kind}";q=\\d+;w=60$`))
		expect(headers).toMatchObject({ 'retry-after': '60', ratelimit: `"${kind}";r=0;t=60` })
	})

	test('knows no other method', async () => {
		const known = Object.keys(document.paths[operation.path] ?? {})
		const method = ['PATCH', 'PUT', 'POST', 'DELETE'].find((each) => !known.includes(each.toLowerCase())) ?? 'PATCH'
		const { upgrade: _, ...headers } = fine(operation).headers
		const request = { ...requestOf({ ...fine(operation), headers }), method }
		expect(await refused(operation, 'other method', request)).toBe('404 not_found')
	})
})
