import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { LEASE_DURATION } from '../../src/core/job/rules/work.ts'
import { later, objectOf, SECOND } from './inside.ts'
import {
	call,
	claim,
	convertAll,
	finish,
	finishAndGoOn,
	finishAndTakeNext,
	gate,
	leaseOf,
	manifestOf,
	packFor,
	refusal,
	statusOf,
	streamOf,
	uploaded,
} from './service.ts'

/** Whether a call of the gate throws, as it does for what no converter of ours would send. */
async function fails(call: Promise<unknown>): Promise<boolean> {
	return await call.then(
		() => false,
		() => true,
	)
}

afterEach(() => {
	vi.useRealTimers()
})

describe('a conversion through the gate', () => {
	test('ends with all pages ready', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 40)
		expect(await statusOf(document.id)).toMatchObject({
			status: 'completed',
			progress: 100,
			readyPages: '1-40',
			totalPages: 40,
		})
	})

	test('survives that its object is evicted after every step', async () => {
		const { document } = await uploaded()
		const stub = objectOf(document.id)
		const versions: number[] = []
		const evicted = async () => {
			versions.push((await statusOf(document.id)).version)
			await evictDurableObject(stub)
			versions.push((await statusOf(document.id)).version)
		}
		await evicted()
		let lease = await leaseOf(document.id)
		await evicted()
		await gate.opened({ documentId: document.id, fence: lease.fence, pageCount: 20 })
		await evicted()
		for (;;) {
			await gate.report({ documentId: document.id, fence: lease.fence, rendered: 1 })
			await evicted()
			const next = await finishAndTakeNext(lease)
			await evicted()
			if (!next) break
			lease = next
		}
		expect(versions).toEqual(versions.toSorted((one, other) => one - other))
		expect(await statusOf(document.id)).toMatchObject({ status: 'completed', readyPages: '1-20' })
	})

	test('goes to another converter when the first is lost', async () => {
		const { document } = await uploaded()
		const lost = await leaseOf(document.id)
		vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + LEASE_DURATION + 1 })
		await runDurableObjectAlarm(objectOf(document.id))
		expect(await statusOf(document.id)).toMatchObject({ status: 'processing', retryCount: 1 })
		vi.setSystemTime(Date.now() + 60_000)
		const next = await leaseOf(document.id)
		expect(next.fence).toBeGreaterThan(lost.fence)
		expect(await gate.report({ documentId: document.id, fence: lost.fence, rendered: 1 })).toBe('stop')
		expect(await finish(lost)).toEqual({ verdict: 'stop' })
		await gate.opened({ documentId: document.id, fence: next.fence, pageCount: 1 })
		expect((await finish(next)).verdict).toBe('go on')
	})

	test('takes the same finish twice, and no other under the same fence', async () => {
		const { document } = await uploaded()
		const lease = await leaseOf(document.id)
		await gate.opened({ documentId: document.id, fence: lease.fence, pageCount: 3 })
		expect((await finish(lease)).verdict).toBe('go on')
		expect((await finish(lease)).verdict).toBe('go on')
		const { bytes, pack } = packFor({ ...lease, fence: lease.fence + 7 })
		const forged = { documentId: document.id, fence: lease.fence, through: 1, failed: [], pack, more: false }
		expect(await gate.finish(forged, streamOf(bytes))).toEqual({ verdict: 'stop' })
		const image = await call(`/api/documents/${document.id}/pages/1`)
		expect(await image.text()).toBe(`image of page 1 by fence ${lease.fence}`)
	})

	test('refuses a pack whose bytes are not what they say', async () => {
		const { document } = await uploaded()
		const lease = await leaseOf(document.id)
		const { bytes, pack } = packFor(lease)
		bytes[0] = 0
		const finished = { documentId: document.id, fence: lease.fence, through: 1, failed: [], pack, more: false }
		expect(await fails(gate.finish(finished, streamOf(bytes)))).toBe(true)
		expect((await statusOf(document.id)).readyPages).toBe('')
	})

	test('hands the source to whoever holds a lease, and to nobody else', async () => {
		const { document } = await uploaded()
		const lease = await leaseOf(document.id)
		const source = await gate.source({ documentId: document.id, fence: lease.fence })
		expect(await new Response(source).text()).toMatch(/^%PDF-/)
		expect(await gate.source({ documentId: document.id, fence: lease.fence + 1 })).toBeNull()
	})

	test('fails with a code when the source is gone', async () => {
		const { document } = await uploaded()
		const lease = await leaseOf(document.id)
		await env.FILES.delete(`${document.id}/source`)
		expect(await gate.source({ documentId: document.id, fence: lease.fence })).toBeNull()
		expect(await statusOf(document.id)).toMatchObject({ status: 'failed', failure: { code: 'source_missing' } })
	})

	test('does not answer what is no call of the gate', async () => {
		expect(await fails(gate.lease({ documentId: '../..', jobId: 'x' }))).toBe(true)
	})

	test('is in the history when it began and when it ended', async () => {
		const { document } = await uploaded()
		const row = () =>
			env.HISTORY.prepare('SELECT status, total_pages FROM documents WHERE id = ?').bind(document.id).first()
		await expect.poll(row).toEqual({ status: 'queued', total_pages: null })
		await convertAll(document.id, 2)
		await expect.poll(row).toEqual({ status: 'completed', total_pages: 2 })
	})
})

