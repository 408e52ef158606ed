import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { MAX_FORM_FILE_BYTES, type Uploaded, uploadedSchema } from '../../src/core/protocol.ts'
import { filesOf } from './inside.ts'
import { type Call, call, PDF, refusal, tokenFor } from './service.ts'

type Part = string | { name: string; type?: string; bytes: BodyInit }

/** A form as browsers write it, with its length. */
async function encoded(
	parts: Record<string, Part | Part[]>,
): Promise<{ body: Uint8Array; headers: Record<string, string> }> {
	const form = new FormData()
	for (const [name, given] of Object.entries(parts)) {
		for (const part of Array.isArray(given) ? given : [given]) {
			if (typeof part === 'string') form.append(name, part)
			else form.append(name, await fileOf(part), part.name)
		}
	}
	const written = new Response(form)
	const body = new Uint8Array(await written.arrayBuffer())
	const type = written.headers.get('Content-Type') ?? ''
	return { body, headers: { 'Content-Type': type, 'Content-Length': String(body.byteLength) } }
}

async function fileOf({ bytes, type = 'application/pdf' }: Exclude<Part, string>): Promise<Blob> {
	return new Blob([await new Response(bytes).arrayBuffer()], { type })
}

const file = { name: 'Über die Seiten.pdf', bytes: PDF }

async function post(parts: Record<string, Part | Part[]>, { query = '', ...options }: Call & { query?: string } = {}) {
	const { body, headers } = await encoded(parts)
	return await call(`/api/documents${query}`, {
		...options,
		method: 'POST',
		body,
		headers: { ...headers, ...options.headers },
	})
}

async function posted(...parameters: Parameters<typeof post>): Promise<Uploaded> {
	const response = await post(...parameters)
	expect(response.status).toBe(201)
	return uploadedSchema.parse(await response.json())
}

