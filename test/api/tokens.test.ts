/** Whose tokens are good, by each way of telling: one secret, two, or an identity provider's keys. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterEach, describe, expect, inject, test, vi } from 'vitest'
import worker from '../../src/api/worker.ts'
import { uploadedSchema } from '../../src/core/protocol.ts'
import { later, SECOND } from './inside.ts'
import { type Call, convertAll, manifestOf, ORIGIN, PDF, refusal, tokenFor, uploaded } from './service.ts'

const provider = inject('identityProvider')
const ISSUER = 'https://team.cloudflareaccess.com'
const AUDIENCE = 'the application'

/** Another configuration of the Worker, as its isolate would have it. */
type Configuration = Record<string, string>

async function callWith(
	configuration: Configuration,
	path: string,
	{ method = 'GET', token, body, headers }: Call = {},
) {
	const context = createExecutionContext()
	const authorization = token ? { Authorization: `Bearer ${token}` } : {}
	const request = new Request<unknown, IncomingRequestCfProperties>(ORIGIN + path, {
		method,
		body: body ?? null,
		headers: { ...authorization, ...headers },
	})
	const response = await worker.fetch(request, environmentOf(configuration), context)
	await waitOnExecutionContext(context)
	return response
}

const environments = new Map<Configuration, ApiEnv>()

/** The same for the same configuration, as in an isolate. */
function environmentOf(configuration: Configuration): ApiEnv {
	const known = environments.get(configuration) ?? { ...env, ...configuration }
	environments.set(configuration, known)
	return known
}

interface Signer {
	kid: string
	jwk: JWK
	spki: string
	sign(claims: object, options?: { issuer?: string; audience?: string | string[]; expires?: string }): Promise<string>
}

async function signer(alg: 'RS256' | 'ES256', kid: string): Promise<Signer> {
	const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
	return {
		kid,
		jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
		spki: await exportSPKI(publicKey),
		sign: (claims, { issuer = ISSUER, audience = [AUDIENCE], expires = '1h' } = {}) =>
			new SignJWT({ ...claims })
				.setProtectedHeader({ alg, kid })
				.setIssuer(issuer)
				.setAudience(audience)
				.setExpirationTime(expires)
				.sign(privateKey),
	}
}

let count = 0

/** A provider with these keys, and the configuration that trusts it. */
async function trusting(keys: Signer[], more: Configuration = {}) {
	count += 1
	const url = `${provider}/keys-${count}`
	const answers = async (status: number, body: string) => {
		await fetch(url, { method: 'PUT', body: JSON.stringify({ status, body }) })
	}
	const handsOut = (signers: Signer[]) => answers(200, JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }))
	await handsOut(keys)
	const configuration = { AUTH_JWKS_URL: url, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE, ...more }
	return {
		configuration,
		answers,
		handsOut,
		asked: async () => Number(await (await fetch(`${url}/asked`)).text()),
		status: async (token: string) => (await callWith(configuration, '/api/documents', { token })).status,
	}
}

afterEach(() => {
	vi.useRealTimers()
	vi.restoreAllMocks()
})

