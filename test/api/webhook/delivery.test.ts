import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { messageOf } from '../../../src/api/webhook/deliver.ts'
import { reserved } from '../../../src/core/job/job.ts'
import { transition } from '../../../src/core/job/transition.ts'
import { messageId, webhookMessageSchema } from '../../../src/core/webhook.ts'
import { START } from '../../core/scenario.ts'
import { alarmOf, contentOf, evict, HOUR, later, MINUTE, ring, SECOND } from '../inside.ts'
import { command, erase, finish, finishAndGoOn, uploaded } from '../service.ts'
import { Owner, opened } from './owner.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

/** The events that came, each once, whatever their order. */
async function events(owner: Owner, secret: string): Promise<string[]> {
	return (await owner.told(secret)).map(({ message }) => message.type).sort()
}

/** The events of a document that it has not told. */
async function pending(id: string): Promise<{ event: string; tries: number; notBefore: number }[]> {
	const rows: { kind: string; number: number; content: string }[] = JSON.parse(await contentOf(id))
	const job = rows.filter(({ kind }) => kind === 'job').sort((one, other) => other.number - one.number)[0]
	return JSON.parse(job?.content ?? '{}').calls.pending
}

/** A document whose conversion was told to the endpoint in vain once. */
async function missedOnce(owner: Owner, ...steps: Parameters<Owner['answers']>) {
	await owner.answers(...steps)
	const { document, conversion } = await uploaded({ token: owner.token })
	await command(document.id, { action: 'cancel' }, { token: owner.token })
	await expect.poll(() => owner.calls()).toHaveLength(1)
	return { id: document.id, jobId: conversion.jobId ?? '' }
}

/** Until the object has made of the last answers what it does. */
function settled(id: string, tries: number): Promise<unknown> {
	return expect.poll(() => pending(id)).toEqual([expect.objectContaining({ tries })])
}

describe('an endpoint is told', () => {
	test('of the first page while the rest is at work, and of the end, signed as its library wants it', async () => {
		const owner = await Owner.begin()
		const { secret } = await owner.sets()
		const { document, conversion } = await uploaded({ token: owner.token })
		const jobId = conversion.jobId ?? ''
		const second = await finishAndGoOn(await opened(conversion, 2))
		await expect.poll(() => owner.calls()).toHaveLength(1)
		const [first] = await owner.told(secret)
		expect(first).toMatchObject({
			id: messageId(jobId, 'conversion.first_page'),
			signatures: 1,
			message: {
				type: 'conversion.first_page',
				data: { documentId: document.id, jobId, status: 'processing', readyPages: '1' },
			},
		})
		await finish(second)
		await expect.poll(() => owner.calls()).toHaveLength(2)
		const [, last] = await owner.told(secret)
		expect(last).toMatchObject({
			id: messageId(jobId, 'conversion.completed'),
			message: { type: 'conversion.completed', data: { jobId, status: 'completed', readyPages: '1-2' } },
		})
		const data = last?.message.data
		expect(last?.message.timestamp).toBe(data && 'completedAt' in data ? data.completedAt : null)
		const [call] = await owner.calls()
		expect(call).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } })
		expect(new TextEncoder().encode(call?.body).byteLength).toBeLessThan(20_000)
		await expect.poll(() => pending(document.id)).toEqual([])
	})

	test('of what was cancelled, and of the job that took its place', async () => {
		const owner = await Owner.begin()
		const { secret } = await owner.sets()
		const { document, conversion } = await uploaded({ token: owner.token })
		const replaced = { action: 'start', onActive: 'replace' }
		await command(document.id, replaced, { token: owner.token })
		await command(document.id, { action: 'cancel' }, { token: owner.token })
		await expect.poll(() => events(owner, secret)).toEqual(['conversion.cancelled', 'conversion.cancelled'])
		const told = await owner.told(secret)
		const jobs = told.map(({ message }) => 'jobId' in message.data && message.data.jobId)
		expect(jobs).toContain(conversion.jobId)
		expect(new Set(jobs).size).toBe(2)
	})

	test('of a first page that came before the history could say that it is there', async () => {
		const owner = await Owner.begin()
		const { secret } = await owner.sets()
		const database = Object.getPrototypeOf(env.HISTORY)
		const away = vi.spyOn(database, 'batch').mockRejectedValue(new Error('away'))
		const { document, conversion } = await uploaded({ token: owner.token })
		await finish(await opened(conversion, 2))
		expect(await owner.calls()).toEqual([])
		away.mockRestore()
		later(2 * SECOND)
		await ring(document.id)
		await expect.poll(() => events(owner, secret)).toEqual(['conversion.first_page'])
	})

	test('of the end, when it was set up while the conversion was under way', async () => {
		const owner = await Owner.begin()
		const { document } = await uploaded({ token: owner.token })
		const { secret } = await owner.sets()
		await command(document.id, { action: 'cancel' }, { token: owner.token })
		await expect.poll(() => events(owner, secret)).toEqual(['conversion.cancelled'])
	})

	test('of nothing that happens to the documents of others', async () => {
		const [owner, other] = [await Owner.begin(), await Owner.begin()]
		const { secret } = await owner.sets()
		const theirs = await uploaded({ token: other.token })
		await command(theirs.document.id, { action: 'cancel' }, { token: other.token })
		const own = await uploaded({ token: owner.token })
		await command(own.document.id, { action: 'cancel' }, { token: owner.token })
		await expect.poll(() => owner.calls()).toHaveLength(1)
		await expect.poll(() => pending(theirs.document.id)).toEqual([])
		const [told] = await owner.told(secret)
		expect(told?.message.data).toMatchObject({ documentId: own.document.id })
	})
})

