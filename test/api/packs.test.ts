import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DocumentObject } from '../../src/api/document/object.ts'
import { documentIdFor } from '../../src/api/idempotency.ts'
import { uploadedSchema } from '../../src/core/protocol.ts'
import { alarmOf, evict, filesOf, HOUR, later, loseLeases, MINUTE, ring, rowsOf, tablesOf } from './inside.ts'
import {
	bytesAt,
	call,
	commanded,
	convertAll,
	finish,
	finishAndGoOn,
	finishAndTakeNext,
	leaseOf,
	manifestOf,
	open,
	PDF,
	refusal,
	statusOf,
	upload,
	uploaded,
} from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

const ALICE = { tenant: 'default', sub: 'alice' }

const files = (...fences: number[]) => [...fences.map((fence) => `pack-${fence}.zip`), 'source']

/** A document of 17 pages whose second chunk was lost by one converter and finished by another. */
async function convertedAtSecondTry() {
	later(0)
	const { document } = await uploaded()
	const first = await open(document.id, 17)
	const lost = await finishAndGoOn(first)
	await loseLeases(document.id)
	const fences = [first.fence]
	let lease = await leaseOf(document.id)
	// The loser's pack arrives all the same.
	expect(await finish(lost)).toEqual({ verdict: 'stop' })
	for (;;) {
		fences.push(lease.fence)
		const next = await finishAndTakeNext(lease)
		if (!next) break
		lease = next
	}
	expect((await statusOf(document.id)).status).toBe('completed')
	return { id: document.id, lost: lost.fence, fences }
}

async function everyPageIsReadable(id: string, count: number): Promise<void> {
	const { pages } = await manifestOf(id)
	expect(pages).toHaveLength(count)
	for (const { page, imageUrl } of pages) expect(await bytesAt(imageUrl)).toMatch(`image of page ${page} by`)
}

describe('the pack of a lease that was lost', () => {
	test('is deleted an hour after, and the pages stay', async () => {
		const { id, lost, fences } = await convertedAtSecondTry()
		expect(await filesOf(id)).toEqual(files(fences[0] ?? 0, lost, ...fences.slice(1)).toSorted())
		await evict(id)
		later(HOUR - 1)
		await ring(id)
		expect(await filesOf(id)).toContain(`pack-${lost}.zip`)
		later(1)
		await evict(id)
		await ring(id)
		await expect.poll(() => filesOf(id)).toEqual(files(...fences).toSorted())
		await everyPageIsReadable(id, 17)
	})

	test('is deleted as well when it arrives after the sweep', async () => {
		const { id, lost, fences } = await convertedAtSecondTry()
		later(HOUR)
		await ring(id)
		await expect.poll(() => filesOf(id)).toEqual(files(...fences))
		later(MINUTE)
		await ring(id)
		expect(await alarmOf(id)).toBeNull()
		const late = { documentId: id, fence: lost, pages: { first: 2, last: 17 } }
		const { jobId } = await statusOf(id)
		const lease = { ...late, jobId: jobId ?? '', options: { quality: 'medium' as const }, pageCount: 17 }
		await finish({ ...lease, source: { size: 1, contentType: 'application/pdf' }, password: null })
		expect(await filesOf(id)).toContain(`pack-${lost}.zip`)
		later(HOUR)
		await ring(id)
		await expect.poll(() => filesOf(id)).toEqual(files(...fences))
		await everyPageIsReadable(id, 17)
	})

	test('is tried again when R2 does not answer', async () => {
		const { id, fences } = await convertedAtSecondTry()
		later(HOUR)
		const remove = vi.spyOn(Object.getPrototypeOf(env.FILES), 'delete').mockRejectedValueOnce(new Error('away'))
		await ring(id)
		await expect.poll(() => remove.mock.calls.length).toBe(1)
		await expect.poll(() => alarmOf(id)).toBe(Date.now() + MINUTE)
		later(MINUTE)
		await ring(id)
		await expect.poll(() => filesOf(id)).toEqual(files(...fences))
	})
})

test('a document whose leases all came to something has nothing to sweep, and no alarm', async () => {
	const { document } = await uploaded()
	const fences = await convertAll(document.id, 20)
	await expect.poll(() => alarmOf(document.id).then((at) => at === null || at < Date.now() + HOUR / 2)).toBe(true)
	later(MINUTE)
	await ring(document.id)
	expect(await alarmOf(document.id)).toBeNull()
	expect(await filesOf(document.id)).toEqual(files(...fences))
})