describe('an identity provider’s tokens', () => {
	test.each(['RS256', 'ES256'] as const)(
		'are good when they are signed with a key that it hands out: %s',
		async (alg) => {
			const key = await signer(alg, 'one')
			const { status, asked } = await trusting([key])
			expect(await status(await key.sign({ sub: 'alice' }))).toBe(200)
			expect(await status(await key.sign({ sub: 'bob' }, { audience: AUDIENCE }))).toBe(200)
			// Keys are kept, not asked for again with each token.
			expect(await asked()).toBe(1)
		},
	)

	test('are not good from another issuer, for somebody else, after their time, or signed with another key', async () => {
		const [key, stranger] = await Promise.all([signer('RS256', 'one'), signer('RS256', 'one')])
		const { configuration, status } = await trusting([key])
		expect(await status(await key.sign({ sub: 'alice' }, { issuer: 'https://other.cloudflareaccess.com' }))).toBe(401)
		expect(await status(await key.sign({ sub: 'alice' }, { audience: 'another application' }))).toBe(401)
		expect(await status(await key.sign({ sub: 'alice' }, { expires: '-61s' }))).toBe(401)
		expect(await status(await key.sign({ sub: 'alice' }, { expires: '-30s' }))).toBe(200)
		expect(await status(await stranger.sign({ sub: 'alice' }))).toBe(401)
		expect(await status(await key.sign({}))).toBe(401)
		const refused = await callWith(configuration, '/api/documents', { token: await stranger.sign({ sub: 'alice' }) })
		expect(refused.headers.get('WWW-Authenticate')).toBe('Bearer realm="platen"')
	})

	test('cannot be made of the public key, nor of the Worker’s secret', async () => {
		const key = await signer('RS256', 'one')
		const { status } = await trusting([key])
		for (const secret of [key.spki, key.jwk.n ?? '', JSON.stringify(key.jwk), env.AUTH_JWT_SECRET]) {
			const forged = await new SignJWT({ sub: 'alice' })
				.setProtectedHeader({ alg: 'HS256', kid: 'one' })
				.setIssuer(ISSUER)
				.setAudience(AUDIENCE)
				.setExpirationTime('1h')
				.sign(new TextEncoder().encode(secret))
			expect(await status(forged)).toBe(401)
		}
		const [, payload] = (await key.sign({ sub: 'alice' })).split('.')
		const none = Buffer.from('{"alg":"none","kid":"one"}').toString('base64url')
		expect(await status(`${none}.${payload}.`)).toBe(401)
	})

	test('may be signed with a new key, half a minute after the last look', async () => {
		const [before, after] = await Promise.all([signer('RS256', 'before'), signer('ES256', 'after')])
		const { status, handsOut, asked } = await trusting([before])
		expect(await status(await before.sign({ sub: 'alice' }))).toBe(200)
		await handsOut([before, after])
		// Unknown keys do not make us ask without end.
		expect(await status(await after.sign({ sub: 'alice' }))).toBe(401)
		expect(await asked()).toBe(1)
		later(31 * SECOND)
		expect(await status(await after.sign({ sub: 'alice' }))).toBe(200)
		expect(await status(await before.sign({ sub: 'bob' }))).toBe(200)
		expect(await asked()).toBe(2)
	})

	test('are neither good nor bad while its keys cannot be had: 503, and when to try again', async () => {
		const key = await signer('RS256', 'one')
		const token = await key.sign({ sub: 'alice' })
		const { configuration, answers, handsOut } = await trusting([])
		const ask = () => callWith(configuration, '/api/documents', { token })
		for (const [status, body] of [
			[500, 'out of order'],
			[200, '<html>'],
			[200, '{}'],
		] as const) {
			await answers(status, body)
			const response = await ask()
			expect(response.headers.get('Retry-After')).toBe('5')
			expect(await refusal(response)).toEqual({ status: 503, code: 'unavailable' })
		}
		await handsOut([key])
		expect((await ask()).status).toBe(200)
		// Nobody listens there.
		const deaf = { ...configuration, AUTH_JWKS_URL: 'http://127.0.0.1:9/keys' }
		expect((await callWith(deaf, '/api/documents', { token })).status).toBe(503)
		// And what is no token at all is still none.
		expect((await callWith(deaf, '/api/documents', { token: 'nonsense' })).status).toBe(401)
	})

	test('give nobody the scope of an operator, but those who are named do have it', async () => {
		const key = await signer('RS256', 'one')
		const { configuration } = await trusting([key], { OPERATOR_SUBJECTS: 'root, chief@example.com' })
		const queue = async (claims: object) =>
			(await callWith(configuration, '/api/conversions/queue', { token: await key.sign(claims) })).status
		expect(await queue({ sub: 'alice' })).toBe(403)
		expect(await queue({ sub: 'root' })).toBe(200)
		expect(await queue({ sub: 'a-uuid', email: 'chief@example.com' })).toBe(200)
		expect(await queue({ sub: 'a-uuid', email: 'other@example.com' })).toBe(403)
	})
})