describe('an endpoint that does not take a call', () => {
	test('with a 500 is told again, with the same id, until it does', async () => {
		const owner = await Owner.begin()
		const { secret } = await owner.sets()
		const { id, jobId } = await missedOnce(owner, { status: 500 }, { status: 503 })
		await settled(id, 1)
		expect(await alarmOf(id)).toBeLessThanOrEqual(Date.now() + 5 * SECOND)
		later(5 * SECOND)
		await ring(id)
		await settled(id, 2)
		// The object forgets what only memory knows; what is pending is a row.
		await evict(id)
		later(30 * SECOND)
		await ring(id)
		await expect.poll(() => owner.calls()).toHaveLength(3)
		await expect.poll(() => pending(id)).toEqual([])
		const told = await owner.told(secret)
		expect(new Set(told.map((each) => each.id))).toEqual(new Set([messageId(jobId, 'conversion.cancelled')]))
		expect(new Set(told.map(({ message }) => message.timestamp)).size).toBe(1)
	})

	test('and asks for time is left alone for as long', async () => {
		const owner = await Owner.begin()
		await owner.sets()
		const { id } = await missedOnce(owner, { status: 429, headers: { 'Retry-After': '3600' } })
		await settled(id, 1)
		const [call] = await pending(id)
		expect(call?.notBefore).toBeGreaterThan(Date.now() + 59 * MINUTE)
		later(59 * MINUTE)
		await ring(id)
		expect(await owner.calls()).toHaveLength(1)
		later(2 * MINUTE)
		await ring(id)
		await expect.poll(() => owner.calls()).toHaveLength(2)
	})

	test('but sends it elsewhere is not followed', async () => {
		const [owner, elsewhere] = [await Owner.begin(), await Owner.begin()]
		await owner.sets()
		const { id } = await missedOnce(owner, { status: 307, headers: { Location: elsewhere.url } })
		await settled(id, 1)
		expect(await elsewhere.calls()).toEqual([])
	})

	test('by silence is told again', { timeout: 20_000 }, async () => {
		const owner = await Owner.begin()
		await owner.sets()
		const { id } = await missedOnce(owner, { status: 200, never: 'answers' })
		await expect.poll(() => pending(id), { timeout: 10_000 }).toEqual([expect.objectContaining({ tries: 1 })])
	})

	test('but answers without an end is not listened to', async () => {
		const owner = await Owner.begin()
		await owner.sets()
		const { id } = await missedOnce(owner, { status: 200, never: 'ends' })
		await expect.poll(() => pending(id)).toEqual([])
	})

	test('is given up after eight tries, and the log says so, without address and secret', async () => {
		const owner = await Owner.begin()
		const { secret } = await owner.sets()
		const logs = (['info', 'warn'] as const).map((level) => vi.spyOn(console, level).mockImplementation(() => {}))
		const { id } = await missedOnce(owner, ...Array.from({ length: 9 }, () => ({ status: 500 })))
		for (let tries = 1; tries < 8; tries++) {
			await settled(id, tries)
			later(12 * HOUR)
			// Two days are over sooner than that would take.
			vi.setSystemTime((await pending(id))[0]?.notBefore ?? 0)
			await ring(id)
		}
		await expect.poll(() => owner.calls()).toHaveLength(8)
		await expect.poll(() => pending(id)).toEqual([])
		const said = JSON.stringify(logs.flatMap((log) => log.mock.calls))
		expect(said).toContain('webhook_given_up')
		expect(said).toContain('webhook_missed')
		expect(said).not.toContain('secret-in-the-query')
		expect(said).not.toContain(owner.name)
		expect(said).not.toContain(secret)
	})

	test('with a 410 is not called any more, until its owner sets it again', async () => {
		const owner = await Owner.begin()
		const { secret } = await owner.sets()
		const { id } = await missedOnce(owner, { status: 410 })
		await expect.poll(() => owner.sees()).toMatchObject({ disabledReason: 'gone' })
		await expect.poll(() => pending(id)).toEqual([])
		const next = await uploaded({ token: owner.token })
		await command(next.document.id, { action: 'cancel' }, { token: owner.token })
		await expect.poll(() => pending(next.document.id)).toEqual([])
		expect(await owner.calls()).toHaveLength(1)

		expect((await owner.ask('PUT', { url: owner.url })).status).toBe(200)
		expect(await owner.sees()).toMatchObject({ disabledAt: null, disabledReason: null })
		const last = await uploaded({ token: owner.token })
		await command(last.document.id, { action: 'cancel' }, { token: owner.token })
		await expect.poll(() => events(owner, secret)).toEqual(['conversion.cancelled', 'conversion.cancelled'])
	})

	test('is told nothing more of a document that was erased, nor after it was deleted itself', async () => {
		const owner = await Owner.begin()
		await owner.sets()
		const erased = await missedOnce(owner, { status: 500 }, { status: 500 })
		await settled(erased.id, 1)
		await erase(erased.id, { token: owner.token })
		const other = await uploaded({ token: owner.token })
		await command(other.document.id, { action: 'cancel' }, { token: owner.token })
		await settled(other.document.id, 1)
		expect((await owner.ask('DELETE')).status).toBe(204)
		later(HOUR)
		await ring(erased.id)
		await ring(other.document.id)
		await expect.poll(() => pending(other.document.id)).toEqual([])
		expect(await pending(erased.id)).toEqual([])
		expect(await owner.calls()).toHaveLength(2)
	})
})