describe('the packs of a job', () => {
	test('are served until the next is completed, and deleted an hour after', async () => {
		later(0)
		const { document, conversion } = await uploaded()
		const old = await convertAll(document.id, 3)
		const before = await manifestOf(document.id)
		await commanded(document.id, { action: 'start', forceReconvert: true })
		const lease = await open(document.id, 3)
		const next = await finishAndGoOn(lease)
		later(2 * HOUR)
		await ring(document.id)
		later(MINUTE)
		const { fence } = await leaseOf(document.id)
		// The next job is at work, so the old one is what there is to see.
		expect((await manifestOf(document.id)).jobId).toBe(conversion.jobId)
		await everyPageIsReadable(document.id, 3)
		expect(fence).toBeGreaterThan(next.fence)
		await finish({ ...next, fence })
		const { jobId } = await statusOf(document.id)
		expect((await manifestOf(document.id)).jobId).toBe(jobId)
		// Whoever still has the old addresses can use them for a while.
		expect(await filesOf(document.id)).toEqual(files(...old, lease.fence, fence))
		expect((await manifestOf(document.id, `?job=${conversion.jobId}`)).pages).toHaveLength(3)
		later(HOUR)
		await evict(document.id)
		await ring(document.id)
		await expect.poll(() => filesOf(document.id)).toEqual(files(lease.fence, fence))
		expect(await rowsOf(document.id, 'pack')).toEqual([lease.fence, fence])
		await everyPageIsReadable(document.id, 3)
		const gone = await call(`/api/documents/${document.id}/pages?job=${conversion.jobId}`)
		expect(await refusal(gone)).toEqual({ status: 404, code: 'not_found' })
		expect((await call(before.pages[0]?.imageUrl ?? '', { token: null })).status).toBe(404)
	})

	test('that was replaced are deleted, and those of the served and of the current job stay', async () => {
		later(0)
		const { document } = await uploaded()
		const served = await convertAll(document.id, 2)
		await commanded(document.id, { action: 'start', forceReconvert: true })
		await finishAndGoOn(await open(document.id, 17))
		await commanded(document.id, { action: 'start', onActive: 'replace', forceReconvert: true })
		const current = await open(document.id, 17)
		await finish(await finishAndGoOn(current), { through: 9 })
		const { snapshot } = await commanded(document.id, { action: 'cancel' })
		expect(snapshot.readyPages).toBe('1-9')
		const kept = files(...served, current.fence, current.fence + 1)
		expect((await filesOf(document.id)).length).toBe(kept.length + 1)
		later(HOUR)
		await ring(document.id)
		await expect.poll(() => filesOf(document.id)).toEqual(kept)
		// The served job is still whole, and the current one can still be gone on with.
		await everyPageIsReadable(document.id, 2)
		await commanded(document.id, { action: 'retry' })
		await finish(await leaseOf(document.id))
		await everyPageIsReadable(document.id, 17)
	})

	test('that was cancelled stay for a retry, however late it comes', async () => {
		const { document } = await uploaded()
		await finish(await finishAndGoOn(await open(document.id, 17)), { through: 9 })
		await commanded(document.id, { action: 'cancel' })
		later(30 * 24 * HOUR)
		await ring(document.id)
		await commanded(document.id, { action: 'retry' })
		later(MINUTE)
		await finish(await leaseOf(document.id))
		expect((await statusOf(document.id)).readyPages).toBe('1-17')
		later(2 * HOUR)
		await ring(document.id)
		await everyPageIsReadable(document.id, 17)
	})

	test('that was cancelled are deleted when a start begins anew', async () => {
		later(0)
		const { document } = await uploaded()
		const first = await open(document.id, 2)
		await finishAndGoOn(first)
		await commanded(document.id, { action: 'cancel' })
		await commanded(document.id, { action: 'start' })
		const fences = await convertAll(document.id, 2)
		later(HOUR)
		await ring(document.id)
		await expect.poll(() => filesOf(document.id)).toEqual(files(...fences))
		await everyPageIsReadable(document.id, 2)
	})

	test('are not looked for while a job runs', async () => {
		later(0)
		const { document } = await uploaded()
		await open(document.id, 17)
		await commanded(document.id, { action: 'start', onActive: 'replace' })
		const remove = vi.spyOn(Object.getPrototypeOf(env.FILES), 'delete')
		later(2 * HOUR)
		await ring(document.id)
		expect((await statusOf(document.id)).status).toBe('queued')
		expect(remove).not.toHaveBeenCalled()
		const fences = await convertAll(document.id, 3)
		later(2 * HOUR)
		await ring(document.id)
		await expect.poll(() => filesOf(document.id)).toEqual(files(...fences))
		expect(remove).toHaveBeenCalled()
	})
})

