/** Requests of which one part does not fit: what must be refused in words, and whatever comes along from a mad client. */
import fc from 'fast-check'
import { arbitraryOf } from './arbitrary.ts'
import { type OpenApi, type Operation, parametersOf } from './document.ts'
import { type Draft, fitting, requestOf, type World } from './fitting.ts'
import type { Request } from './request.ts'

const encoder = new TextEncoder()

/** Texts that something somewhere takes for something else. */
const odd = fc.oneof(
	fc.constantFrom('', ' ', '0', '-1', '+5', '0x10', '1e3', '1.5', 'NaN', 'null', 'undefined', 'true', '[]', '{}'),
	fc.constantFrom('\u0000', '\u{1f600}', 'é', '../../etc', '%', '%00', '%ff', "'; DROP TABLE documents; --", '*', '∞'),
	fc.constantFrom('9007199254740993', '1-', '5-1', '99999', '1,,2', '__proto__', 'constructor', 'a'.repeat(5_000)),
	fc.string({ unit: 'binary' }),
)

/** What a header may carry; others do not even leave a client. */
const headerValue = odd.map((text) =>
	[...text]
		.filter((character) => /[\x20-\x7e\xa0-\xff]/.test(character))
		.join('')
		.trim(),
)

const HEADERS = [
	...['accept', 'content-type', 'content-encoding', 'idempotency-key', 'if-none-match', 'origin', 'range'],
	...['sec-websocket-protocol', 'x-filename', 'x-request-id', 'x-platen-caller', 'x-platen-ticket', 'cookie'],
	...['cf-access-jwt-assertion', 'x-forwarded-host', 'x-http-method-override', 'last-event-id', 'authorization'],
]

/** Methods that the operation's address may not have; what would erase the documents of this test is asked on purpose only. */
function otherMethods({ path }: Operation, document: OpenApi): string[] {
	const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']
	return methods.filter((method) => method !== 'DELETE' || !document.paths[path]?.delete)
}

export function broken(operation: Operation, document: OpenApi, world: World): fc.Arbitrary<Request> {
	const drafts = fitting(operation, document, world)
	const change = <V>(values: fc.Arbitrary<V>, apply: (draft: Draft, value: V) => Partial<Draft>) =>
		fc.tuple(drafts, values).map(([draft, value]) => requestOf({ ...draft, ...apply(draft, value) }))
	const kinds: fc.Arbitrary<Request>[] = [
		change(fc.tuple(fc.constantFrom(...HEADERS), headerValue), ({ headers }, [name, value]) => ({
			headers: { ...headers, [name]: value },
		})),
		change(fc.constantFrom(...Object.values(world.tokens)), ({ headers }, token) => ({
			headers: { ...headers, authorization: `Bearer ${token}` },
		})),
		change(fc.tuple(odd, odd), ({ query }, extra) => ({ query: [...query, extra] })),
		drafts.chain((draft) =>
			fc.constantFrom(...otherMethods(operation, document)).map((method) => {
				const request = requestOf(draft)
				// The platform takes whatever asks for a socket as a GET.
				const { upgrade: _, ...headers } = request.headers
				const plain = { ...request, headers, method }
				return method === 'GET' || method === 'HEAD' ? bodiless(plain) : plain
			}),
		),
	]
	for (const where of ['query', 'path', 'header'] as const) {
		for (const { name } of parametersOf(operation, where)) {
			kinds.push(
				change(where === 'header' ? headerValue : odd, (draft, value) => {
					if (where === 'query') return { query: [...draft.query, [name, value]], address: null }
					if (where === 'header') return { headers: { ...draft.headers, [name]: value } }
					return { path: { ...draft.path, [name]: /^\.{0,2}$/.test(value) ? 'x' : value }, address: null }
				}),
			)
		}
	}
	const bytes = bodies(operation, document, world)
	if (bytes) kinds.push(change(bytes, ({ body }, value) => (body ? { body: { ...body, bytes: value } } : {})))
	return fc.oneof(...kinds)
}

/** Bodies that are not what the operation asks for; null when it asks for none. */
function bodies({ requestBody }: Operation, document: OpenApi, world: World): fc.Arbitrary<Uint8Array> | null {
	if (!requestBody) return null
	const schema = requestBody.content['application/json']?.schema
	const anything = fc.oneof(
		fc.uint8Array({ maxLength: 2_000 }),
		fc.constant(new Uint8Array()),
		fc.json().map((text) => encoder.encode(text)),
		fc
			.constantFrom('{', '{"a":', '[1,', '"', 'nul', '\ufeff{}', '{"action":"start"}{}')
			.map((text) => encoder.encode(text)),
		fc.constantFrom('a'.repeat(20_000), '['.repeat(8_000), '{"a":'.repeat(2_000)).map((text) => encoder.encode(text)),
	)
	if (!schema) return anything
	const values = arbitraryOf(schema, document, { ids: world.ids })
	const spoilt = fc
		.tuple(values, fc.nat(), fc.oneof(fc.constant(undefined), fc.jsonValue(), odd))
		.map(([value, at, other]) => encoder.encode(spoil(value, at, other)))
	const extended = fc
		.tuple(values, fc.constantFrom('__proto__', 'constructor', 'extra', ''), fc.jsonValue())
		.map(([value, name, more]) =>
			encoder.encode(`{${JSON.stringify(name)}:${JSON.stringify(more)},${JSON.stringify(value).slice(1)}`),
		)
	return fc.oneof(anything, { weight: 3, arbitrary: spoilt }, extended)
}

/** One member of an object, or of one within it, becomes another value or none. */
function spoil(value: unknown, at: number, other: unknown): string {
	const members: { of: Record<string, unknown>; name: string }[] = []
	const copy: unknown = JSON.parse(JSON.stringify(value))
	const visit = (part: unknown): void => {
		if (typeof part !== 'object' || part === null) return
		for (const [name, inner] of Object.entries(part)) {
			members.push({ of: part as Record<string, unknown>, name })
			visit(inner)
		}
	}
	visit(copy)
	const member = members[at % Math.max(1, members.length)]
	if (!member) return JSON.stringify(other ?? null)
	member.of[member.name] = other
	return JSON.stringify(copy)
}

function bodiless({ headers, ...request }: Request): Request {
	const { 'content-type': _, 'content-length': __, ...others } = headers
	return { ...request, headers: others, body: null }
}
