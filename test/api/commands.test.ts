import { afterEach, describe, expect, test, vi } from 'vitest'
import { LineupObject } from '../../src/api/lineup/object.ts'
import { evict, jobRows, later, loseLeases, MINUTE, waitingOf } from './inside.ts'
import {
	bob,
	bytesAt,
	call,
	command,
	commanded,
	convertAll,
	finish,
	finishAndGoOn,
	finishAndTakeNext,
	gate,
	leaseOf,
	manifestOf,
	open,
	refusal,
	standing,
	statusOf,
	tokenFor,
	uploaded,
} from './service.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

const commands = [{ action: 'start', onActive: 'replace' }, { action: 'retry' }, { action: 'cancel' }]

/** A document whose only page fails, so that its job does. */
async function failed(): Promise<string> {
	const { document } = await uploaded()
	const { fence } = await leaseOf(document.id)
	await gate.fail({ documentId: document.id, fence, code: 'invalid_document' })
	expect((await statusOf(document.id)).status).toBe('failed')
	return document.id
}

/** A document of 20 pages of which 1 to 9 were ready when it was cancelled. */
async function cancelledAfterNine(): Promise<string> {
	const { document } = await uploaded()
	const first = await open(document.id, 20)
	await finish(await finishAndGoOn(first), { through: 9 })
	await commanded(document.id, { action: 'cancel' })
	return document.id
}

describe('cancel', () => {
	test('of a running job is answered at once, and its converter is told to stop', async () => {
		const { document } = await uploaded()
		const lease = await finishAndGoOn(await open(document.id, 17))
		const holder = { documentId: document.id, fence: lease.fence }
		expect(await gate.report({ ...holder, rendered: 4 })).toBe('go on')
		const { progress } = await statusOf(document.id)
		const { status, snapshot } = await commanded(document.id, { action: 'cancel' })
		expect(status).toBe(200)
		// What was reached is kept.
		expect(snapshot).toMatchObject({ status: 'cancelled', readyPages: '1', progress, failure: null })
		expect(snapshot.completedAt).not.toBeNull()
		expect(await gate.report({ ...holder, rendered: 5 })).toBe('stop')
		expect(await gate.source(holder)).toBeNull()
		expect(await finish(lease)).toEqual({ verdict: 'stop' })
		expect(await gate.fail({ ...holder, code: 'internal' })).toBe('stop')
		expect(await gate.lease({ documentId: document.id, jobId: lease.jobId })).toBeNull()
		expect(await statusOf(document.id)).toEqual(snapshot)
	})

	test('waits for nobody, also when the lineup hangs', async () => {
		const { document } = await uploaded()
		await expect.poll(() => waitingOf(document.id)).not.toBeNull()
		const { promise, resolve } = Promise.withResolvers<void>()
		const want = vi.spyOn(LineupObject.prototype, 'want').mockReturnValue(promise as never)
		expect((await commanded(document.id, { action: 'cancel' })).snapshot.status).toBe('cancelled')
		await expect.poll(() => want.mock.calls.length).toBe(1)
		resolve()
	})

	test('takes a waiting job out of the lineup', async () => {
		const { document } = await uploaded()
		await expect.poll(() => waitingOf(document.id)).not.toBeNull()
		await commanded(document.id, { action: 'cancel' })
		await expect.poll(() => waitingOf(document.id)).toBeNull()
	})

	test('of a job that has ended changes nothing', async () => {
		const { document: completed } = await uploaded()
		await convertAll(completed.id, 1)
		const cancelled = await cancelledAfterNine()
		for (const id of [completed.id, cancelled, await failed()]) {
			const before = await statusOf(id)
			expect(await commanded(id, { action: 'cancel' })).toEqual({ status: 200, snapshot: before })
			expect(await statusOf(id)).toEqual(before)
		}
	})

	test('of what was never converted changes nothing', async () => {
		const { document, conversion } = await uploaded({ query: '?convert=false' })
		expect(await commanded(document.id, { action: 'cancel' })).toEqual({ status: 200, snapshot: conversion })
	})
})

