import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { settingsOf } from '../../src/api/env.ts'
import { sealPassword, unsealedLease } from '../../src/api/password.ts'
import { claimsSchema } from '../../src/core/access.ts'
import type { Lease } from '../../src/core/gate.ts'
import { contentOf, documentRow, evict, filesOf, jobRows, later, objectOf, ring, rowsOf } from './inside.ts'
import {
	type Call,
	call,
	command,
	commanded,
	convertAll,
	erase,
	finish,
	finishAndGoOn,
	gate,
	leaseOf,
	listen,
	open,
	refusal,
	statusOf,
	uploaded,
} from './service.ts'

/** Found in nothing else. */
const PASSWORD = 'Schwertfisch & 7 Zwerge'

/** Whatever is logged while a test runs. */
const logged: unknown[] = []
for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
	vi.spyOn(console, level).mockImplementation((...said) => void logged.push(said))
}

afterEach(() => {
	vi.useRealTimers()
	expect(JSON.stringify(logged)).not.toContain(PASSWORD)
})

/** A document whose conversion has failed, since it is protected. */
async function locked(): Promise<string> {
	const { document } = await uploaded()
	await lacks(document.id, 'password_required')
	return document.id
}

/** A converter finds that the document does not open. */
async function lacks(id: string, code: 'password_required' | 'password_wrong'): Promise<Lease> {
	const lease = await leaseOf(id)
	expect(await gate.fail({ documentId: id, fence: lease.fence, code })).toBe('go on')
	return lease
}

function retry(id: string, password: string, options: Call = {}) {
	return commanded(id, { action: 'retry', password }, options)
}

/** What is sealed in the rows of a document, if anything is. */
async function sealedIn(id: string): Promise<string[]> {
	return [...(await contentOf(id)).matchAll(/sealedPassword\\":\\"([\w-]+)\\"/g)].map(([, sealed = '']) => sealed)
}

describe('a protected document', () => {
	test('asks for its password, says when it was wrong, and is converted with the right one', async () => {
		const id = await locked()
		expect(await statusOf(id)).toMatchObject({
			status: 'failed',
			failure: { code: 'password_required', retryable: false, message: expect.stringContaining('Enter its password') },
		})

		expect(await retry(id, 'wrong')).toMatchObject({ status: 202, snapshot: { status: 'queued', failure: null } })
		expect(await lacks(id, 'password_wrong')).toMatchObject({ password: 'wrong' })
		expect(await statusOf(id)).toMatchObject({ status: 'failed', failure: { code: 'password_wrong' } })

		await retry(id, PASSWORD)
		await evict(id)
		let lease = await open(id, 33)
		expect(lease.password).toBe(PASSWORD)
		// Every further lease comes with it as well.
		lease = await finishAndGoOn(lease)
		expect(lease).toMatchObject({ pages: { first: 2, last: 17 }, password: PASSWORD })
		lease = await finishAndGoOn(lease)
		expect(lease.password).toBe(PASSWORD)
		await finish(lease)
		expect(await statusOf(id)).toMatchObject({ status: 'completed', readyPages: '1-33', failure: null })
	})

	test('can be started with its password', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		await commanded(document.id, { action: 'start', password: PASSWORD })
		expect((await leaseOf(document.id)).password).toBe(PASSWORD)
	})

	test('keeps the pages that are ready, when its password has to be given once more', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		await commanded(document.id, { action: 'start', password: PASSWORD })
		await finishAndGoOn(await open(document.id, 20))
		await commanded(document.id, { action: 'cancel' })
		await commanded(document.id, { action: 'retry' })
		expect((await lacks(document.id, 'password_required')).password).toBeNull()
		expect(await statusOf(document.id)).toMatchObject({ status: 'failed', readyPages: '1', failedPageCount: 0 })
		await retry(document.id, PASSWORD)
		expect(await leaseOf(document.id)).toMatchObject({
			pages: { first: 2, last: 17 },
			pageCount: 20,
			password: PASSWORD,
		})
	})

	test('that never needed one is leased without', async () => {
		const { document } = await uploaded()
		expect((await leaseOf(document.id)).password).toBeNull()
	})
})