describe('the lineup', () => {
	test('gives a waiting document to whoever claims, once', async () => {
		const { document, conversion } = await uploaded({ query: '?priority=urgent' })
		const claims = []
		for (let count = 0; count < 50; count++) {
			const claimed = await claim()
			if (!claimed) break
			claims.push(claimed)
		}
		expect(claims.filter(({ documentId }) => documentId === document.id)).toEqual([
			{ documentId: document.id, jobId: conversion.jobId },
		])
	})

	test('forgets a job that its document does not know', async () => {
		const stub = env.LINEUP.get(env.LINEUP.idFromName('lineup'))
		const ghost = { documentId: crypto.randomUUID(), jobId: crypto.randomUUID() }
		await stub.want({ ...ghost, priority: 'urgent', want: 1, seq: 1 })
		const rows = () =>
			runInDurableObject(stub, (_, state) =>
				state.storage.sql.exec('SELECT job_id FROM line WHERE job_id = ?', ghost.jobId).toArray(),
			)
		expect(await rows()).toHaveLength(1)
		expect(await gate.lease(ghost)).toBeNull()
		expect(await rows()).toEqual([])
	})
})

describe('the status', () => {
	test('is not sent again to somebody who has it', async () => {
		const { document } = await uploaded()
		const path = `/api/documents/${document.id}/conversion-status`
		const first = await call(path)
		const etag = first.headers.get('ETag') ?? ''
		expect((await call(path, { headers: { 'If-None-Match': etag } })).status).toBe(304)
		await leaseOf(document.id)
		later(SECOND)
		expect((await call(path, { headers: { 'If-None-Match': etag } })).status).toBe(200)
	})

	test.each(['{"action":"explode"}', '{', '{"action":"start","maxRetries":1000}', '[]'])(
		'refuses the command %s',
		async (body) => {
			const { document } = await uploaded()
			const response = await call(`/api/documents/${document.id}/conversion-status`, { method: 'POST', body })
			expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
		},
	)
})