describe('Cloudflare Access', () => {
	test('says in a header of its own who has signed in', async () => {
		const key = await signer('RS256', 'one')
		const { configuration } = await trusting([key])
		const assertion = await key.sign({ type: 'app', sub: 'a-uuid', email: 'alice@example.com' })
		const headers = { 'Cf-Access-Jwt-Assertion': assertion }
		expect((await callWith(configuration, '/api/documents', { headers })).status).toBe(200)
		// Whoever sends a token as well is judged by that.
		expect((await callWith(configuration, '/api/documents', { headers, token: 'nonsense' })).status).toBe(401)
		// With a secret instead of keys there is no Access, and nobody's header counts.
		const own = { 'Cf-Access-Jwt-Assertion': await tokenFor({ sub: 'alice' }) }
		expect((await callWith({}, '/api/documents', { headers: own })).status).toBe(401)
	})

	test('knows services by the name of their token: two of them are two owners', async () => {
		const key = await signer('RS256', 'one')
		const { configuration } = await trusting([key])
		const service = async (name: string) => ({
			'Cf-Access-Jwt-Assertion': await key.sign({ type: 'app', sub: '', common_name: name }),
		})
		const headers = { 'Content-Type': 'application/pdf', 'Content-Length': String(PDF.byteLength) }
		const [one, other] = [await service('one.access'), await service('other.access')]
		const options = { method: 'POST', body: PDF, headers: { ...one, ...headers } }
		const response = await callWith(configuration, '/api/documents', options)
		const { document } = uploadedSchema.parse(await response.json())
		const read = async (who: Record<string, string>) =>
			(await callWith(configuration, `/api/documents/${document.id}`, { headers: who })).status
		expect([await read(one), await read(other)]).toEqual([200, 404])
		expect(await read({ 'Cf-Access-Jwt-Assertion': await key.sign({ type: 'app', sub: '' }) })).toBe(401)
	})

	test('is sent along by browsers, so no other site may make them change anything', async () => {
		const key = await signer('RS256', 'one')
		const { configuration } = await trusting([key], { ALLOWED_ORIGINS: 'https://app.example' })
		const assertion = { 'Cf-Access-Jwt-Assertion': await key.sign({ sub: 'a-uuid' }) }
		const post = async (origin: Record<string, string>) => {
			const headers = {
				...assertion,
				...origin,
				'Content-Type': 'text/plain',
				'Content-Length': String(PDF.byteLength),
			}
			return await callWith(configuration, '/api/documents', { method: 'POST', body: PDF, headers })
		}
		expect(await refusal(await post({ Origin: 'https://evil.example' }))).toEqual({
			status: 403,
			code: 'origin_refused',
		})
		expect(await refusal(await post({ Origin: 'null' }))).toEqual({ status: 403, code: 'origin_refused' })
		expect((await post({ Origin: ORIGIN })).status).toBe(201)
		expect((await post({ Origin: 'https://app.example' })).status).toBe(201)
		expect((await post({})).status).toBe(201)
		const headers = { ...assertion, Origin: 'https://evil.example' }
		const read = await callWith(configuration, '/api/documents', { headers })
		// It may be asked for, and not be read there.
		expect([read.status, read.headers.get('Access-Control-Allow-Origin')]).toEqual([200, null])
	})
})