describe('retry', () => {
	test('of a cancelled job goes on where it ended, and its pages are the old ones and the new', async () => {
		const id = await cancelledAfterNine()
		const old = await statusOf(id)
		const before = await manifestOf(id)
		expect(before.pages).toHaveLength(9)
		const { status, snapshot } = await commanded(id, { action: 'retry' })
		expect(status).toBe(202)
		expect(snapshot).toMatchObject({ status: 'queued', readyPages: '1-9', totalPages: 20, processedPages: 9 })
		expect(snapshot.jobId).not.toBe(old.jobId)
		expect(snapshot.version).toBeGreaterThan(old.version)
		await evict(id)
		// What is ready can be seen meanwhile.
		expect((await manifestOf(id)).pages).toEqual(before.pages)
		let lease = await leaseOf(id)
		const ranges = [lease.pages]
		expect(lease.pageCount).toBe(20)
		for (;;) {
			const next = await finishAndTakeNext(lease)
			if (!next) break
			lease = next
			ranges.push(lease.pages)
		}
		expect(ranges).toEqual([{ first: 10, last: 20 }])
		expect(await statusOf(id)).toMatchObject({ status: 'completed', progress: 100, readyPages: '1-20' })
		await evict(id)
		const { jobId, pages } = await manifestOf(id)
		expect(jobId).toBe(snapshot.jobId)
		expect(pages.map(({ page }) => page)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
		expect(pages.slice(0, 9)).toEqual(before.pages)
		for (const { page, imageUrl, textUrl } of pages) {
			expect(await bytesAt(imageUrl)).toMatch(new RegExp(`^image of page ${page} by fence`))
			expect(await bytesAt(textUrl)).toBe(`text of page ${page}`)
		}
		const byBearer = await call(`/api/documents/${id}/pages/3`)
		expect(new TextDecoder().decode(await byBearer.arrayBuffer())).toMatch(/^image of page 3 by/)
		expect((await manifestOf(id, `?job=${old.jobId}`)).pages).toHaveLength(9)
	})

	test('of a retry has the pages of all three', async () => {
		const id = await cancelledAfterNine()
		await commanded(id, { action: 'retry' })
		await finish(await leaseOf(id), { through: 12 })
		await commanded(id, { action: 'cancel' })
		expect((await commanded(id, { action: 'retry' })).snapshot.readyPages).toBe('1-12')
		await finish(await leaseOf(id))
		expect(await statusOf(id)).toMatchObject({ status: 'completed', readyPages: '1-20' })
		const { pages } = await manifestOf(id)
		expect(pages).toHaveLength(20)
		const images = await Promise.all(pages.map(({ imageUrl }) => bytesAt(imageUrl)))
		expect(new Set(images.map((image) => image.split('fence ')[1])).size).toBe(4)
	})

	test('of a failed job begins anew when there was nothing to go on from', async () => {
		const id = await failed()
		const old = await statusOf(id)
		const { status, snapshot } = await commanded(id, { action: 'retry' })
		expect(status).toBe(202)
		expect(snapshot).toMatchObject({ status: 'queued', progress: 0, failure: null, retryCount: 0, totalPages: null })
		await convertAll(id, 3)
		expect(await statusOf(id)).toMatchObject({ status: 'completed', readyPages: '1-3', jobId: snapshot.jobId })
		await expect.poll(() => jobRows(id)).toMatchObject([{ id: old.jobId, status: 'failed' }, { status: 'completed' }])
	})

	test('leaves everything as it was, unless it says otherwise', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const options = { quality: 'low', pages: '2-3' }
		const caller = { token: await tokenFor({ sub: 'alice' }) }
		await commanded(document.id, { action: 'start', priority: 'low', maxRetries: 7, options })
		await commanded(document.id, { action: 'cancel' })
		const again = await commanded(document.id, { action: 'retry', options }, caller)
		expect(again).toMatchObject({ status: 202, snapshot: { priority: 'low', maxRetries: 7 } })
		expect(await leaseOf(document.id)).toMatchObject({ options, pages: { first: 2, last: 2 } })
		await commanded(document.id, { action: 'cancel' })
		const other = await commanded(document.id, { action: 'retry', priority: 'normal', maxRetries: 0 })
		expect(other).toMatchObject({ status: 202, snapshot: { priority: 'normal', maxRetries: 0 } })
		expect((await leaseOf(document.id)).options).toEqual(options)
	})

	test('refuses other options than the job had', async () => {
		const id = await cancelledAfterNine()
		const before = await statusOf(id)
		for (const options of [{ quality: 'high' }, { pages: '1-3' }]) {
			const response = await command(id, { action: 'retry', options })
			expect(await refusal(response)).toEqual({ status: 409, code: 'options_differ' })
		}
		expect(await statusOf(id)).toEqual(before)
	})

	test('is refused when nothing failed or was cancelled', async () => {
		const { document: none } = await uploaded({ query: '?convert=false' })
		const { document: queued } = await uploaded()
		const { document: processing } = await uploaded()
		await leaseOf(processing.id)
		const { document: completed } = await uploaded()
		await convertAll(completed.id, 2)
		for (const { id } of [none, queued, processing, completed]) {
			const before = await statusOf(id)
			const response = await command(id, { action: 'retry' })
			expect(await refusal(response)).toEqual({ status: 409, code: 'nothing_to_retry' })
			expect(await statusOf(id)).toEqual(before)
		}
	})
})

