/** Requests that fit the document in every part, so that nothing but the state can be a reason to refuse them. */
import fc from 'fast-check'
import { arbitraryOf, type Words } from './arbitrary.ts'
import { isPublic, type OpenApi, type Operation, parametersOf, type Schema } from './document.ts'
import type { Request } from './request.ts'

/** What was made beforehand, and who asks. */
export interface World {
	/** Names of tokens to print, and the tokens. `everything` owns documents and has every scope. */
	tokens: { everything: string } & Record<string, string>
	/** Ids of documents, own and others', in all states; those with pages more than once. */
	ids: readonly string[]
	jobs: readonly string[]
	/** Ids of documents that may be erased. */
	expendable: readonly string[]
	/** Signed addresses, with their queries. */
	addresses: readonly string[]
	/** Opaque values that lists gave out. */
	cursors: readonly string[]
	/** Texts that must never be in an answer. */
	secrets: readonly string[]
}

/** A request in parts, so that one of them can be broken. */
export interface Draft {
	operation: Operation
	path: Record<string, string>
	query: [name: string, value: string][]
	headers: Record<string, string>
	body: { type: string; bytes: Uint8Array } | null
	/** Instead of all this. */
	address: string | null
}

const encoder = new TextEncoder()

export function fitting(operation: Operation, document: OpenApi, world: World): fc.Arbitrary<Draft> {
	const words: Words = { ids: operation.method === 'DELETE' ? world.expendable : world.ids }
	const valuesOf = (where: 'query' | 'path' | 'header') => {
		const parameters = parametersOf(operation, where)
		const model = parameters.map(({ name, schema }) => [
			name,
			told(name, schema, world) ?? arbitraryOf(schema, document, words),
		])
		const requiredKeys = parameters.filter(({ required }) => required).map(({ name }) => name)
		return fc.record(Object.fromEntries(model) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys }).map(texts)
	}
	const matching = world.addresses.filter((address) => pattern(operation.path).test(address.split('?')[0] ?? ''))
	const isAddressed = isPublic(operation) && matching.length > 0
	return fc.record({
		operation: fc.constant(operation),
		path: valuesOf('path').map((values) => mapped(values, named)),
		query: valuesOf('query').map((values) => Object.entries(values)),
		headers: valuesOf('header').map((values) => ({
			...values,
			...credentials(operation, world),
			...upgrade(operation),
		})),
		body: bodyOf(operation, document, words),
		address: isAddressed ? fc.constantFrom(...matching) : fc.constant(null),
	})
}

/** The request that a draft is. */
export function requestOf({ operation, path, query, headers, body, address }: Draft): Request {
	const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name] ?? ''))
	const search = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
	return {
		method: operation.method,
		path: address ?? (search === '' ? filled : `${filled}?${search}`),
		headers: body
			? { 'content-type': body.type, 'content-length': String(body.bytes.byteLength), ...headers }
			: { ...headers },
		body: body?.bytes ?? null,
	}
}

/** Parameters whose values no schema can tell, or of which most mean nothing. */
function told(name: string, { maximum = 3, pattern: form }: Schema, world: World): fc.Arbitrary<unknown> | null {
	switch (name) {
		case 'job':
			return world.jobs.length === 0 ? null : fc.oneof(fc.constantFrom(...world.jobs), fc.uuid())
		case 'page':
			return fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.integer({ min: 1, max: maximum }))
		case 'cursor':
			// Those whose form is told can be made up.
			return world.cursors.length === 0 || form !== undefined ? null : fc.constantFrom(...world.cursors)
		// Nobody wants to wait for long.
		case 'wait':
			return fc.constantFrom(0, 0.01, 0.05)
		default:
			return null
	}
}

function bodyOf({ requestBody }: Operation, document: OpenApi, words: Words): fc.Arbitrary<Draft['body']> {
	if (!requestBody) return fc.constant(null)
	const kinds = Object.entries(requestBody.content).map(([type, { schema = {} }]): fc.Arbitrary<Draft['body']> => {
		const values = () => arbitraryOf(schema, document, words)
		if (type === 'application/json') {
			return values().map((value) => ({ type, bytes: encoder.encode(JSON.stringify(value)) }))
		}
		if (type === 'multipart/form-data') return values().map((value) => formOf(value as object))
		return fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ type, bytes: pdfOf(bytes) }))
	})
	return fc.oneof(...kinds)
}

/** It begins as a PDF does. */
function pdfOf(bytes: Uint8Array): Uint8Array {
	return Uint8Array.from([...encoder.encode('%PDF-1.7\n'), ...bytes])
}

function formOf(values: object): { type: string; bytes: Uint8Array } {
	const boundary = 'a-boundary-that-is-in-no-part'
	const parts = Object.entries(values).map(([name, value]) => {
		const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`
		return name === 'file'
			? `${head}; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\n\r\n`
			: `${head}\r\n\r\n${typeof value === 'object' ? JSON.stringify(value) : value}\r\n`
	})
	return {
		type: `multipart/form-data; boundary=${boundary}`,
		bytes: encoder.encode(`${parts.join('')}--${boundary}--\r\n`),
	}
}

function credentials(operation: Operation, { tokens }: World): Record<string, string> {
	return isPublic(operation) ? {} : { authorization: `Bearer ${tokens.everything}` }
}

function upgrade({ responses }: Operation): Record<string, string> {
	return '101' in responses ? { upgrade: 'websocket' } : {}
}

function texts(values: Record<string, unknown>): Record<string, string> {
	return mapped(values, String)
}

/** A segment that a URL keeps as it is: empty ones and dots lead elsewhere. */
function named(text: string): string {
	return /^\.{0,2}$/.test(text) ? 'x' : text
}

function mapped<V>(values: Record<string, V>, change: (value: V) => string): Record<string, string> {
	return Object.fromEntries(
		Object.entries(values)
			.filter(([, value]) => value !== undefined)
			.map(([name, value]) => [name, change(value)]),
	)
}

/** Matches the paths that a template stands for. */
export function pattern(path: string): RegExp {
	return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
}
