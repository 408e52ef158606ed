/** The OpenAPI document as tests read it: whatever stands in there is tested, so a new route needs no new test. */

/** A JSON Schema, as far as zod writes one. */
export interface Schema {
	$ref?: string
	type?: string | string[]
	enum?: unknown[]
	const?: unknown
	oneOf?: Schema[]
	anyOf?: Schema[]
	allOf?: Schema[]
	not?: Schema
	properties?: Record<string, Schema>
	required?: string[]
	additionalProperties?: boolean | Schema
	items?: Schema
	prefixItems?: Schema[]
	minItems?: number
	maxItems?: number
	minimum?: number
	maximum?: number
	exclusiveMinimum?: number
	exclusiveMaximum?: number
	multipleOf?: number
	minLength?: number
	maxLength?: number
	pattern?: string
	format?: string
	default?: unknown
	[other: string]: unknown
}

type Content = Record<string, { schema?: Schema }>

export interface Parameter {
	name: string
	in: 'query' | 'path' | 'header' | 'cookie'
	required?: boolean
	schema: Schema
}

export interface Answer {
	description: string
	content?: Content
}

interface DescribedOperation {
	operationId: string
	summary: string
	tags: string[]
	security?: Record<string, string[]>[]
	parameters?: Parameter[]
	requestBody?: { required?: boolean; content: Content }
	responses: Record<string, Answer>
}

export interface OpenApi {
	webhooks?: Record<string, unknown>
	openapi: string
	tags: { name: string }[]
	paths: Record<string, Record<string, DescribedOperation>>
	components: { schemas: Record<string, Schema>; securitySchemes: Record<string, unknown> }
}

export interface Operation extends DescribedOperation {
	/** Upper case. */
	method: string
	/** With its parameters as in `/api/documents/{id}`. */
	path: string
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

export function operationsOf(document: OpenApi): Operation[] {
	return Object.entries(document.paths).flatMap(([path, item]) =>
		Object.entries(item)
			.filter(([method]) => METHODS.includes(method))
			.map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
	)
}

/** A short name, as in `GET /api/documents/{id}`. */
export function nameOf({ method, path }: Pick<Operation, 'method' | 'path'>): string {
	return `${method} ${path}`
}

export function isPublic({ security }: Operation): boolean {
	return security?.length === 0
}

/** The codes that a refusal may have: its description names each of them. */
export function codesOf(answer: Answer | undefined): string[] {
	return [...(answer?.description ?? '').matchAll(/`([a-z_]+)`/g)].map((match) => match[1] ?? '')
}

/** Whether the operation may refuse with this code. */
export function mayRefuse(operation: Operation, code: string): boolean {
	return Object.values(operation.responses).some((answer) => codesOf(answer).includes(code))
}

export function parametersOf(operation: Operation, where: Parameter['in']): Parameter[] {
	return (operation.parameters ?? []).filter((parameter) => parameter.in === where)
}

/** Whether the path begins with a document's own. */
export function isOfDocument({ path }: Pick<Operation, 'path'>): boolean {
	return path.startsWith('/api/documents/{id}')
}

/** @throws Error when nothing is there */
export function resolve(ref: string, document: OpenApi): Schema {
	let at: unknown = document
	for (const part of ref.split('/').slice(1)) {
		at = (at as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
	}
	if (at === undefined) throw new Error(`There is nothing at ${ref}`)
	return at as Schema
}