describe('a secret that is being replaced', () => {
	const FRESH = 'a fresh secret that only tests know, long enough'
	const rotating = { AUTH_JWT_SECRET: FRESH, AUTH_JWT_SECRET_PREVIOUS: env.AUTH_JWT_SECRET }
	const replaced = { AUTH_JWT_SECRET: FRESH }

	test('leaves tokens of the one before good, until that is taken away', async () => {
		const [old, fresh] = [await tokenFor({ sub: 'alice' }), await tokenFor({ sub: 'alice' }, { secret: FRESH })]
		const expired = await tokenFor({ sub: 'alice' }, { expires: '-2m' })
		const status = async (configuration: Configuration, token: string) =>
			(await callWith(configuration, '/api/documents', { token })).status
		expect([await status(rotating, old), await status(rotating, fresh), await status(rotating, expired)]).toEqual([
			200, 200, 401,
		])
		expect([await status(replaced, old), await status(replaced, fresh)]).toEqual([401, 200])
		expect(await status({}, fresh)).toBe(401)
	})

	test('leaves addresses of pages good, and finds an upload again that was begun before', async () => {
		const headers = { 'Idempotency-Key': 'begun-before', 'Content-Type': 'application/pdf' }
		const { document } = await uploaded({ headers })
		await convertAll(document.id, 1)
		const [page] = (await manifestOf(document.id)).pages
		const address = page?.imageUrl ?? ''
		expect((await callWith(rotating, address)).status).toBe(200)
		expect((await callWith(replaced, address)).status).toBe(404)
		const token = await tokenFor({ sub: 'alice' }, { secret: FRESH })
		const again = {
			method: 'POST',
			body: PDF,
			token,
			headers: { ...headers, 'Content-Length': String(PDF.byteLength) },
		}
		const found = uploadedSchema.parse(await (await callWith(rotating, '/api/documents', again)).json())
		expect(found.document.id).toBe(document.id)
	})
})

describe('OPERATOR_SUBJECTS', () => {
	test('makes operators by subject, and never by an address that nobody vouches for', async () => {
		const configuration = { OPERATOR_SUBJECTS: 'root,chief@example.com' }
		const queue = async (claims: Record<string, unknown>) =>
			(await callWith(configuration, '/api/conversions/queue', { token: await tokenFor(claims) })).status
		expect(await queue({ sub: 'root' })).toBe(200)
		expect(await queue({ sub: 'roo' })).toBe(403)
		expect(await queue({ sub: 'somebody', email: 'chief@example.com' })).toBe(403)
		expect(await queue({ sub: 'somebody', scope: 'operator' })).toBe(200)
		expect(await queue({ sub: 'somebody', scope: 'operators nonoperator' })).toBe(403)
	})
})

describe('pages of other sites', () => {
	test('read answers only when they are in ALLOWED_ORIGINS', async () => {
		const configuration = { ALLOWED_ORIGINS: 'https://app.example' }
		const origin = async (from: string) => {
			const headers = { Origin: from, 'Access-Control-Request-Method': 'DELETE' }
			const preflight = await callWith(configuration, '/api/documents', { method: 'OPTIONS', headers })
			const refused = await callWith(configuration, '/api/documents', { headers })
			return [preflight, refused].map((answer) => answer.headers.get('Access-Control-Allow-Origin'))
		}
		expect(await origin('https://app.example')).toEqual(['https://app.example', 'https://app.example'])
		expect(await origin('https://app.example.evil.example')).toEqual([null, null])
		expect(await origin('https://evil.example')).toEqual([null, null])
	})

	test('open sockets only when they are in ALLOWED_ORIGINS', async () => {
		const { document } = await uploaded()
		const token = await tokenFor({ sub: 'alice' })
		const open = async (configuration: Configuration, Origin: string) => {
			const headers = { Upgrade: 'websocket', Origin }
			const path = `/api/documents/${document.id}/conversion-live`
			const response = await callWith(configuration, path, { token, headers })
			response.webSocket?.accept()
			response.webSocket?.close()
			return response.status
		}
		const allowing = { ALLOWED_ORIGINS: 'https://app.example' }
		expect(await open({}, 'https://app.example')).toBe(403)
		expect(await open(allowing, 'https://app.example')).toBe(101)
		expect(await open(allowing, 'https://evil.example')).toBe(403)
		expect(await open(allowing, 'null')).toBe(403)
	})
})