test('a body stays below 20 KB, whatever became of the pages', () => {
	const owner = { tenant: 'default', sub: 'alice' }
	const file = {
		externalId: null,
		metadata: null,
		uploadKey: null,
		name: 'a.pdf',
		contentType: 'application/pdf',
		size: 1,
		createdAt: 1,
	}
	const document = { id: crypto.randomUUID(), owner, ...file }
	const { conversion } = transition(reserved(1), { type: 'create', start: { ...START, jobId: 'job-1' } }, 2)
	// Every other page of the largest document there may be has failed.
	const odd = Array.from({ length: 5_000 }, (_, index) => 2 * index + 1)
	const job = conversion.job && {
		...conversion.job,
		ready: odd.map((page) => ({ first: page, last: page })),
		failedPages: odd.map((page) => ({ page: page + 1, code: 'internal' as const })),
	}
	const call = { event: 'conversion.completed', number: 1, at: 3, tries: 0, notBefore: 0 } as const
	const body = messageOf(document, call, { ...conversion, job })?.body ?? ''
	expect(body.length).toBeLessThan(20_000)
	expect(webhookMessageSchema.parse(JSON.parse(body)).data).toMatchObject({ readyPages: null, failedPageCount: 5_000 })
})

test('the secret lies nowhere readable: not in the database, not in the document', async () => {
	const owner = await Owner.begin()
	const { secret } = await owner.sets()
	const { secret: next } = await owner.rotates()
	const { document, conversion } = await uploaded({ token: owner.token })
	await finish(await opened(conversion, 1))
	await expect.poll(() => owner.calls()).toHaveLength(2)
	const rows = JSON.stringify((await env.HISTORY.prepare('SELECT * FROM webhooks').all()).results)
	for (const each of [secret, next]) {
		expect(rows).not.toContain(each)
		expect(rows).not.toContain(each.slice('whsec_'.length))
		expect(await contentOf(document.id)).not.toContain(each)
	}
})

test('a secret that was replaced signs along for a day', async () => {
	later(0)
	const owner = await Owner.begin()
	const { secret: first } = await owner.sets()
	const { secret: second, previousSecretUntil } = await owner.rotates()
	expect(Date.parse(previousSecretUntil ?? '')).toBeLessThanOrEqual(Date.now() + 24 * HOUR)
	// A rotation that is repeated, because its answer was lost, takes nothing from the one that is in use.
	const { secret: third } = await owner.rotates()
	expect(new Set([first, second, third]).size).toBe(3)
	await owner.ask('POST', { action: 'test' })
	for (const secret of [first, second, third]) {
		expect((await owner.told(secret)).map(({ signatures }) => signatures)).toEqual([3])
	}
	expect((await owner.sees()).previousSecretUntil).not.toBeNull()
	later(24 * HOUR + MINUTE)
	expect((await owner.sees()).previousSecretUntil).toBeNull()
	await owner.ask('POST', { action: 'test' })
	const [, call] = await owner.calls()
	expect(call?.headers['webhook-signature']?.split(' ')).toHaveLength(1)
})
