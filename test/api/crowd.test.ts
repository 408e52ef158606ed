import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { DocumentObject } from '../../src/api/document/object.ts'
import { documentIdFor } from '../../src/api/idempotency.ts'
import { statusesSchema } from '../../src/core/protocol.ts'
import { type Snapshot, snapshotSchema } from '../../src/core/snapshot.ts'
import { later, objectOf, SECOND } from './inside.ts'
import {
	alice,
	bob,
	type Call,
	call,
	command,
	commanded,
	convertAll,
	erase,
	leaseOf,
	refusal,
	statusOf,
	tokenFor,
	uploaded,
} from './service.ts'

const NOT_THERE = { status: 404, code: 'not_found' }

let look: MockInstance<DocumentObject['look']>
beforeEach(() => {
	look = vi.spyOn(DocumentObject.prototype, 'look')
})
afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

function ask(id: string, query = '', options: Call = {}): Promise<Response> {
	return call(`/api/documents/${id}/conversion-status${query}`, options)
}

/** How things stand, as everybody is told. */
async function shown(id: string, options: Call = {}): Promise<Snapshot> {
	return snapshotSchema.parse(await (await ask(id, '', options)).json())
}

function sleep(milliseconds: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Answers of the object that are this late, the first ones. */
function late(milliseconds: number, count = 1): void {
	const original = DocumentObject.prototype.look
	look.mockRestore()
	look = vi.spyOn(DocumentObject.prototype, 'look')
	let left = count
	look.mockImplementation(function (this: DocumentObject, isolate) {
		const answer = original.call(this, isolate)
		if (left-- <= 0) return answer
		return new Promise((resolve) => setTimeout(() => resolve(answer), milliseconds)) as never
	})
}

describe('a crowd that polls one document', () => {
	test('costs its object a call a second', async () => {
		const { document } = await uploaded()
		const endsAt = Date.now() + 3_000
		let answers = 0
		async function reader(): Promise<void> {
			while (Date.now() < endsAt) {
				expect((await shown(document.id)).documentId).toBe(document.id)
				answers += 1
				await sleep(50)
			}
		}
		await Promise.all(Array.from({ length: 20 }, reader))
		expect(answers).toBeGreaterThan(100)
		expect(look.mock.calls.length).toBeGreaterThanOrEqual(3)
		expect(look.mock.calls.length).toBeLessThanOrEqual(5)
	})

	test('shares the call that is under way', async () => {
		const { document } = await uploaded()
		late(100)
		const snapshots = await Promise.all(Array.from({ length: 100 }, () => shown(document.id)))
		expect(new Set(snapshots.map(({ version }) => version)).size).toBe(1)
		expect(look).toHaveBeenCalledTimes(1)
	})

	test('is not held up by a call of which nothing is heard: somebody else makes it, for all', async () => {
		const { document } = await uploaded()
		late(3_500)
		const lost = shown(document.id)
		await sleep(20)
		const startedAt = performance.now()
		await Promise.all(Array.from({ length: 30 }, () => shown(document.id)))
		expect(performance.now() - startedAt).toBeLessThan(3_000)
		expect(look.mock.calls.length).toBeLessThanOrEqual(5)
		expect((await lost).documentId).toBe(document.id)
	})

	test('learns within a second what has happened', async () => {
		const { document } = await uploaded()
		expect((await shown(document.id)).status).toBe('queued')
		await leaseOf(document.id)
		later(SECOND)
		expect((await shown(document.id)).status).toBe('processing')
	})

	test('sees only what each of it may see', async () => {
		const { document } = await uploaded()
		await shown(document.id)
		look.mockClear()
		const id = document.id
		expect(await refusal(await ask(id, '', { token: bob }))).toEqual(NOT_THERE)
		const elsewhere = await tokenFor({ sub: 'alice', tenant: 'elsewhere' })
		expect(await refusal(await ask(id, '', { token: elsewhere }))).toEqual(NOT_THERE)
		const other = await tokenFor({ sub: 'alice', documents: { [crypto.randomUUID()]: 'manage' } })
		expect(await refusal(await ask(id, '', { token: other }))).toEqual(NOT_THERE)
		const reader = await tokenFor({ sub: 'reader', documents: { [id]: 'read' } })
		expect((await shown(id, { token: reader })).documentId).toBe(id)
		expect((await ask(id, '', { token: null })).status).toBe(401)
		expect(look).not.toHaveBeenCalled()
	})

	test('of a document that is not there yet finds it as soon as it is', async () => {
		const key = crypto.randomUUID()
		const id = documentIdFor(env.AUTH_JWT_SECRET, { tenant: 'default', sub: 'alice' }, key)
		expect(await refusal(await ask(id))).toEqual(NOT_THERE)
		late(200)
		const before = ask(id)
		await sleep(50)
		expect((await uploaded({ headers: { 'Idempotency-Key': key } })).document.id).toBe(id)
		expect((await shown(id)).documentId).toBe(id)
		expect(await refusal(await before)).toEqual(NOT_THERE)
	})
})

describe('a caller sees no less than their own command did', () => {
	test('also when the answer before it was kept', async () => {
		const { document } = await uploaded()
		await shown(document.id)
		const { snapshot } = await commanded(document.id, { action: 'cancel' })
		expect(await shown(document.id)).toEqual(snapshot)
	})

	test('also when a call that began before it is still under way', async () => {
		const { document } = await uploaded()
		late(300)
		const before = shown(document.id)
		await sleep(50)
		const { snapshot } = await commanded(document.id, { action: 'cancel' })
		expect((await shown(document.id)).version).toBeGreaterThanOrEqual(snapshot.version)
		expect((await before).status).toBe('queued')
		// What came late is not kept either.
		expect((await shown(document.id)).version).toBeGreaterThanOrEqual(snapshot.version)
	})

	test('also elsewhere: the command is answered when no other isolate shows what was before', async () => {
		const { document } = await uploaded()
		const time = async (body: object) => {
			const startedAt = performance.now()
			expect((await command(document.id, body)).ok).toBe(true)
			return performance.now() - startedAt
		}
		await shown(document.id)
		expect(await time({ action: 'cancel' })).toBeLessThan(700)
		await objectOf(document.id).look('another isolate')
		const looked = performance.now()
		await time({ action: 'retry' })
		expect(performance.now() - looked).toBeGreaterThan(900)
		await sleep(1_000)
		expect(await time({ action: 'cancel' })).toBeLessThan(700)
	})

	test('and erasing is answered when nobody sees the document any more', async () => {
		const { document } = await uploaded()
		await objectOf(document.id).look('another isolate')
		const startedAt = performance.now()
		expect((await erase(document.id)).status).toBe(204)
		expect(performance.now() - startedAt).toBeGreaterThan(800)
		expect(await refusal(await ask(document.id))).toEqual(NOT_THERE)
	})

	test('and never less than the version they say they know', async () => {
		const { document } = await uploaded()
		const kept = await shown(document.id)
		await leaseOf(document.id)
		expect((await shown(document.id)).version).toBe(kept.version)
		const now = snapshotSchema.parse(await (await ask(document.id, `?since=${kept.version + 1}`)).json())
		expect(now.status).toBe('processing')
		const { version } = await statusOf(document.id)
		look.mockClear()
		// This is kept now, and enough for those who know as much.
		const headers = { 'If-None-Match': `"${version}"` }
		expect((await ask(document.id, '', { headers })).status).toBe(304)
		expect((await ask(document.id, `?since=${version}`)).status).toBe(200)
		expect(look).not.toHaveBeenCalled()
		await ask(document.id, '', { headers: { 'If-None-Match': `W/"${version + 1}"` } })
		expect(look).toHaveBeenCalledTimes(1)
	})
})

test('the short way of a status read gives the very answer of the long one', async () => {
	const { document } = await uploaded()
	const { version } = await shown(document.id)
	const told = async (query: string, headers: Record<string, string>, token: string | null = alice) => {
		const common = { 'X-Request-Id': 'the-same-for-both' }
		const response = await ask(document.id, query, { token, headers: { ...common, ...headers } })
		return { status: response.status, headers: [...response.headers].sort(), body: await response.text() }
	}
	const isLong = '?wait=0'
	for (const headers of [{}, { 'If-None-Match': `"${version}"` }, { 'If-None-Match': '"1"' }]) {
		expect(await told('', headers)).toEqual(await told(isLong, headers))
	}
	for (const token of [null, bob, 'nonsense']) expect(await told('', {}, token)).toEqual(await told(isLong, {}, token))
})

describe('many statuses at once', () => {
	const many = (ids: readonly string[], options: Call = {}) =>
		call(`/api/conversion-statuses?ids=${ids.join(',')}`, options)
	const read = async (response: Response) => statusesSchema.parse(await response.json())

	test('come in the order in which they were asked for, each once, without what is not there or not yours', async () => {
		const mine = [await uploaded(), await uploaded(), await uploaded()].map(({ document }) => document.id)
		const [first = '', second = '', third = ''] = mine
		const { document: other } = await uploaded({ token: bob })
		await erase(second)
		const answer = await read(await many([third, other.id, first, crypto.randomUUID(), third, second]))
		expect(answer.items.map(({ documentId }) => documentId)).toEqual([third, first])
		expect(answer.items[1]).toEqual(await shown(first))
		expect(answer.unavailable).toEqual([])
		const reader = await tokenFor({ sub: 'reader', documents: { [first]: 'read' } })
		expect((await read(await many(mine, { token: reader }))).items.map(({ documentId }) => documentId)).toEqual([first])
	})

	test('share what is kept with single reads', async () => {
		const { document } = await uploaded()
		await shown(document.id)
		look.mockClear()
		await many([document.id])
		expect(look).not.toHaveBeenCalled()
	})

	test('leave out, and name, those that do not answer in time', async () => {
		const ids = [await uploaded(), await uploaded()].map(({ document }) => document.id)
		late(6_000)
		const answer = await read(await many(ids))
		expect(answer.unavailable).toHaveLength(1)
		expect(answer.items.map(({ documentId }) => documentId)).toEqual(
			ids.filter((id) => !answer.unavailable.includes(id)),
		)
	})

	test('are fifty at most, and want a token', async () => {
		const ids = Array.from({ length: 51 }, () => crypto.randomUUID())
		expect((await many(ids.slice(1))).status).toBe(200)
		expect(await refusal(await many(ids))).toEqual({ status: 400, code: 'malformed' })
		expect(await refusal(await many([]))).toEqual({ status: 400, code: 'malformed' })
		expect(await refusal(await many(['one']))).toEqual({ status: 400, code: 'malformed' })
		expect(await refusal(await call('/api/conversion-statuses'))).toEqual({ status: 400, code: 'malformed' })
		expect((await many(ids.slice(1), { token: null })).status).toBe(401)
	})
})

describe('300 readers of one document', () => {
	let pages: MockInstance<DocumentObject['pages']>
	let id: string
	beforeEach(async () => {
		pages = vi.spyOn(DocumentObject.prototype, 'pages')
		id = (await uploaded()).document.id
		await convertAll(id, 3)
		// What was looked at before is out of date.
		await statusOf(id)
		look.mockClear()
	})
	const at = (path: string, options: Call = {}) => call(`/api/documents/${id}/pages${path}`, options)

	test('cost its object two calls, whatever they look at', async () => {
		const tokens = await Promise.all(
			Array.from({ length: 300 }, (_, index) => tokenFor({ sub: `reader ${index}`, documents: { [id]: 'read' } })),
		)
		const paths = ['', '?pages=2', '/1/thumbnail', '/3/text', '/2', '/2/text']
		const statuses = await Promise.all(
			tokens.map(async (token, index) => {
				const response = await at(paths[index % paths.length] ?? '', { token })
				await response.arrayBuffer()
				return response.status
			}),
		)
		expect(new Set(statuses)).toEqual(new Set([200]))
		expect(pages).toHaveBeenCalledTimes(1)
		expect(look.mock.calls.length).toBeLessThanOrEqual(3)
		// A second later it is still what it was.
		later(SECOND)
		await Promise.all(tokens.slice(0, 50).map(async (token) => (await at('/1', { token })).arrayBuffer()))
		expect(pages).toHaveBeenCalledTimes(1)
		expect(look.mock.calls.length).toBeLessThanOrEqual(4)
	})

	test('are told within a second that it is erased, and others that it is not there', async () => {
		expect((await at('')).status).toBe(200)
		expect(await refusal(await at('', { token: bob }))).toEqual(NOT_THERE)
		expect(await refusal(await at('/1/text', { token: bob }))).toEqual(NOT_THERE)
		// As if through another isolate.
		await objectOf(id).erase({ sub: 'alice', tenant: 'default', scope: '', maxPriority: 'normal', exp: 1 }, 'another')
		later(SECOND)
		for (const path of ['', '/1', '/1/thumbnail', '/1/text']) expect(await refusal(await at(path))).toEqual(NOT_THERE)
	})

	test('see another conversion’s pages within a second of its end, and at once when they name it', async () => {
		const before = await statusOf(id)
		const { snapshot } = await commanded(id, { action: 'start', forceReconvert: true })
		expect(await (await at('')).json()).toMatchObject({ jobId: before.jobId })
		await convertAll(id, 2)
		expect(await (await at(`?job=${snapshot.jobId}`)).json()).toMatchObject({ jobId: snapshot.jobId, totalPages: 2 })
		later(SECOND)
		expect(await (await at('')).json()).toMatchObject({ jobId: snapshot.jobId, totalPages: 2 })
		expect(await (await at(`?job=${before.jobId}`)).json()).toMatchObject({ jobId: before.jobId, totalPages: 3 })
		expect((await at('/1', { token: alice })).status).toBe(200)
	})
})