describe('a form with a file', () => {
	test('is an upload: the file is stored as it came, under its own name, and its conversion begins', async () => {
		const response = await post({ file }, { headers: { 'X-Filename': 'other.pdf' } })
		expect(response.status).toBe(201)
		const { document, conversion } = uploadedSchema.parse(await response.json())
		expect(response.headers.get('Location')).toBe(`/api/documents/${document.id}`)
		expect(document).toMatchObject({ name: file.name, contentType: 'application/pdf', size: PDF.byteLength })
		expect(conversion).toMatchObject({ status: 'queued', priority: 'normal' })
		const stored = await env.FILES.get(`${document.id}/source`)
		expect(new Uint8Array((await stored?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(PDF)
	})

	test('may come with all that the query can say', async () => {
		const token = await tokenFor({ sub: 'forms', maxPriority: 'urgent' })
		const fields = { externalId: 'form 1', metadata: '{"a": [1]}', convert: 'true', priority: 'high', quality: 'low' }
		const { document, conversion } = await posted({ ...fields, file }, { token })
		expect(document).toMatchObject({ externalId: 'form 1', metadata: { a: [1] } })
		expect(conversion).toMatchObject({ externalId: 'form 1', status: 'queued', priority: 'high' })
		const again = await post({ externalId: 'form 1', file }, { token })
		expect(again.status).toBe(200)
		expect(await again.json()).toMatchObject({ document: { id: document.id } })
		const { items } = await (await call(`/api/documents/${document.id}/conversions`, { token })).json<{
			items: object[]
		}>()
		expect(items).toMatchObject([{ options: { quality: 'low' } }])
	})

	test('is not converted when it says so, in whatever order its parts come', async () => {
		expect((await posted({ convert: 'false', file })).conversion.status).toBe('none')
		expect((await posted({ file, convert: 'false' })).conversion.status).toBe('none')
	})

	test('overrules the query, and leaves to it what its fields leave empty', async () => {
		const query = '?convert=false&externalId=from-query'
		const { document, conversion } = await posted({ convert: 'true', externalId: '', metadata: '', file }, { query })
		expect(conversion.status).toBe('queued')
		expect(document).toMatchObject({ externalId: 'from-query', metadata: null })
	})

	test('may give its metadata a type of its own, and have fields of which nobody knows', async () => {
		const metadata = { name: 'blob', type: 'application/json', bytes: '{"case":7}' }
		const { document } = await posted({ metadata, csrf: 'x', file })
		expect(document.metadata).toEqual({ case: 7 })
	})

	test('is safe to repeat with a key', async () => {
		const headers = { 'Idempotency-Key': 'form' }
		const { document } = await posted({ file }, { headers })
		expect((await posted({ file }, { headers })).document).toEqual(document)
		const other = { name: file.name, bytes: Uint8Array.from(PDF, (byte, index) => (index === 12 ? byte + 1 : byte)) }
		expect(await refusal(await post({ file: other }, { headers }))).toEqual({ status: 422, code: 'key_reused' })
	})

	test('may have the largest file, to the byte', async () => {
		const bytes = new Uint8Array(MAX_FORM_FILE_BYTES)
		bytes.set(PDF)
		const { document } = await posted({ file: { name: 'large.pdf', bytes }, convert: 'false' })
		expect(document.size).toBe(MAX_FORM_FILE_BYTES)
		expect((await env.FILES.head(`${document.id}/source`))?.size).toBe(MAX_FORM_FILE_BYTES)
		expect(await filesOf(document.id)).toEqual(['source'])
	})
})

describe('a form is refused', () => {
	test.each([
		['without a file', { convert: 'true' }, 400, 'malformed'],
		['with a text for a file', { file: '%PDF-1.7' }, 400, 'malformed'],
		['with two files', { file: [file, file] }, 400, 'malformed'],
		['with an empty file', { file: { name: 'a.pdf', bytes: '' } }, 400, 'empty_upload'],
		['with something that is no PDF', { file: { name: 'a.pdf', bytes: 'GIF89a' } }, 415, 'unsupported_type'],
		['with an option that there is not', { priority: 'highest', file }, 400, 'malformed'],
		['with metadata that is no object', { metadata: '[]', file }, 400, 'malformed'],
		['with a field without end', { metadata: `{"a":"${'x'.repeat(40_000)}"}`, file }, 400, 'malformed'],
	] as const)('%s', async (_, parts, status, code) => {
		expect(await refusal(await post(parts as Record<string, Part>))).toEqual({ status, code })
	})

	test('with a file that is a byte too large', async () => {
		const bytes = new Uint8Array(MAX_FORM_FILE_BYTES + 1)
		bytes.set(PDF)
		expect(await refusal(await post({ file: { name: 'large.pdf', bytes } }))).toEqual({
			status: 413,
			code: 'too_large',
		})
	})

	test('before it is read when it says that it is too large', async () => {
		const headers = { 'Content-Length': String(MAX_FORM_FILE_BYTES + 100_000) }
		expect(await refusal(await post({ file }, { headers }))).toEqual({ status: 413, code: 'too_large' })
	})

	test('when it does not say how long it is', async () => {
		const { body, headers } = await encoded({ file })
		const stream = new ReadableStream({
			start(controller) {
				controller.enqueue(body)
				controller.close()
			},
		})
		const type = { 'Content-Type': headers['Content-Type'] ?? '' }
		const response = await call('/api/documents', { method: 'POST', body: stream, headers: type })
		expect(await refusal(response)).toEqual({ status: 411, code: 'length_required' })
	})

	test.each([-3, 3])('when it is not as long as it says (%i bytes)', async (difference) => {
		const { body, headers } = await encoded({ file })
		const length = { 'Content-Length': String(body.byteLength + difference) }
		const response = await call('/api/documents', { method: 'POST', body, headers: { ...headers, ...length } })
		expect(await refusal(response)).toEqual({ status: 400, code: 'incomplete_upload' })
	})

	test('in which no file was chosen, as browsers send it', async () => {
		const { body, headers } = await encoded({ file: { name: 'x', bytes: '' } })
		const text = new TextDecoder('latin1').decode(body).replace('filename="x"', 'filename=""')
		const length = { 'Content-Length': String(text.length) }
		const response = await call('/api/documents', { method: 'POST', body: text, headers: { ...headers, ...length } })
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
	})

	test.each([
		['has another boundary', 'multipart/form-data; boundary=nothing'],
		['has no boundary', 'multipart/form-data'],
	])('when it %s', async (_, type) => {
		const response = await post({ file }, { headers: { 'Content-Type': type } })
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
	})

	test('when it breaks off', async () => {
		const { body, headers } = await encoded({ file })
		const half = body.slice(0, -20)
		const length = { 'Content-Length': String(half.byteLength) }
		const response = await call('/api/documents', { method: 'POST', body: half, headers: { ...headers, ...length } })
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
	})
})

test('the contract shows both ways to upload', async () => {
	const contract = await (await call('/openapi.json', { token: null })).json<{
		paths: Record<string, { post: { requestBody: { content: Record<string, { schema: object }> } } }>
	}>()
	const content = contract.paths['/api/documents']?.post.requestBody.content ?? {}
	expect(Object.keys(content)).toEqual(['application/pdf', 'multipart/form-data'])
	expect(content['multipart/form-data']?.schema).toMatchObject({
		type: 'object',
		required: ['file'],
		properties: {
			file: { type: 'string' },
			externalId: { type: 'string', minLength: 1, maxLength: 200 },
			metadata: { type: 'string', contentMediaType: 'application/json' },
			convert: { enum: ['true', 'false'] },
			priority: { enum: ['low', 'normal', 'high', 'urgent'] },
			quality: { enum: ['low', 'medium', 'high'] },
		},
	})
})