describe('the pages', () => {
	test('have addresses that work without a token and never change', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 3)
		const { pages, totalPages } = await manifestOf(document.id)
		expect(totalPages).toBe(3)
		expect(pages.map(({ page, state }) => [page, state])).toEqual([1, 2, 3].map((page) => [page, 'ready']))
		const page = pages[1]
		const image = await call(page?.imageUrl ?? '', { token: null })
		expect(await image.text()).toMatch(/^image of page 2 by fence/)
		expect(image.headers.get('Content-Type')).toBe('image/png')
		expect(image.headers.get('Cache-Control')).toContain('immutable')
		expect(await (await call(page?.thumbnailUrl ?? '', { token: null })).text()).toBe('thumbnail of page 2')
		const text = await call(page?.textUrl ?? '', { token: null })
		expect(await text.text()).toBe('text of page 2')
		expect(text.headers.get('Content-Type')).toBe('text/plain; charset=utf-8')
		expect((await manifestOf(document.id)).pages).toEqual(pages)
	})

	test('have addresses that cannot be bent to other bytes, nor used after their time', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 1)
		const { pages } = await manifestOf(document.id)
		const address = pages[0]?.imageUrl ?? ''
		expect((await call(address, { token: null })).status).toBe(200)
		const bent = [
			address.replace(/\/\d+-/, '/1-'),
			address.replace(/(\d+)\.png/, '999999.png'),
			address.replace('.png', '.txt'),
			address.replace(/expires=\d/, 'expires=9'),
			address.replace(/signature=.{4}/, 'signature=AAAA'),
			address.replace(/&signature.*/, ''),
		]
		for (const other of bent) {
			expect(other).not.toBe(address)
			expect(await refusal(await call(other, { token: null }))).toEqual({ status: 404, code: 'not_found' })
		}
		vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 3_600_000 + 1 })
		expect((await call(address, { token: null })).status).toBe(404)
	})

	test('can be had by number, and only those that are there', async () => {
		const { document } = await uploaded()
		await convertAll(document.id, 2)
		const at = (page: string) => call(`/api/documents/${document.id}/pages/${page}`)
		const image = await at('2')
		expect(image.headers.get('Cache-Control')).toBe('private, no-cache')
		expect(await image.text()).toMatch(/^image of page 2/)
		const again = { headers: { 'If-None-Match': image.headers.get('ETag') ?? '' } }
		expect((await call(`/api/documents/${document.id}/pages/2`, again)).status).toBe(304)
		expect(await (await at('2/text')).text()).toBe('text of page 2')
		expect(await (await at('2/thumbnail')).text()).toBe('thumbnail of page 2')
		for (const none of ['0', '3', '1.5', 'x', '-1', '1e0x']) {
			expect(await refusal(await at(none))).toEqual({ status: 404, code: 'not_found' })
		}
	})

	test('that are ready can be seen while the rest is converted, and asked for in part', async () => {
		const { document } = await uploaded()
		const lease = await leaseOf(document.id)
		await gate.opened({ documentId: document.id, fence: lease.fence, pageCount: 30 })
		expect((await manifestOf(document.id)).pages).toEqual([])
		await finish(await finishAndGoOn(lease), { through: 9 })
		expect((await manifestOf(document.id)).pages).toHaveLength(9)
		const part = await manifestOf(document.id, '?pages=2-3,8,20')
		expect(part.pages.map(({ page }) => page)).toEqual([2, 3, 8])
	})

	test('are not there before a conversion was started, nor for a job that never was', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const path = `/api/documents/${document.id}/pages`
		expect(await refusal(await call(path))).toEqual({ status: 404, code: 'not_found' })
		expect((await call(`${path}?job=${crypto.randomUUID()}`)).status).toBe(404)
	})

	test('of an earlier job are shown until the next is completed', async () => {
		const { document, conversion } = await uploaded()
		await convertAll(document.id, 1)
		const body = JSON.stringify({ action: 'start', forceReconvert: true })
		const restarted = await call(`/api/documents/${document.id}/conversion-status`, { method: 'POST', body })
		expect(restarted.status).toBe(202)
		expect((await manifestOf(document.id)).jobId).toBe(conversion.jobId)
		await convertAll(document.id, 1)
		const { jobId } = await statusOf(document.id)
		expect((await manifestOf(document.id)).jobId).toBe(jobId)
		expect((await manifestOf(document.id, `?job=${conversion.jobId}`)).jobId).toBe(conversion.jobId)
	})
})
