import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DocumentObject } from '../../src/api/document/object.ts'
import { uploadedSchema } from '../../src/core/protocol.ts'
import { DAY, evict, filesOf, jobRows, later, rowsOf } from './inside.ts'
import {
	type Call,
	call,
	command,
	commanded,
	convertAll,
	leaseOf,
	PDF,
	refusal,
	standing,
	statusOf,
	tokenFor,
	upload,
	uploaded,
} from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

function keyed(key: string): Call {
	return { headers: { 'Idempotency-Key': key } }
}

/** Another PDF of the same length. */
const OTHER_PDF = Uint8Array.from(PDF, (byte, index) => (index === 12 ? byte + 1 : byte))

describe('a command that is repeated with its key', () => {
	test('starts once, and is answered alike, also when the object has forgotten it and the job has gone on', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const start = { action: 'start', priority: 'low', forceReconvert: true }
		const first = await commanded(document.id, start, keyed('start'))
		expect(first).toMatchObject({ status: 202, snapshot: { status: 'queued' } })
		expect(await commanded(document.id, start, keyed('start'))).toEqual(first)
		await evict(document.id)
		expect(await commanded(document.id, start, keyed('start'))).toEqual(first)
		await convertAll(document.id, 1)
		expect(await commanded(document.id, start, keyed('start'))).toEqual(first)
		expect(await statusOf(document.id)).toMatchObject({ jobId: first.snapshot.jobId, status: 'completed' })
		expect(await rowsOf(document.id, 'job')).toEqual([0, 1])
	})

	test('cancels only what it was meant for', async () => {
		const { document } = await uploaded()
		const first = await commanded(document.id, { action: 'cancel' }, keyed('cancel'))
		await commanded(document.id, { action: 'start' })
		const snapshot = await standing(document.id)
		expect(await commanded(document.id, { action: 'cancel' }, keyed('cancel'))).toEqual(first)
		expect(await statusOf(document.id)).toEqual(snapshot)
	})

	test('retries once', async () => {
		const { document } = await uploaded()
		await commanded(document.id, { action: 'cancel' })
		const first = await commanded(document.id, { action: 'retry' }, keyed('retry'))
		expect(first.status).toBe(202)
		await commanded(document.id, { action: 'cancel' })
		await evict(document.id)
		expect(await commanded(document.id, { action: 'retry' }, keyed('retry'))).toEqual(first)
		expect((await statusOf(document.id)).status).toBe('cancelled')
	})

	test('replaces once', async () => {
		const { document } = await uploaded()
		const replace = { action: 'start', onActive: 'replace' }
		const answers = await Promise.all(
			Array.from({ length: 20 }, () => commanded(document.id, replace, keyed('replace'))),
		)
		expect(new Set(answers.map(({ snapshot }) => snapshot.jobId)).size).toBe(1)
		expect(await rowsOf(document.id, 'job')).toEqual([1, 2])
		// Without a key each of them is another word.
		await commanded(document.id, replace)
		await commanded(document.id, replace)
		expect(await rowsOf(document.id, 'job')).toEqual([1, 2, 3, 4])
	})

	test('may be written differently when it means the same', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const first = await commanded(document.id, { action: 'start' }, keyed('k'))
		const same = { onActive: 'return', priority: 'normal', options: { quality: 'medium' }, action: 'start' }
		expect(await commanded(document.id, same, keyed('k'))).toEqual(first)
	})

	test('is refused when it is another one', async () => {
		const { document } = await uploaded()
		await commanded(document.id, { action: 'start' }, keyed('k'))
		const conversion = await standing(document.id)
		for (const other of [
			{ action: 'start', priority: 'low' },
			{ action: 'start', onActive: 'replace' },
			{ action: 'cancel' },
			{ action: 'retry' },
		]) {
			expect(await refusal(await command(document.id, other, keyed('k')))).toEqual({
				status: 422,
				code: 'key_reused',
			})
		}
		expect(await statusOf(document.id)).toEqual(conversion)
	})

	test('is fresh after a day, and not a moment before', async () => {
		const { document } = await uploaded()
		later(0)
		const first = await commanded(document.id, { action: 'cancel' }, keyed('k'))
		await commanded(document.id, { action: 'start' })
		later(DAY - 1)
		expect(await commanded(document.id, { action: 'cancel' }, keyed('k'))).toEqual(first)
		expect((await statusOf(document.id)).status).toBe('queued')
		later(1)
		const second = await commanded(document.id, { action: 'cancel' }, keyed('k'))
		expect(second.snapshot.version).toBeGreaterThan(first.snapshot.version)
		expect((await statusOf(document.id)).status).toBe('cancelled')
		// Another command may have the key then, too.
		later(DAY)
		expect((await commanded(document.id, { action: 'start' }, keyed('k'))).status).toBe(202)
	})

	test('may be tried again when it was refused, since it did nothing', async () => {
		const { document } = await uploaded()
		expect((await command(document.id, { action: 'retry' }, keyed('k'))).status).toBe(409)
		await commanded(document.id, { action: 'cancel' })
		expect((await commanded(document.id, { action: 'retry' }, keyed('k'))).status).toBe(202)
	})

	test('is one of its own for each document', async () => {
		const [one, other] = [await uploaded(), await uploaded()]
		await commanded(one.document.id, { action: 'cancel' }, keyed('k'))
		const { snapshot } = await commanded(other.document.id, { action: 'cancel' }, keyed('k'))
		expect(snapshot).toMatchObject({ documentId: other.document.id, status: 'cancelled' })
	})

	test.each([
		['is empty', ''],
		['has a space', 'two words'],
		['is not ASCII', 'schl\u00fcssel'],
		['is too long', 'x'.repeat(256)],
	])('is refused when its key %s', async (_, key) => {
		const { document } = await uploaded()
		expect(await refusal(await command(document.id, { action: 'cancel' }, keyed(key)))).toEqual({
			status: 400,
			code: 'malformed',
		})
		expect((await statusOf(document.id)).status).toBe('queued')
	})
})

