/** Values that a schema describes, as fast-check arbitraries, so that what fails shrinks. */
import fc from 'fast-check'
import { formatRanges, MAX_PAGES } from '../../src/core/pages.ts'
import { type OpenApi, resolve, type Schema } from './document.ts'

/** What is told by values, not by rules. */
export interface Words {
	/** Ids that mean something to the service, which a random one never does. */
	ids: readonly string[]
}

/** Keywords that need no rule here, or have one. Any other is an error, so that nothing is left out silently. */
const KNOWN = new Set([
	...['$ref', 'type', 'enum', 'const', 'oneOf', 'anyOf', 'allOf', 'properties', 'required', 'additionalProperties'],
	...['items', 'prefixItems', 'minItems', 'maxItems', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
	...['multipleOf', 'minLength', 'maxLength', 'pattern', 'format', 'propertyNames', 'minProperties', 'maxProperties'],
	...['default', 'description', 'title', 'example', 'examples', 'deprecated', 'discriminator', 'readOnly', 'writeOnly'],
	...['contentMediaType', 'contentEncoding', 'contentSchema'],
])

/** @throws Error for a keyword that is not known here */
export function arbitraryOf(schema: Schema, document: OpenApi, words: Words): fc.Arbitrary<unknown> {
	const unknown = Object.keys(schema).filter((key) => !KNOWN.has(key) && !key.startsWith('x-'))
	if (unknown.length > 0) throw new Error(`Teach test/contract/arbitrary.ts the keywords ${unknown.join(', ')}`)
	const of = (part: Schema) => arbitraryOf(part, document, words)
	if (schema.$ref) return of(resolve(schema.$ref, document))
	if ('const' in schema) return fc.constant(schema.const)
	if (schema.enum) return fc.constantFrom(...schema.enum)
	const union = schema.oneOf ?? schema.anyOf
	if (union) return fc.oneof(...union.map(of))
	if (schema.allOf) {
		return fc.tuple(...schema.allOf.map(of)).map((parts) => parts.reduce<unknown>(merged, undefined))
	}
	const types = schema.type === undefined ? [] : [schema.type].flat()
	if (types.length === 0) return fc.jsonValue()
	return fc.oneof(...types.map((type) => ofType(type, schema, of, words)))
}

function ofType(
	type: string,
	schema: Schema,
	of: (part: Schema) => fc.Arbitrary<unknown>,
	words: Words,
): fc.Arbitrary<unknown> {
	switch (type) {
		case 'null':
			return fc.constant(null)
		case 'boolean':
			return fc.boolean()
		case 'integer':
		case 'number':
			return numberOf(type, schema)
		case 'string':
			return stringOf(schema, words)
		case 'array':
			return arrayOf(schema, of)
		case 'object':
			return objectOf(schema, of)
		default:
			throw new Error(`Teach test/contract/arbitrary.ts the type ${type}`)
	}
}

function numberOf(type: 'integer' | 'number', schema: Schema): fc.Arbitrary<number> {
	const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
	const step = schema.multipleOf ?? (type === 'integer' ? 1 : undefined)
	const min = minimum ?? exclusiveMinimum ?? -1e9
	const max = maximum ?? exclusiveMaximum ?? 1e9
	const minExcluded = minimum === undefined && exclusiveMinimum !== undefined
	const maxExcluded = maximum === undefined && exclusiveMaximum !== undefined
	if (step === undefined) {
		return fc.double({ noNaN: true, noDefaultInfinity: true, min, max, minExcluded, maxExcluded })
	}
	const first = Math.ceil(min / step) + (minExcluded ? 1 : 0)
	const last = Math.floor(max / step) - (maxExcluded ? 1 : 0)
	return fc.integer({ min: first, max: last }).map((steps) => Number((steps * step).toFixed(9)))
}

const jsonObjects = fc
	.dictionary(
		fc.string({ maxLength: 20 }),
		fc.oneof(fc.string({ maxLength: 40 }), fc.integer(), fc.boolean(), fc.constant(null)),
		{ maxKeys: 5 },
	)
	.map((value) => JSON.stringify(value))

/** A format says what a pattern cannot. */
function stringOf(schema: Schema, words: Words): fc.Arbitrary<string> {
	const { pattern, format, minLength = 0, maxLength = 200 } = schema
	const fits = (text: string) => text.length >= minLength && text.length <= maxLength
	// JSON within a text.
	if ('contentSchema' in schema) return jsonObjects.filter(fits)
	switch (format ?? 'none') {
		case 'uuid':
			return words.ids.length === 0
				? fc.uuid()
				: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words.ids) }, fc.uuid())
		case 'date-time':
			return fc
				.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })
				.map((date) => date.toISOString())
		case 'uri':
			// A top level that ISO 3166 leaves to its users: nobody is ever there, and yet it looks public.
			return fc.stringMatching(/^[a-z]{1,10}$/).map((path) => `https://hooks.platen.zz/${path}`)
		case 'email':
			return fc.emailAddress()
		case 'base64url':
			return fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64url'))
		case 'percent-encoded':
			return fc.string({ unit: 'binary', maxLength: 50 }).map(encodeURIComponent)
		case 'page-ranges':
			return fc
				.array(fc.tuple(fc.integer({ min: 1, max: MAX_PAGES }), fc.integer({ min: 0, max: 20 })), {
					minLength: 1,
					maxLength: 5,
				})
				.map((parts) =>
					formatRanges(parts.map(([first, more]) => ({ first, last: Math.min(first + more, MAX_PAGES) }))),
				)
		default:
			if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { maxLength }).filter(fits)
			return fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, 1_000) })
	}
}

function arrayOf(schema: Schema, of: (part: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> {
	if (schema.prefixItems) return fc.tuple(...schema.prefixItems.map(of))
	const minLength = schema.minItems ?? 0
	return fc.array(of(schema.items ?? {}), { minLength, maxLength: Math.min(schema.maxItems ?? 5, minLength + 5) })
}

function objectOf(schema: Schema, of: (part: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<object> {
	const model = Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, part]) => [name, of(part)]))
	const requiredKeys = (schema.required ?? []).filter((name) => name in model)
	const own = fc.record(model, { requiredKeys })
	if (typeof schema.additionalProperties !== 'object') return own
	const names = schema.propertyNames === undefined ? fc.string() : of(schema.propertyNames as Schema).map(String)
	const more = fc.dictionary(names, of(schema.additionalProperties), { maxKeys: Number(schema.maxProperties ?? 5) })
	return fc.tuple(more, own).map(([some, known]) => ({ ...some, ...known }))
}

function merged(one: unknown, other: unknown): unknown {
	const areObjects = [one, other].every((value) => typeof value === 'object' && value !== null)
	return areObjects ? { ...(one as object), ...(other as object) } : other
}
