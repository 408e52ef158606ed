import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DocumentObject } from '../../src/api/document/object.ts'
import { documentIdOfExternal } from '../../src/api/external-id.ts'
import { TOMBSTONE_KEPT } from '../../src/core/job/rules/life.ts'
import { MAX_METADATA_BYTES } from '../../src/core/labels.ts'
import { type DocumentList, documentListSchema, documentSchema, uploadedSchema } from '../../src/core/protocol.ts'
import {
	alarmOf,
	contentOf,
	documentRow,
	evict,
	filesOf,
	HOUR,
	later,
	objectOf,
	ring,
	rowsOf,
	tablesOf,
} from './inside.ts'
import {
	alice,
	bob,
	call,
	commanded,
	convertAll,
	erase,
	listen,
	ORIGIN,
	PDF,
	refusal,
	statusOf,
	tokenFor,
	upload,
	uploaded,
} from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

/** Another PDF of the same length. */
const OTHER_PDF = Uint8Array.from(PDF, (byte, index) => (index === 12 ? byte + 1 : byte))

/** One that no other test uses. */
let count = 0
const freshId = () => `order ${++count}/ä`

function named(externalId: string, more: Record<string, string> = {}): string {
	return `?${new URLSearchParams({ externalId, ...more })}`
}

async function find(externalId: string, token = alice): Promise<DocumentList> {
	const response = await call(`/api/documents${named(externalId)}`, { token })
	expect(response.status).toBe(200)
	return documentListSchema.parse(await response.json())
}

async function idsOf(externalId: string): Promise<string[]> {
	return (await find(externalId)).items.map(({ id }) => id)
}

/** Uploads, and says whether the answer was 200 or 201. */
async function sent(query: string, body: BodyInit = PDF, headers: Record<string, string> = {}) {
	const response = await upload(body, { query, headers })
	return { status: response.status, ...uploadedSchema.parse(await response.json()) }
}