describe('a password is', () => {
	test('nowhere to be read, and sealed nowhere but in the row of its job', async () => {
		const id = await locked()
		const socket = listen(await call(`/api/documents/${id}/conversion-live`, { headers: { Upgrade: 'websocket' } }))
		const headers = { 'Idempotency-Key': 'with a password'.replaceAll(' ', '-') }
		const { snapshot } = await retry(id, PASSWORD, { headers })
		const [sealed = '', ...others] = await sealedIn(id)
		expect(sealed.length).toBeGreaterThan(PASSWORD.length)
		expect(others).toEqual([])
		await ring(id)
		await expect.poll(() => jobRows(id)).toHaveLength(2)
		const lease = await open(id, 2)
		await vi.waitUntil(() => socket.snapshots.some(({ totalPages }) => totalPages === 2))
		const history = [await documentRow(id), await jobRows(id)]
		const seen = [snapshot, await statusOf(id), socket.texts, history, await contentOf(id), logged]
		for (const text of [PASSWORD, Buffer.from(PASSWORD).toString('base64url')]) {
			expect(JSON.stringify(seen)).not.toContain(text)
		}
		expect(JSON.stringify([snapshot, await statusOf(id), socket.texts, history, logged])).not.toContain(sealed)
		// Once, so it is in none of the kept answers.
		expect((await contentOf(id)).split(sealed)).toHaveLength(2)

		await finishAndGoOn(lease).then(finish)
		expect((await statusOf(id)).status).toBe('completed')
		expect(await contentOf(id)).not.toContain(sealed)
		for (const file of await filesOf(id)) {
			expect(await (await env.FILES.get(`${id}/${file}`))?.text()).not.toContain(PASSWORD)
		}
		socket.socket.close()
	})

	test.each<[string, (id: string) => Promise<unknown>]>([
		['completed', (id) => convertAll(id, 20)],
		['failed', (id) => lacks(id, 'password_wrong')],
		['cancelled', (id) => commanded(id, { action: 'cancel' })],
		['replaced', (id) => commanded(id, { action: 'start', onActive: 'replace' })],
		['erased', (id) => erase(id)],
		[
			'lost',
			async (id) => {
				await leaseOf(id)
				later(11 * 60_000)
				await ring(id)
			},
		],
	])('gone when its job is %s', async (_, end) => {
		const { document } = await uploaded({ query: '?convert=false' })
		const headers = { 'Idempotency-Key': 'k' }
		await commanded(document.id, { action: 'start', maxRetries: 0, password: PASSWORD }, { headers })
		expect(await sealedIn(document.id)).toHaveLength(1)
		await end(document.id)
		expect(await sealedIn(document.id)).toEqual([])
	})

	test('replaced by that of the job which takes the place of its own', async () => {
		const { document } = await uploaded()
		await commanded(document.id, { action: 'start', onActive: 'replace', password: 'first' })
		const [first = ''] = await sealedIn(document.id)
		await commanded(document.id, { action: 'start', onActive: 'replace', password: 'second' })
		expect(await sealedIn(document.id)).toHaveLength(1)
		expect(await contentOf(document.id)).not.toContain(first)
		expect((await leaseOf(document.id)).password).toBe('second')
	})

	test('sealed for its document alone, under the Worker’s secret, also while that is being replaced', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const settings = settingsOf(env)
		const sealedPassword = await sealPassword(settings, PASSWORD, document.id)
		expect(await sealPassword(settings, PASSWORD, document.id)).not.toBe(sealedPassword)
		await commanded(document.id, { action: 'start' })
		const lease = { ...(await leaseOf(document.id)), sealedPassword }
		expect(await unsealedLease(settings, lease)).toMatchObject({ password: PASSWORD })
		expect(await unsealedLease(settings, lease)).not.toHaveProperty('sealedPassword')
		const [current] = settings.secrets
		const rotated = { ...settings, secrets: ['another secret that is long enough, too', current] as const }
		expect(await unsealedLease(rotated, lease)).toMatchObject({ password: PASSWORD })
		expect(await unsealedLease({ ...settings, secrets: [rotated.secrets[0]] }, lease)).toBeNull()
		expect(await unsealedLease(settings, { ...lease, documentId: crypto.randomUUID() })).toBeNull()
	})

	test('asked for again when it cannot be unsealed any more', async () => {
		const { document } = await uploaded({ query: '?convert=false' })
		const gone = { ...settingsOf(env), secrets: ['a secret that is not known any more, and long'] as const }
		const alice = claimsSchema.parse({ sub: 'alice', exp: Date.now() / 1000 + 60 })
		const start = async () => ({
			type: 'start' as const,
			...({ jobId: crypto.randomUUID(), priority: 'normal', maxPriority: 'normal' } as const),
			...({ maxRetries: 3, retryPolicy: { baseDelay: 0, maxDelay: 0 }, options: { quality: 'medium' } } as const),
			...({ onActive: 'return', forceReconvert: false } as const),
			sealedPassword: await sealPassword(gone, PASSWORD, document.id),
		})
		await objectOf(document.id).command(alice, await start(), null)
		expect(await gate.lease({ documentId: document.id, jobId: (await statusOf(document.id)).jobId })).toBeNull()
		expect(await statusOf(document.id)).toMatchObject({ status: 'failed', failure: { code: 'password_required' } })
		expect(await sealedIn(document.id)).toEqual([])
		await retry(document.id, PASSWORD)
		expect((await leaseOf(document.id)).password).toBe(PASSWORD)
	})

	test('no part of what an idempotency key stands for', async () => {
		const id = await locked()
		const keyed = { headers: { 'Idempotency-Key': 'once' } }
		const first = await retry(id, PASSWORD, keyed)
		expect(await retry(id, 'another', keyed)).toEqual(first)
		expect(await commanded(id, { action: 'retry' }, keyed)).toEqual(first)
		expect(await rowsOf(id, 'job')).toEqual([1, 2])
		expect((await leaseOf(id)).password).toBe(PASSWORD)
		expect(await refusal(await command(id, { action: 'cancel' }, keyed))).toMatchObject({ code: 'key_reused' })
	})

	test.each(['', 'x'.repeat(257), 'a\u0000b', 7_392_185_641])(
		'refused as %j, without a word of it',
		async (password) => {
			const { document } = await uploaded()
			const response = await command(document.id, { action: 'start', onActive: 'replace', password })
			expect(response.status).toBe(400)
			const problem = await response.text()
			expect(problem).toContain('password')
			if (password !== '') expect(problem).not.toContain(String(password).slice(0, 20))
		},
	)
})