describe('an upload that is repeated with its key', () => {
	test('gives the same document, and one job', async () => {
		const first = await upload(PDF, keyed('same-file'))
		expect(first.status).toBe(201)
		const { document, conversion } = uploadedSchema.parse(await first.json())
		await evict(document.id)
		const again = await upload(PDF, keyed('same-file'))
		expect(again.status).toBe(201)
		const { version, updatedAt, queuePosition, ...same } = conversion
		const repeated = uploadedSchema.parse(await again.json())
		expect(repeated).toMatchObject({ document, conversion: same })
		// Where it stood, only memory knew; so nobody can have seen this version yet.
		expect(repeated.conversion.version).toBeGreaterThan(version)
		await convertAll(document.id, 1)
		const { conversion: later } = uploadedSchema.parse(await (await upload(PDF, keyed('same-file'))).json())
		expect(later).toMatchObject({ jobId: conversion.jobId, status: 'completed' })
		expect(await rowsOf(document.id, 'job')).toEqual([1])
		await expect.poll(() => jobRows(document.id)).toMatchObject([{ status: 'completed' }])
	})

	test('gives one document and one job when all come at once', async () => {
		const answers = await Promise.all(Array.from({ length: 8 }, () => upload(PDF, keyed('at-once'))))
		const statuses = answers.map(({ status }) => status)
		// Whoever finds the file under way may be asked to come again.
		expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([])
		expect(statuses).toContain(201)
		const uploads = answers.filter(({ status }) => status === 201)
		const found = await Promise.all(uploads.map(async (answer) => uploadedSchema.parse(await answer.json())))
		expect(new Set(found.map(({ document }) => document.id)).size).toBe(1)
		expect(new Set(found.map(({ conversion }) => conversion.jobId)).size).toBe(1)
		expect((await upload(PDF, keyed('at-once'))).status).toBe(201)
		await expect.poll(() => jobRows(found[0]?.document.id ?? '')).toHaveLength(1)
	})

	test.each([
		{ what: 'other bytes', body: OTHER_PDF, headers: {} },
		{ what: 'another length', body: PDF.slice(0, -1), headers: {} },
		{ what: 'another name', body: PDF, headers: { 'X-Filename': 'other.pdf' } },
	])('is refused with $what', async ({ what, body, headers }) => {
		const { document } = await uploaded(keyed(what.replace(' ', '-')))
		const conversion = await standing(document.id)
		const other = { headers: { ...headers, 'Idempotency-Key': what.replace(' ', '-') } }
		expect(await refusal(await upload(body, other))).toEqual({ status: 422, code: 'key_reused' })
		expect(await statusOf(document.id)).toEqual(conversion)
		const stored = await env.FILES.get(`${document.id}/source`)
		expect(new Uint8Array((await stored?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(PDF)
	})

	test('gives each owner a document of their own, whose id cannot be told from the key', async () => {
		const dave = await tokenFor({ sub: 'dave' })
		const tokens = [dave, await tokenFor({ sub: 'erin' }), await tokenFor({ sub: 'dave', tenant: 'elsewhere' })]
		const ids = await Promise.all(
			tokens.map(async (token) => (await uploaded({ ...keyed('shared'), token })).document.id),
		)
		expect(new Set(ids).size).toBe(3)
		expect((await uploaded({ ...keyed('shared'), token: dave })).document.id).toBe(ids[0])
		expect((await uploaded({ ...keyed('another'), token: dave })).document.id).not.toBe(ids[0])
		expect((await call(`/api/documents/${ids[1]}`, { token: dave })).status).toBe(404)
	})
})

describe('an upload that died', () => {
	test('after its file was stored goes on when it is repeated', async () => {
		const create = vi.spyOn(DocumentObject.prototype, 'create').mockImplementationOnce(() => {
			throw new Error('killed')
		})
		expect((await upload(PDF, keyed('killed'))).status).toBe(500)
		expect(create).toHaveBeenCalledTimes(1)
		const put = vi.spyOn(Object.getPrototypeOf(env.FILES), 'put')
		const { document, conversion } = await uploaded(keyed('killed'))
		// The file is there already.
		expect(put).not.toHaveBeenCalled()
		expect(conversion.status).toBe('queued')
		await convertAll(document.id, 2)
		expect((await statusOf(document.id)).status).toBe('completed')
	})

	test('does not take the place away from the same upload that came a second time', async () => {
		const id = crypto.randomUUID()
		const object = env.DOCUMENTS.get(env.DOCUMENTS.idFromName(id))
		const record = {
			id,
			owner: { tenant: 'default', sub: 'alice' },
			externalId: null,
			metadata: null,
			uploadKey: null,
			name: 'twice.pdf',
			contentType: 'application/pdf',
			size: 1,
			createdAt: Date.now(),
		}
		expect(await object.reserve(record)).toEqual({ outcome: 'reserved' })
		expect(await object.reserve(record)).toMatchObject({ outcome: 'pending' })
		await object.abandon()
		// A file that came for another reservation may have been deleted with it.
		expect(await object.create(record.createdAt - 1, null)).toEqual({ outcome: 'gone' })
		expect(await object.create(record.createdAt, null)).toMatchObject({ outcome: 'created' })
	})

	test('after its file was stored does not take another in its place', async () => {
		vi.spyOn(DocumentObject.prototype, 'create').mockImplementationOnce(() => {
			throw new Error('killed')
		})
		await upload(PDF, keyed('killed-too'))
		const response = await upload(OTHER_PDF, keyed('killed-too'))
		expect(await refusal(response)).toEqual({ status: 422, code: 'key_reused' })
		expect((await uploaded(keyed('killed-too'))).conversion.status).toBe('queued')
	})

	test('before its file was stored goes on when it is repeated', async () => {
		vi.spyOn(Object.getPrototypeOf(env.FILES), 'put').mockImplementationOnce(async (_, body) => {
			await new Response(body as ReadableStream).arrayBuffer()
			throw new Error('R2 is away')
		})
		expect((await upload(PDF, keyed('no-file'))).status).toBe(503)
		const { document } = await uploaded(keyed('no-file'))
		expect(await filesOf(document.id)).toEqual(['source'])
		expect((await leaseOf(document.id)).source.size).toBe(PDF.byteLength)
	})

	test('half way can be repeated as a whole', async () => {
		const headers = { 'Idempotency-Key': 'half', 'Content-Length': String(PDF.byteLength) }
		const response = await upload(PDF.slice(0, -10), { headers })
		expect(await refusal(response)).toEqual({ status: 400, code: 'incomplete_upload' })
		const { document } = await uploaded(keyed('half'))
		await convertAll(document.id, 1)
		expect((await statusOf(document.id)).status).toBe('completed')
	})
})
