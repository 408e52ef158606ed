import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { seal, sealingKey, unseal } from '../../../src/api/sealing.ts'
import { checkAddress } from '../../../src/api/webhook/address.ts'
import worker from '../../../src/api/worker.ts'
import { webhookAttemptSchema, webhookSchema, webhookWithSecretSchema } from '../../../src/core/webhook.ts'
import { later, MINUTE } from '../inside.ts'
import { ORIGIN, refusal, tokenFor } from '../service.ts'
import { Owner } from './owner.ts'

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

async function attempt(owner: Owner) {
	return webhookAttemptSchema.parse(await (await owner.ask('POST', { action: 'test' })).json())
}

describe('a webhook', () => {
	test('is set up with a secret that is shown once, changed without one, and deleted', async () => {
		const owner = await Owner.begin()
		expect(await refusal(await owner.ask('GET'))).toEqual({ status: 404, code: 'not_found' })
		const made = await owner.sets()
		expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
		expect(made).toMatchObject({ url: owner.url, previousSecretUntil: null, disabledAt: null })

		later(MINUTE)
		const changed = await owner.ask('PUT', { url: `${owner.url}&version=2` })
		expect(changed.status).toBe(200)
		const body = await changed.json<object>()
		expect(body).not.toHaveProperty('secret')
		expect(webhookSchema.parse(body)).toMatchObject({ url: `${owner.url}&version=2`, createdAt: made.createdAt })
		expect(JSON.stringify(await owner.sees())).not.toContain(made.secret)
		// Whoever changes the address keeps the secret.
		await owner.ask('POST', { action: 'test' })
		expect(await owner.told(made.secret)).toHaveLength(1)

		expect((await owner.ask('DELETE')).status).toBe(204)
		expect(await refusal(await owner.ask('DELETE'))).toEqual({ status: 404, code: 'not_found' })
		expect(await refusal(await owner.ask('POST', { action: 'test' }))).toEqual({ status: 404, code: 'not_found' })
	})

	test('that is set up twice at once is one, and one of both is told its secret', async () => {
		const owner = await Owner.begin()
		const answers = await Promise.all([1, 2, 3, 4].map(() => owner.ask('PUT', { url: owner.url })))
		expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201])
		const made = answers.find(({ status }) => status === 201)
		const { secret } = webhookWithSecretSchema.parse(await made?.json())
		expect(await attempt(owner)).toEqual({ delivered: true, status: 204, reason: null })
		expect(await owner.told(secret)).toHaveLength(1)
	})

	test('is nobody else’s: neither another’s, nor that of the same name in another tenant', async () => {
		const owner = await Owner.begin({ sub: `same-${crypto.randomUUID()}` })
		await owner.sets()
		const sub = JSON.parse(atob(owner.token.split('.')[1] ?? '')).sub
		for (const other of [await Owner.begin(), await Owner.begin({ sub, tenant: 'elsewhere' })]) {
			for (const method of ['GET', 'DELETE']) {
				expect(await refusal(await other.ask(method))).toEqual({ status: 404, code: 'not_found' })
			}
			expect((await other.ask('POST', { action: 'rotate' })).status).toBe(404)
			await other.sets()
		}
		expect(await owner.sees()).toMatchObject({ url: owner.url })
	})

	test('is not for tokens that own nothing, nor for nobody', async () => {
		const reader = await Owner.begin({ documents: { [crypto.randomUUID()]: 'manage' } })
		for (const [method, body] of [['PUT', { url: reader.url }], ['GET'], ['POST', { action: 'test' }], ['DELETE']]) {
			expect((await reader.ask(String(method), typeof body === 'object' ? body : undefined)).status).toBe(404)
		}
		const response = await worker.fetch(new Request(`${ORIGIN}/api/webhook`), env)
		expect(await refusal(response)).toEqual({ status: 401, code: 'unauthorized' })
	})

	test.each([{}, { url: 7 }, { url: '' }, { url: 'x'.repeat(3_000) }, { url: 'ftp://example.com' }])(
		'is not set up by %o',
		async (body) => {
			const owner = await Owner.begin()
			expect(await refusal(await owner.ask('PUT', body))).toEqual({ status: 400, code: 'malformed' })
			expect((await owner.ask('GET')).status).toBe(404)
		},
	)
})

describe('a test of a webhook', () => {
	test('says that it arrived, and calls it without an event of any document', async () => {
		const owner = await Owner.begin()
		const { secret } = await owner.sets()
		expect(await attempt(owner)).toEqual({ delivered: true, status: 204, reason: null })
		const [told] = await owner.told(secret)
		expect(told?.message.type).toBe('test')
	})

	test.each([
		[{ status: 500 }, { delivered: false, status: 500, reason: 'not_taken' }],
		[
			{ status: 302, headers: { Location: '/hook/x' } },
			{ delivered: false, status: 302, reason: 'redirected' },
		],
		[{ status: 410 }, { delivered: false, status: 410, reason: 'gone' }],
	])('says what was answered: %o', async (step, said) => {
		const owner = await Owner.begin()
		await owner.sets()
		await owner.answers(step)
		expect(await attempt(owner)).toEqual(said)
	})

	test('says that nobody answered within five seconds', { timeout: 20_000 }, async () => {
		const owner = await Owner.begin()
		await owner.sets()
		await owner.answers({ status: 200, never: 'answers' })
		const begun = performance.now()
		expect(await attempt(owner)).toEqual({ delivered: false, status: null, reason: 'timed_out' })
		expect(performance.now() - begun).toBeLessThan(8_000)
	})

	test('says that nobody is there', async () => {
		const owner = await Owner.begin()
		// Nothing listens at the port for discarding.
		await owner.sets('http://127.0.0.1:9/hook')
		expect(await attempt(owner)).toEqual({ delivered: false, status: null, reason: 'unreachable' })
	})

	test('that an answer without end is of no interest', async () => {
		const owner = await Owner.begin()
		await owner.sets()
		await owner.answers({ status: 200, never: 'ends' })
		expect(await attempt(owner)).toMatchObject({ delivered: true })
	})
})