describe('a start while a job runs', () => {
	test('gives that job back, unless it says otherwise', async () => {
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		for (const onActive of [{}, { onActive: 'return' }]) {
			const { status, snapshot } = await commanded(document.id, { action: 'start', priority: 'low', ...onActive })
			expect(status).toBe(200)
			expect(snapshot).toEqual(conversion)
		}
	})

	test('is refused when it says reject', async () => {
		const { document } = await uploaded()
		const conversion = await standing(document.id)
		const response = await command(document.id, { action: 'start', onActive: 'reject' })
		expect(await refusal(response)).toEqual({ status: 409, code: 'conversion_active' })
		expect(await statusOf(document.id)).toEqual(conversion)
	})

	test('takes its place when it says replace, and its converter is told to stop', async () => {
		const { document, conversion } = await uploaded()
		const lease = await open(document.id, 5)
		const { status, snapshot } = await commanded(document.id, { action: 'start', onActive: 'replace', priority: 'low' })
		expect(status).toBe(202)
		expect(snapshot).toMatchObject({ status: 'queued', progress: 0, totalPages: null, priority: 'low' })
		expect(snapshot.jobId).not.toBe(conversion.jobId)
		expect(await gate.report({ documentId: document.id, fence: lease.fence, rendered: 1 })).toBe('stop')
		expect(await finish(lease)).toEqual({ verdict: 'stop' })
		expect(await gate.lease({ documentId: document.id, jobId: conversion.jobId })).toBeNull()
		await expect.poll(() => waitingOf(document.id)).toMatchObject({ job_id: snapshot.jobId, want: 1 })
		await convertAll(document.id, 5)
		await expect
			.poll(() => jobRows(document.id))
			.toMatchObject([
				{ id: conversion.jobId, number: 1, status: 'cancelled' },
				{ id: snapshot.jobId, number: 2, status: 'completed' },
			])
		expect((await manifestOf(document.id)).jobId).toBe(snapshot.jobId)
	})
})

test('a start that replaces a waiting job waits in its place', async () => {
	const { document, conversion } = await uploaded({ query: '?priority=low' })
	await expect.poll(() => waitingOf(document.id)).toMatchObject({ job_id: conversion.jobId, priority: 'low' })
	const { snapshot } = await commanded(document.id, { action: 'start', onActive: 'replace' })
	const entry = { job_id: snapshot.jobId, priority: 'normal', want: 1 }
	await expect.poll(() => waitingOf(document.id)).toMatchObject(entry)
	// Whoever was sent for the old one finds nothing, and takes nothing away from the new one.
	expect(await gate.lease({ documentId: document.id, jobId: conversion.jobId })).toBeNull()
	expect(await waitingOf(document.id)).toMatchObject(entry)
})

describe('a start after a job', () => {
	test('that was completed with the same options gives it back, also a forgetful object', async () => {
		const { document, conversion } = await uploaded()
		await convertAll(document.id, 1)
		await evict(document.id)
		const { status, snapshot } = await commanded(document.id, { action: 'start', options: { quality: 'medium' } })
		expect(status).toBe(200)
		expect(snapshot).toMatchObject({ jobId: conversion.jobId, status: 'completed' })
	})

	test.each([{ forceReconvert: true }, { options: { quality: 'high' } }, { options: { pages: '1' } }])(
		'that was completed converts again with %o',
		async (other) => {
			const { document, conversion } = await uploaded()
			await convertAll(document.id, 1)
			const { status, snapshot } = await commanded(document.id, { action: 'start', ...other })
			expect(status).toBe(202)
			expect(snapshot.status).toBe('queued')
			expect(snapshot.jobId).not.toBe(conversion.jobId)
		},
	)

	test('that was cancelled begins with the first page', async () => {
		const id = await cancelledAfterNine()
		const { status, snapshot } = await commanded(id, { action: 'start' })
		expect(status).toBe(202)
		expect(snapshot).toMatchObject({ readyPages: '', totalPages: null })
		expect((await leaseOf(id)).pages).toEqual({ first: 1, last: 1 })
	})
})

