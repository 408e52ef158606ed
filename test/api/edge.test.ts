import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import worker from '../../src/api/worker.ts'
import { alice, call, ORIGIN, uploaded } from './service.ts'

const APP = 'https://app.example.com'

/** The Worker with other settings than the tests have in general. */
async function withSettings(settings: Record<string, string>, path: string, init: RequestInit = {}): Promise<Response> {
	const context = createExecutionContext()
	const response = await worker.fetch(new Request(ORIGIN + path, init), { ...env, ...settings }, context)
	await waitOnExecutionContext(context)
	return response
}

describe('every answer', () => {
	test.each([
		['a good one', '/api/documents', 200],
		['a refusal', '/api/documents/none', 404],
		['one that is not there', '/nothing', 404],
		['the contract', '/openapi.json', 200],
	])('names its request and may not be framed or taken for something else: %s', async (_, path, status) => {
		const response = await call(path)
		expect(response.status).toBe(status)
		expect(response.headers.get('X-Request-Id')).toMatch(/^[\w-]{36}$/)
		expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff')
		expect(response.headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'")
		expect(response.headers.get('Referrer-Policy')).toBe('no-referrer')
		await response.body?.cancel()
	})

	test('keeps the id that a proxy gave, and says it in the problem document too', async () => {
		const response = await call('/api/documents/none', { headers: { 'X-Request-Id': 'from-the-proxy-1' } })
		expect(response.headers.get('X-Request-Id')).toBe('from-the-proxy-1')
		expect(await response.json()).toMatchObject({ instance: 'urn:platen:request:from-the-proxy-1' })
	})

	test.each(['short', 'with spaces in it', 'x'.repeat(65), '<script>alert(1)</script>'])(
		'has an id of our own when the one that came is none: %s',
		async (given) => {
			const response = await call('/api/documents', { headers: { 'X-Request-Id': given } })
			expect(response.headers.get('X-Request-Id')).toMatch(/^[\w-]{36}$/)
			await response.body?.cancel()
		},
	)
})

describe('another site', () => {
	const settings = { ALLOWED_ORIGINS: `${APP}, https://other.example.com` }
	const headers = { Origin: APP, Authorization: `Bearer ${alice}` }

	test('that is allowed may read answers, refusals too, and the headers that it needs', async () => {
		for (const path of ['/api/documents', '/api/documents/none']) {
			const response = await withSettings(settings, path, { headers })
			expect(response.headers.get('Access-Control-Allow-Origin')).toBe(APP)
			expect(response.headers.get('Access-Control-Expose-Headers')).toContain('ETag')
			expect(response.headers.get('Access-Control-Allow-Credentials')).toBeNull()
			expect(response.headers.get('Vary')).toContain('Origin')
			await response.body?.cancel()
		}
	})

	test('that is allowed may ask beforehand, without a token', async () => {
		const response = await withSettings(settings, '/api/documents', {
			method: 'OPTIONS',
			headers: { Origin: APP, 'Access-Control-Request-Method': 'POST' },
		})
		expect(response.status).toBe(204)
		expect(response.headers.get('Access-Control-Allow-Headers')).toContain('X-Filename')
	})

	test.each([
		'https://evil.example.com',
		'http://app.example.com',
		'https://app.example.com.evil.com',
		'https://sub.app.example.com',
		'null',
	])('that is not allowed may read nothing: %s', async (origin) => {
		const response = await withSettings(settings, '/api/documents', { headers: { ...headers, Origin: origin } })
		expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull()
		await response.body?.cancel()
	})

	test('gets no socket, with a ticket or without, unless it is allowed', async () => {
		const { document } = await uploaded()
		const path = `/api/documents/${document.id}/conversion-live`
		const from = (origin: string) =>
			withSettings(settings, path, { headers: { ...headers, Origin: origin, Upgrade: 'websocket' } })
		expect((await from('https://evil.example.com')).status).toBe(403)
		for (const origin of [APP, ORIGIN]) {
			const { status, webSocket } = await from(origin)
			expect(status).toBe(101)
			webSocket?.accept()
			webSocket?.close()
		}
	})
})

describe('a wrong setting', () => {
	test.each([
		[{ ALLOWED_ORIGINS: 'somewhere.else' }, 'ALLOWED_ORIGINS'],
		[{ ALLOWED_ORIGINS: 'https://app.example.com/' }, 'ALLOWED_ORIGINS'],
		[{ AUTH_JWKS_URL: 'https://team.example.com/keys' }, 'AUTH_JWKS_URL'],
		[{ AUTH_JWT_SECRET_PREVIOUS: 'short' }, 'AUTH_JWT_SECRET_PREVIOUS'],
		[{ MAX_WAITING_PER_OWNER: '0' }, 'MAX_WAITING_PER_OWNER'],
	])('is said at once, by name and without its value: %j', async (settings, name) => {
		const { settingsOf } = await import('../../src/api/env.ts')
		const given = { ...env, ...settings }
		expect(() => settingsOf(given)).toThrow(name)
		expect(() => settingsOf(given)).not.toThrow(Object.values(settings)[0])
		expect((await withSettings(settings, '/healthz')).status).toBe(500)
	})
})
