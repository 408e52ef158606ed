/** The OpenAPI document, looked at by a validator that others keep, and against the routes that answer. */
import { type Schema as JsonSchema, Validator } from '@cfworker/json-schema'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { describe, expect, test } from 'vitest'
import { app } from '../../../src/api/app.ts'
import { catalogue } from '../../../src/api/problem.ts'
import { codesOf, isPublic, nameOf, type OpenApi, operationsOf } from '../document.ts'

const text = await (await app.request('/openapi.json')).text()
const document = JSON.parse(text) as OpenApi
const operations = operationsOf(document)

async function problemsOf(source: string): Promise<string[]> {
	const config = await createConfig({
		extends: ['spec'],
		rules: {
			'security-defined': 'error',
			'operation-operationId': 'error',
			'operation-operationId-unique': 'error',
			'operation-summary': 'error',
			'operation-tag-defined': 'error',
			'no-identical-paths': 'error',
			'no-ambiguous-paths': 'error',
			'no-path-trailing-slash': 'error',
			'no-unused-components': 'error',
			'path-parameters-defined': 'error',
		},
	})
	const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config })
	return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`)
}

test('is accepted by a validator that others keep', async () => {
	expect(await problemsOf(text)).toEqual([])
})

test.each([
	['an operation that is called as another', '"operationId":"getDocument"', '"operationId":"listDocuments"'],
	['a schema that is not there', '#/components/schemas/Snapshot', '#/components/schemas/Nothing'],
	['a type that there is not', '"type":"integer"', '"type":"integr"'],
	['a security scheme that is not there', '{"bearer":[]}', '{"nothing":[]}'],
])('would not be accepted with %s', async (_, right, wrong) => {
	expect(text).toContain(right)
	expect(await problemsOf(text.replace(right, wrong))).not.toEqual([])
})

test('names exactly the routes that answer', () => {
	const routes = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
	const named = operations.map((operation) => nameOf(operation).replaceAll(/\{(\w+)\}/g, ':$1'))
	expect([...new Set(routes)].sort()).toEqual([...named].sort())
	expect(new Set(named).size).toBe(named.length)
})

describe.each(operations.map((operation) => ({ name: nameOf(operation), operation })))('$name', ({ operation }) => {
	test('says what it is called, what it does, where it belongs, and who may', () => {
		expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/)
		expect(operation.summary.length).toBeGreaterThan(5)
		expect(operation.tags).toHaveLength(1)
		expect(document.tags.map(({ name }) => name)).toContain(operation.tags[0])
		expect(operation.security).toBeDefined()
	})

	test('describes every refusal as a problem, with codes of the catalogue that have this status', () => {
		const refusals = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400)
		for (const [status, answer] of refusals) {
			expect(Object.keys(answer.content ?? {})).toEqual(['application/problem+json'])
			expect(answer.content?.['application/problem+json']?.schema).toEqual({ $ref: '#/components/schemas/Problem' })
			const codes = codesOf(answer)
			expect(codes).not.toEqual([])
			for (const code of codes) {
				expect(catalogue).toHaveProperty(code)
				expect(catalogue[code as keyof typeof catalogue].status).toBe(Number(status))
			}
		}
		const statuses = refusals.map(([status]) => status)
		expect(statuses).toContain('500')
		if (!isPublic(operation)) expect(statuses).toEqual(expect.arrayContaining(['401', '429', '503']))
		expect(Object.keys(operation.responses).some((status) => Number(status) < 300)).toBe(true)
	})
})

/** Every object within the document, with where it stands. */
function* partsOf(part: unknown, at = ''): Generator<[at: string, part: object]> {
	if (typeof part !== 'object' || part === null) return
	yield [at, part]
	for (const [name, inner] of Object.entries(part)) yield* partsOf(inner, `${at}/${name}`)
}

test('has only defaults that fit their own schema', () => {
	const withDefault = [...partsOf(document)].filter(([at, part]) => 'default' in part && !at.endsWith('/properties'))
	const wrong = withDefault.filter(([, { default: value, ...schema }]: [string, { default?: unknown }]) => {
		// The validator writes into what it is given.
		const whole = { ...schema, components: structuredClone(document.components) } as JsonSchema
		return !new Validator(whole, '2020-12').validate(value).valid
	})
	expect(wrong).toEqual([])
	expect(withDefault.length).toBeGreaterThan(5)
})

test('has no component that may be null, nor one that is both something and null: of `.nullable()` both are made', () => {
	const mayBeNull = (part: object) => 'type' in part && [part.type].flat().includes('null')
	const components = Object.entries(document.components.schemas).filter(([, schema]) => mayBeNull(schema))
	const mixed = [...partsOf(document)].filter(
		([, part]) => 'allOf' in part && Array.isArray(part.allOf) && part.allOf.some(mayBeNull),
	)
	expect([...components, ...mixed].map(([at]) => at)).toEqual([])
})