describe('an upload that was abandoned', () => {
	/** The Worker dies when the file is stored and the document not yet created. */
	async function abandoned(key: string): Promise<string> {
		later(0)
		const create = vi.spyOn(DocumentObject.prototype, 'create').mockImplementationOnce(() => {
			throw new Error('killed')
		})
		expect((await upload(PDF, { headers: { 'Idempotency-Key': key } })).status).toBe(500)
		expect(create).toHaveBeenCalledTimes(1)
		const id = documentIdFor(env.AUTH_JWT_SECRET, ALICE, key)
		return id
	}

	test('is seen by nobody, and gone after an hour: no row, no file', async () => {
		const id = await abandoned('gone')
		expect(await filesOf(id)).toEqual(['source'])
		expect(await refusal(await call(`/api/documents/${id}/conversion-status`))).toEqual({
			status: 404,
			code: 'not_found',
		})
		for (let count = 0; count < 10; count++) {
			const at = await alarmOf(id)
			if (at === null) break
			expect(await filesOf(id)).toEqual(['source'])
			later(at - Date.now())
			await ring(id)
		}
		await expect.poll(() => filesOf(id)).toEqual([])
		await expect.poll(() => tablesOf(id)).toEqual([])
		expect(await alarmOf(id)).toBeNull()
	})

	test('is found also by an object that has forgotten it', async () => {
		const id = await abandoned('forgotten')
		later(HOUR)
		await evict(id)
		await ring(id)
		await expect.poll(() => filesOf(id)).toEqual([])
		await expect.poll(() => tablesOf(id)).toEqual([])
	})

	test('can be taken up until then', async () => {
		const id = await abandoned('taken-up')
		later(HOUR - 1)
		await ring(id)
		const headers = { 'Idempotency-Key': 'taken-up' }
		const again = uploadedSchema.parse(await (await upload(PDF, { headers })).json())
		expect(again.document.id).toBe(id)
		later(2 * HOUR)
		await ring(id)
		expect(await filesOf(id)).toEqual(['source'])
	})

	test('can be begun anew after', async () => {
		const id = await abandoned('begun-anew')
		later(HOUR)
		await ring(id)
		await expect.poll(() => tablesOf(id)).toEqual([])
		const { document, conversion } = await uploaded({ headers: { 'Idempotency-Key': 'begun-anew' } })
		expect(document.id).toBe(id)
		expect(conversion.status).toBe('queued')
		expect(await filesOf(id)).toEqual(['source'])
	})

	test('cannot be taken up while its file is being deleted', async () => {
		const id = await abandoned('too-late')
		later(HOUR)
		const { promise, resolve } = Promise.withResolvers<void>()
		const bucket = Object.getPrototypeOf(env.FILES)
		const real = bucket.delete
		const remove = vi.spyOn(bucket, 'delete').mockImplementationOnce(async function (this: unknown, ...parameters) {
			await promise
			return await real.apply(this, parameters)
		})
		await ring(id)
		await expect.poll(() => remove.mock.calls.length).toBe(1)
		const answer = await upload(PDF, { headers: { 'Idempotency-Key': 'too-late' } })
		expect(await refusal(answer)).toEqual({ status: 503, code: 'unavailable' })
		expect(answer.headers.get('Retry-After')).toBe('1')
		resolve()
		await expect.poll(() => tablesOf(id)).toEqual([])
		expect(await filesOf(id)).toEqual([])
		expect((await uploaded({ headers: { 'Idempotency-Key': 'too-late' } })).conversion.status).toBe('queued')
	})
})

test('an upload that failed leaves no row, and at once', async () => {
	const headers = { 'Idempotency-Key': 'failed', 'Content-Length': String(PDF.byteLength + 1) }
	expect((await upload(PDF, { headers })).status).toBe(400)
	const id = documentIdFor(env.AUTH_JWT_SECRET, ALICE, 'failed')
	expect(await tablesOf(id)).toEqual([])
	expect(await alarmOf(id)).toBeNull()
	expect(await filesOf(id)).toEqual([])
})
