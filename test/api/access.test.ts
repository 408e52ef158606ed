import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { alice, bob, call, convertAll, refusal, tokenFor, uploaded } from './service.ts'

/** Every address that stands for one document. */
const routes = [
	{ method: 'GET', path: '' },
	{ method: 'GET', path: '/conversion-status' },
	{ method: 'POST', path: '/conversion-status', body: '{"action":"start"}' },
	{ method: 'POST', path: '/conversion-ticket' },
	{ method: 'GET', path: '/conversion-live', headers: { Upgrade: 'websocket' } },
	{ method: 'GET', path: '/pages' },
	{ method: 'GET', path: '/pages/1' },
	{ method: 'GET', path: '/pages/1/thumbnail' },
	{ method: 'GET', path: '/pages/1/text' },
	{ method: 'GET', path: '/pages/1/words' },
	{ method: 'GET', path: '/text' },
	{ method: 'GET', path: '/text?format=words' },
	{ method: 'GET', path: '/source' },
]

let id: string

beforeAll(async () => {
	id = (await uploaded()).document.id
	await convertAll(id, 1)
})

describe.each(routes)('$method document$path', ({ method, path, ...rest }) => {
	const ask = (token: string | null, document = id) =>
		call(`/api/documents/${document}${path}`, { method, token, ...rest })

	test('is for its owner', async () => {
		const response = await ask(alice)
		expect(response.status).toBeLessThan(400)
		response.webSocket?.accept()
		response.webSocket?.close()
	})

	test.each([
		['no token', async () => null],
		['no real token', async () => 'nonsense'],
		[
			'a token signed by somebody else',
			() => tokenFor({ sub: 'alice' }, { secret: 'another secret, which is long enough too' }),
		],
		['a token that has expired', () => tokenFor({ sub: 'alice' }, { expires: '-2m' })],
		['a token for nobody', () => tokenFor({})],
		['a token that is not signed', async () => `${btoa('{"alg":"none"}')}.${alice.split('.')[1]}.`.replaceAll('=', '')],
	])('is refused to %s', async (_, token) => {
		expect(await refusal(await ask(await token()))).toEqual({ status: 401, code: 'unauthorized' })
	})

	test.each([
		['somebody else', async () => bob],
		['the same name in another tenant', () => tokenFor({ sub: 'alice', tenant: 'elsewhere' })],
		['a token for other documents', () => tokenFor({ sub: 'alice', documents: { [crypto.randomUUID()]: 'manage' } })],
	])('is not there for %s', async (_, token) => {
		expect(await refusal(await ask(await token()))).toEqual({ status: 404, code: 'not_found' })
	})

	test.each([crypto.randomUUID(), 'not-an-id'])('is not there for a document that is not: %s', async (unknown) => {
		expect(await refusal(await ask(alice, unknown))).toEqual({ status: 404, code: 'not_found' })
	})

	test('is for a token that was given this document, when reading suffices', async () => {
		const token = await tokenFor({ sub: 'reader', documents: { [id]: 'read' } })
		const response = await ask(token)
		const managing = method === 'POST' && path === '/conversion-status'
		expect(response.status === 404).toBe(managing)
		response.webSocket?.accept()
		response.webSocket?.close()
	})
})

test('asking for a guessed id stores nothing', async () => {
	const guessed = crypto.randomUUID()
	await call(`/api/documents/${guessed}/conversion-status`)
	const stub = env.DOCUMENTS.get(env.DOCUMENTS.idFromName(guessed))
	const tables = await runInDurableObject(stub, (_, state) =>
		state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'record'").toArray(),
	)
	expect(tables).toEqual([])
})

test('an address that there is not is refused in the same form', async () => {
	expect(await refusal(await call('/api/nothing/here'))).toEqual({ status: 404, code: 'not_found' })
})