describe('what an application says of a document', () => {
	test('comes back everywhere: from the upload, the document, its snapshots, its socket and the list', async () => {
		const token = await tokenFor({ sub: 'labels' })
		const [externalId, metadata] = [freshId(), { case: 'Ä', nested: { list: [1, null, 'x'] } }]
		const query = named(externalId, { metadata: JSON.stringify(metadata, null, 2) })
		const { document, conversion } = await uploaded({ query, token })
		expect(document).toMatchObject({ externalId, metadata })
		expect(conversion).toMatchObject({ externalId, status: 'queued' })
		const path = `/api/documents/${document.id}`
		expect(await (await call(path, { token })).json()).toEqual(document)
		await evict(document.id)
		expect(await (await call(path, { token })).json()).toEqual(document)
		expect(await (await call(`${path}/conversion-status`, { token })).json()).toMatchObject({ externalId })
		const live = listen(await call(`${path}/conversion-live`, { token, headers: { Upgrade: 'websocket' } }))
		await expect.poll(() => live.snapshots[0]?.externalId).toBe(externalId)
		live.socket.close()
		const list = async () => documentListSchema.parse(await (await call('/api/documents', { token })).json()).items
		await expect.poll(list).toMatchObject([{ id: document.id, externalId, metadata, status: 'queued' }])
	})

	test('is null when nothing was said', async () => {
		const { document } = await uploaded()
		expect(document).toMatchObject({ externalId: null, metadata: null })
	})

	test('goes with the document, from its object and from the history', async () => {
		const query = named('erased-secret', { metadata: '{"note":"metadata-secret"}' })
		const { document } = await uploaded({ query, headers: { 'Idempotency-Key': 'erased' } })
		await expect.poll(() => documentRow(document.id)).toMatchObject({ external_id: 'erased-secret' })
		await erase(document.id)
		expect(await contentOf(document.id)).not.toMatch(/secret/)
		await expect.poll(() => documentRow(document.id)).toMatchObject({ external_id: null, metadata: null, name: '' })
	})

	test.each([
		['an empty externalId', { externalId: '' }],
		['one of 201 characters', { externalId: 'x'.repeat(201) }],
		['one with a line break', { externalId: 'a\nb' }],
		['one with a control character beyond ASCII', { externalId: 'a\u0085b' }],
		['metadata that is no JSON', { metadata: 'note' }],
		['metadata that is a list', { metadata: '[1]' }],
		['metadata that is null', { metadata: 'null' }],
		['metadata that is too large', { metadata: JSON.stringify({ a: 'x'.repeat(MAX_METADATA_BYTES - 7) }) }],
		['metadata that is too large in UTF-8', { metadata: JSON.stringify({ a: 'ä'.repeat(MAX_METADATA_BYTES / 2) }) }],
	])('is refused when it is %s', async (_, query) => {
		const response = await upload(PDF, { query: `?${new URLSearchParams(query)}` })
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
	})

	test('may be as long as it says', async () => {
		const externalId = 'ä'.repeat(200)
		const metadata = { a: 'x'.repeat(MAX_METADATA_BYTES - 8) }
		const query = named(externalId, { metadata: JSON.stringify(metadata) })
		expect((await uploaded({ query })).document).toMatchObject({ externalId, metadata })
		expect(await idsOf(externalId)).toHaveLength(1)
	})

	test('may be as deep as its length allows', async () => {
		const depth = MAX_METADATA_BYTES / 2 - 4
		const metadata = `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
		const { document } = await uploaded({ query: `?${new URLSearchParams({ metadata })}` })
		expect(JSON.stringify(document.metadata)).toBe(metadata)
	})
})

describe('an upload with an externalId', () => {
	test('says where the document is, and the same one again gives it back, whatever the file', async () => {
		const externalId = freshId()
		const response = await upload(PDF, { query: named(externalId, { convert: 'false' }) })
		expect(response.status).toBe(201)
		const first = uploadedSchema.parse(await response.json())
		const location = response.headers.get('Location')
		expect(new URL(location ?? '', ORIGIN).pathname).toBe(`/api/documents/${first.document.id}`)
		for (const body of [
			PDF,
			OTHER_PDF,
			PDF.slice(0, -3),
			new TextEncoder().encode('not even a PDF'),
			new Uint8Array(),
		]) {
			const again = await upload(body, { query: named(externalId, { metadata: '{"other":1}' }) })
			expect(again.status).toBe(200)
			expect(again.headers.get('Location')).toBeNull()
			expect(uploadedSchema.parse(await again.json())).toEqual(first)
		}
		expect(await filesOf(first.document.id)).toEqual(['source'])
		const stored = await env.FILES.get(`${first.document.id}/source`)
		expect(new Uint8Array((await stored?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(PDF)
	})

	test('gives back how far its conversion is, and starts none anew', async () => {
		const externalId = freshId()
		const { document, conversion } = await sent(named(externalId))
		await convertAll(document.id, 2)
		const again = await sent(named(externalId), OTHER_PDF)
		expect(again).toMatchObject({ status: 200, conversion: { jobId: conversion.jobId, status: 'completed' } })
		expect(await rowsOf(document.id, 'job')).toEqual([1])
	})

	test('is one document when many come at once', async () => {
		const externalId = freshId()
		const answers = await Promise.all(Array.from({ length: 8 }, () => upload(PDF, { query: named(externalId) })))
		const statuses = answers.map(({ status }) => status)
		// Whoever finds the file under way may be asked to come again.
		expect(statuses.filter((status) => ![200, 201, 409].includes(status))).toEqual([])
		expect(statuses).toContain(201)
		const good = answers.filter(({ status }) => status < 300)
		const ids = await Promise.all(good.map(async (answer) => uploadedSchema.parse(await answer.json()).document.id))
		expect(new Set(ids).size).toBe(1)
		expect(await idsOf(externalId)).toEqual([ids[0]])
	})

	test('is one of its own for each owner and tenant', async () => {
		const externalId = freshId()
		const tokens = [alice, bob, await tokenFor({ sub: 'alice', tenant: 'elsewhere' })]
		const ids = await Promise.all(
			tokens.map(async (token) => (await uploaded({ query: named(externalId), token })).document.id),
		)
		expect(new Set(ids).size).toBe(3)
		for (const [index, token] of tokens.entries()) {
			expect((await find(externalId, token)).items.map(({ id }) => id)).toEqual([ids[index]])
		}
		expect(await refusal(await call(`/api/documents/${ids[1]}`))).toEqual({ status: 404, code: 'not_found' })
	})

	test('has an id that outlives the secret', () => {
		const owner = { tenant: 'default', sub: 'alice' }
		expect(documentIdOfExternal(owner, 'order 7', 0)).toBe('22a07d35-e88e-8874-b3f0-6b267e3f4048')
		expect(documentIdOfExternal(owner, 'order 7', 1)).not.toBe(documentIdOfExternal(owner, 'order 7', 0))
	})

	test('that was refused leaves the id free', async () => {
		const externalId = freshId()
		const bad = await upload(new TextEncoder().encode('GIF89a'), { query: named(externalId) })
		expect(await refusal(bad)).toEqual({ status: 415, code: 'unsupported_type' })
		const short = { 'Content-Length': String(PDF.byteLength + 3) }
		expect((await upload(PDF, { query: named(externalId), headers: short })).status).toBe(400)
		expect(await find(externalId)).toEqual({ items: [], nextCursor: null })
		expect((await sent(named(externalId))).status).toBe(201)
	})

	test('that died after its file was stored goes on with whoever comes next, and that file', async () => {
		const externalId = freshId()
		vi.spyOn(DocumentObject.prototype, 'create').mockImplementationOnce(() => {
			throw new Error('killed')
		})
		expect((await upload(PDF, { query: named(externalId) })).status).toBe(500)
		expect(await idsOf(externalId)).toEqual([])
		const { status, document } = await sent(named(externalId), PDF.slice(0, -3))
		expect(status).toBe(200)
		expect(document.size).toBe(PDF.byteLength)
		expect(await idsOf(externalId)).toEqual([document.id])
	})

	test('that died before its file was stored goes on when it is repeated, and not with another file', async () => {
		const externalId = freshId()
		vi.spyOn(Object.getPrototypeOf(env.FILES), 'put').mockImplementationOnce(async () => {
			throw new Error('R2 is away')
		})
		expect((await upload(PDF, { query: named(externalId) })).status).toBe(503)
		const other = await upload(PDF.slice(0, -3), { query: named(externalId) })
		expect(await refusal(other)).toEqual({ status: 409, code: 'conflict' })
		expect((await sent(named(externalId))).status).toBe(201)
	})
})

describe('with an idempotency key besides', () => {
	test('the same request is given the same answer, also with 201', async () => {
		const query = named(freshId())
		const key = { 'Idempotency-Key': crypto.randomUUID() }
		const first = await sent(query, PDF, key)
		expect(first.status).toBe(201)
		expect(await sent(query, PDF, key)).toMatchObject({ status: 201, document: first.document })
	})

	test.each([
		['other bytes', OTHER_PDF],
		['another length', PDF.slice(0, -1)],
		['no PDF', new TextEncoder().encode('GIF89a')],
	])('the same key with %s is refused, for a day', async (_, body) => {
		later(0)
		const query = named(freshId())
		const key = { 'Idempotency-Key': crypto.randomUUID() }
		const { document } = await sent(query, PDF, key)
		expect(await refusal(await upload(body, { query, headers: key }))).toEqual({ status: 422, code: 'key_reused' })
		later(24 * HOUR)
		expect(await sent(query, body, key)).toMatchObject({ status: 200, document })
	})

	test('the externalId decides which document it is, whatever the keys', async () => {
		const query = named(freshId())
		const first = await sent(query, PDF, { 'Idempotency-Key': 'one' })
		expect(await sent(query, OTHER_PDF, { 'Idempotency-Key': 'two' })).toMatchObject({
			status: 200,
			document: first.document,
		})
		expect(await sent(query, OTHER_PDF)).toMatchObject({ status: 200, document: first.document })
	})
})

describe('the list with an externalId', () => {
	test('finds exactly that one, at once and as it is just now, also when D1 is away', async () => {
		vi.spyOn(Object.getPrototypeOf(env.HISTORY), 'batch').mockRejectedValue(new Error('D1 is away'))
		vi.spyOn(Object.getPrototypeOf(env.HISTORY), 'prepare').mockImplementation(() => {
			throw new Error('D1 is away')
		})
		const externalId = freshId()
		const { document } = await sent(named(externalId))
		await sent(named(`${externalId} `))
		expect(await find(externalId)).toEqual({
			items: [{ ...document, status: 'queued', totalPages: null }],
			nextCursor: null,
		})
		await commanded(document.id, { action: 'cancel' })
		expect((await find(externalId)).items).toMatchObject([{ status: 'cancelled' }])
	})

	test('finds nothing when there is none, and stores nothing by asking', async () => {
		const externalId = freshId()
		expect(await find(externalId)).toEqual({ items: [], nextCursor: null })
		const id = documentIdOfExternal({ tenant: 'default', sub: 'alice' }, externalId, 0)
		expect(await tablesOf(id)).toEqual([])
	})

	test('shows nobody what is another’s', async () => {
		const externalId = freshId()
		const { document } = await sent(named(externalId))
		expect((await find(externalId, bob)).items).toEqual([])
		const reader = await tokenFor({ sub: 'alice', documents: { [document.id]: 'read' } })
		expect((await find(externalId, reader)).items).toEqual([])
	})
})

describe('an externalId whose document was erased', () => {
	test('can be used again, and again, and is always the newest one', async () => {
		const externalId = freshId()
		const ids = new Set<string>()
		for (let generation = 0; generation < 12; generation++) {
			const { status, document } = await sent(named(externalId), generation % 2 ? PDF : OTHER_PDF)
			expect(status).toBe(201)
			ids.add(document.id)
			expect(await sent(named(externalId))).toMatchObject({ status: 200, document })
			expect(await idsOf(externalId)).toEqual([document.id])
			await erase(document.id)
			expect(await idsOf(externalId)).toEqual([])
		}
		expect(ids.size).toBe(12)
	})

	test('is used once when many come at once', async () => {
		const externalId = freshId()
		await erase((await sent(named(externalId))).document.id)
		const answers = await Promise.all(Array.from({ length: 6 }, () => upload(PDF, { query: named(externalId) })))
		const good = answers.filter(({ status }) => status < 300)
		expect(good.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(1)
		const ids = await Promise.all(good.map(async (answer) => uploadedSchema.parse(await answer.json()).document.id))
		expect(new Set(ids).size).toBe(1)
		expect(await idsOf(externalId)).toEqual([ids[0]])
	})

	test('is still the newer document’s when the tombstone’s time is over', async () => {
		later(0)
		const externalId = freshId()
		const first = (await sent(named(externalId))).document.id
		await erase(first)
		await expect.poll(() => filesOf(first)).toEqual([])
		const second = (await sent(named(externalId))).document.id
		later(HOUR + 1)
		await ring(first)
		await expect.poll(() => filesOf(first)).toEqual([])
		later(TOMBSTONE_KEPT)
		await ring(first)
		await evict(first)
		expect(await idsOf(externalId)).toEqual([second])
		expect((await sent(named(externalId))).document.id).toBe(second)
		// It waits for nothing any more, so nothing wakes it.
		await ring(first)
		expect(await alarmOf(first)).toBeNull()
		expect((await statusOf(second)).status).toBe('queued')
	})

	test('begins anew when its only tombstone is gone', async () => {
		later(0)
		const externalId = freshId()
		const first = (await sent(named(externalId))).document.id
		await erase(first)
		await expect.poll(() => filesOf(first)).toEqual([])
		later(HOUR + 1)
		await ring(first)
		await expect.poll(() => alarmOf(first)).toBeGreaterThan(Date.now() + 2 * HOUR)
		later(TOMBSTONE_KEPT)
		await ring(first)
		expect(await tablesOf(first)).toEqual([])
		const longer = new Uint8Array(PDF.byteLength + 9)
		longer.set(PDF)
		const { status, document } = await sent(named(externalId), longer)
		expect(status).toBe(201)
		expect(document.id).toBe(first)
		await expect.poll(() => documentRow(first)).toMatchObject({ size: longer.byteLength, erased_at: null })
	})
})

test('a document that an older release has taken in has no metadata', async () => {
	const { document } = await uploaded({ query: '?metadata={"a":1}' })
	await runInDurableObject(objectOf(document.id), (_, { storage }) => {
		storage.sql.exec(
			"UPDATE record SET content = json_remove(content, '$.metadata', '$.uploadKey') WHERE kind = 'document'",
		)
	})
	await evict(document.id)
	const shown = documentSchema.parse(await (await call(`/api/documents/${document.id}`)).json())
	expect(shown).toEqual({ ...document, metadata: null })
})