test('a secret that the Worker can no longer read is said to be so, and another takes its place', async () => {
	const owner = await Owner.begin()
	await owner.sets()
	const sub = JSON.parse(atob(owner.token.split('.')[1] ?? '')).sub
	const other = await seal(await sealingKey('another secret of this Worker', 'webhook secrets'), '{}', 'context')
	await env.HISTORY.prepare('UPDATE webhooks SET secrets = ? WHERE sub = ?').bind(other, sub).run()
	expect(await refusal(await owner.ask('POST', { action: 'test' }))).toEqual({ status: 409, code: 'conflict' })
	const { secret } = await owner.rotates()
	expect(await attempt(owner)).toMatchObject({ delivered: true })
	expect(await owner.told(secret)).toHaveLength(1)
})

describe('an address', () => {
	const hostile = [
		...['http://a.com', 'https://u:p@a.com', 'https://a.com:8443', 'https://127.0.0.1', 'https://2130706433'],
		...['https://0x7f.1', 'https://0177.0.0.1', 'https://[::1]', 'https://[::ffff:7f00:1]', 'https://[::127.0.0.1]'],
		...['https://[64:ff9b::7f00:1]', 'https://[fe80::1]', 'https://[fd00::1]', 'https://169.254.169.254'],
		...['https://localhost', 'https://localhost.', 'https://x.localhost', 'https://metadata.google.internal'],
		...['https://printer.local', 'https://0.0.0.0', 'https://100.64.0.1', 'https://192.168.1.1%2e'],
		...['https://①②⑦.0.0.1', 'https://[2002:7f00:1::]', 'https://router', 'nope', 'https://a.com:443@127.0.0.1'],
		...['http://127.0.0.1:8080', 'http://localhost', 'https://127.1', 'https://10.0.0.1.', 'javascript:alert(1)'],
	]

	test.each(hostile)('%s is refused', async (address) => {
		expect(checkAddress(address, false).isAllowed).toBe(false)
		// Through the route, as it is deployed.
		const token = await tokenFor({ sub: crypto.randomUUID() })
		const body = JSON.stringify({ url: address })
		const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
		const request = new Request(`${ORIGIN}/api/webhook`, { method: 'PUT', headers, body })
		const { WEBHOOK_ALLOW_LOCAL: _, ...deployed } = { WEBHOOK_ALLOW_LOCAL: '', ...env }
		expect(await refusal(await worker.fetch(request, deployed))).toEqual({ status: 400, code: 'malformed' })
	})

	test.each([
		['https://example.com/x?y', 'https://example.com/x?y'],
		['https://1.1.1.1', 'https://1.1.1.1/'],
		['https://[2606:4700::1111]/', 'https://[2606:4700::1111]/'],
		['https://hooks.example.co.uk:443/', 'https://hooks.example.co.uk/'],
		['https://EXÄMPLE.com#here', 'https://xn--exmple-cua.com/'],
	])('%s is taken as %s', (address, url) => {
		expect(checkAddress(address, false)).toEqual({ isAllowed: true, url })
	})

	test('a setting for local ones that is neither yes nor no is refused in words', async () => {
		const log = vi.spyOn(console, 'error').mockImplementation(() => {})
		const response = await worker.fetch(
			new Request(`${ORIGIN}/healthz`),
			Object.assign({ ...env }, { WEBHOOK_ALLOW_LOCAL: 'maybe' }),
		)
		expect(response.status).toBe(500)
		expect(JSON.stringify(log.mock.calls)).toContain('WEBHOOK_ALLOW_LOCAL is true or false')
	})

	test.each([
		'http://10.0.0.1',
		'http://localhost.example',
		'http://u:p@localhost',
		'https://127.0.0.1',
		'http://[::1]',
	])('%s is refused also where local ones are let pass', (address) => {
		expect(checkAddress(address, true).isAllowed).toBe(false)
	})
})

describe('what is sealed', () => {
	const key = () => sealingKey('a secret of some length, for sure', 'webhook secrets')

	test('is opened with its key, also when that is the older one, and for its context only', async () => {
		const newer = await sealingKey('another secret of some length', 'webhook secrets')
		const sealed = await seal(await key(), 'hunter2', 'one')
		expect(sealed).not.toContain('hunter2')
		expect(await unseal([newer, await key()], sealed, 'one')).toBe('hunter2')
		expect(await unseal([newer], sealed, 'one')).toBeNull()
		expect(await unseal([await key()], sealed, 'two')).toBeNull()
		expect(await unseal([await key()], '', 'one')).toBeNull()
	})

	test('for one purpose is not opened for another, and never looks the same twice', async () => {
		const sealed = await seal(await key(), 'hunter2', 'one')
		expect(await unseal([await sealingKey('a secret of some length, for sure', 'passwords')], sealed, 'one')).toBeNull()
		expect(await seal(await key(), 'hunter2', 'one')).not.toBe(sealed)
	})
})