describe('maxRetries', () => {
	test.each([0, 1, 4])('is how often a part is tried again: %i', async (maxRetries) => {
		const { document } = await uploaded({ query: '?convert=false' })
		await commanded(document.id, { action: 'start', maxRetries })
		for (let loss = 0; loss <= maxRetries; loss++) {
			expect(await statusOf(document.id)).toMatchObject({ retryCount: loss, maxRetries })
			await leaseOf(document.id)
			await loseLeases(document.id)
		}
		const ended = await statusOf(document.id)
		expect(ended).toMatchObject({ status: 'failed', retryCount: maxRetries, failure: { code: 'converter_lost' } })
	})

	test('does not count what cannot be mended', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		await commanded(document.id, { action: 'start', maxRetries: 5 })
		const { fence } = await leaseOf(document.id)
		await gate.fail({ documentId: document.id, fence, code: 'password_required' })
		const ended = await statusOf(document.id)
		expect(ended).toMatchObject({ status: 'failed', retryCount: 0, failure: { code: 'password_required' } })
	})

	test('comes with a wait, which the snapshot names', async () => {
		vi.spyOn(Math, 'random').mockReturnValue(0.5)
		const { document } = await uploaded()
		const { fence } = await leaseOf(document.id)
		later(0)
		await gate.fail({ documentId: document.id, fence, code: 'internal' })
		const waiting = await statusOf(document.id)
		expect(waiting).toMatchObject({ status: 'processing', retryCount: 1 })
		expect(Date.parse(waiting.nextRetryAt ?? '')).toBe(Date.now() + 500)
		expect(await gate.lease({ documentId: document.id, jobId: waiting.jobId })).toBeNull()
		later(500)
		expect((await leaseOf(document.id)).fence).toBeGreaterThan(fence)
	})
})

describe.each(commands)('$action of a document', (body) => {
	test('of somebody else, or for reading only, is not there and does nothing', async () => {
		const { document } = await uploaded()
		const lease = await leaseOf(document.id)
		const before = await statusOf(document.id)
		const reader = await tokenFor({ sub: 'reader', documents: { [document.id]: 'read' } })
		const elsewhere = await tokenFor({ sub: 'alice', tenant: 'elsewhere' })
		for (const token of [bob, reader, elsewhere]) {
			const response = await command(document.id, body, { token, headers: { 'Idempotency-Key': 'mine' } })
			expect(await refusal(response)).toEqual({ status: 404, code: 'not_found' })
		}
		expect(await statusOf(document.id)).toEqual(before)
		expect(await gate.report({ documentId: document.id, fence: lease.fence, rendered: 0 })).toBe('go on')
	})

	test('is allowed to whoever may manage just this one', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const token = await tokenFor({ sub: 'helper', documents: { [document.id]: 'manage' } })
		expect((await command(document.id, body, { token })).status).toBe(
			{ start: 202, retry: 409, cancel: 200 }[body.action],
		)
	})
})

test('the later word counts when start and cancel come one after another, many times', async () => {
	const { document } = await uploaded()
	const jobs = new Set<string | null>()
	for (let count = 0; count < 5; count++) {
		expect((await commanded(document.id, { action: 'cancel' })).snapshot.status).toBe('cancelled')
		const { snapshot } = await commanded(document.id, { action: 'start' })
		expect(snapshot.status).toBe('queued')
		jobs.add(snapshot.jobId)
	}
	expect(jobs.size).toBe(5)
	later(MINUTE)
	await convertAll(document.id, 2)
	await expect
		.poll(async () => (await jobRows(document.id)).map(({ status }) => status))
		.toEqual([...Array(5).fill('cancelled'), 'completed'])
})
