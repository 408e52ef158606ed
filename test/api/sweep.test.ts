/** What is alice's, asked for by everybody else in every way that the document knows. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { ticketSchema } from '../../src/core/protocol.ts'
import { nameOf, operationsOf } from '../contract/document.ts'
import { fitting, requestOf, type World } from '../contract/fitting.ts'
import { ask, contract, makeWorld } from './asked.ts'
import { bob, call, listen, manifestOf, tokenFor, upload, uploaded } from './service.ts'

/** In the names of alice's documents only. */
const MARK = 'alices-secret-plans'

const document = await contract()
let world: World
let marked: string
let others: Record<string, string>

beforeAll(async () => {
	vi.spyOn(console, 'info').mockReturnValue()
	world = await makeWorld({ expendable: 1 })
	marked = (await uploaded({ headers: { 'X-Filename': `${MARK}.pdf` } })).document.id
	const own = (await uploaded({ token: bob })).document.id
	others = {
		bob,
		'bob, who runs the service': await tokenFor({ sub: 'bob', scope: 'operator converter' }),
		'alice of another tenant': await tokenFor({ sub: 'alice', tenant: 'elsewhere' }),
		'somebody who was granted a document of bob’s': await tokenFor({ sub: 'reader', documents: { [own]: 'manage' } }),
		'somebody who was granted alice’s document in another tenant': await tokenFor({
			sub: 'reader',
			tenant: 'elsewhere',
			documents: { [marked]: 'manage' },
		}),
	}
})

/** What must not come out: names, texts of pages, and ids of jobs that nobody has asked for. */
function isGivenAway(said: string, asked: string): boolean {
	const unsaid = world.jobs.filter((job) => !asked.includes(job))
	return [MARK, 'text of page', 'image of page', '/api/pages/', ...unsaid].some((mark) => said.includes(mark))
}

/** Operations that see all documents are for operators; they name ids, and nothing that is in them. */
const SEES_ALL = ['getQueue', 'commandQueue']

describe.each(
	operationsOf(document)
		.filter(({ security }) => security?.length !== 0)
		.map((operation) => ({ operation, name: nameOf(operation) })),
)('$name', { timeout: 60_000 }, ({ operation }) => {
	test('gives others nothing of alice’s, whatever ids they name', async () => {
		const ids = { ...world, ids: [...world.ids, marked], expendable: [...world.ids, marked] }
		const drafts = fc.sample(fitting(operation, document, ids), { seed: 3, numRuns: 8 })
		for (const [who, token] of Object.entries(others)) {
			for (const draft of drafts) {
				const request = requestOf({ ...draft, headers: { ...draft.headers, authorization: `Bearer ${token}` } })
				const { status, body } = await ask(request)
				const said = new TextDecoder().decode(body)
				if (SEES_ALL.includes(operation.operationId)) expect.soft(said, who).not.toContain(MARK)
				else
					expect
						.soft(isGivenAway(said, JSON.stringify(request)), `${who}: ${request.path}: ${status} ${said}`)
						.toBe(false)
				if (operation.path.includes('{id}') && Object.values(draft.path).some((id) => ids.ids.includes(id))) {
					const isBobs = status < 400 && world.ids.at(-1) === draft.path.id
					expect.soft(isBobs || [400, 404, 403].includes(status), `${who}: ${request.path}: ${status}`).toBe(true)
				}
			}
		}
	})
})

test('a list shows nobody else’s documents', async () => {
	expect(await (await call('/api/documents?limit=100')).text()).toContain(MARK)
	for (const [who, token] of Object.entries(others)) {
		const list = await (await call('/api/documents?limit=100', { token })).text()
		expect.soft(list, who).not.toContain(marked)
		expect.soft(list, who).not.toContain(MARK)
	}
})

test('the same idempotency key of somebody else makes a document of their own', async () => {
	const headers = { 'Idempotency-Key': 'a-key-of-two', 'X-Filename': `${MARK}.pdf` }
	const alices = await uploaded({ headers })
	for (const [who, token] of Object.entries(others)) {
		const response = await upload(undefined, { token, headers })
		const said = await response.text()
		expect.soft(said, who).not.toContain(alices.document.id)
		expect.soft([201, 404], who).toContain(response.status)
	}
})

describe('a signed address', () => {
	test('is good for exactly the bytes, the document and the time that it was signed for', async () => {
		const [address = ''] = world.addresses
		expect((await call(address, { token: null })).status).toBe(200)
		const url = new URL(address, 'https://platen.example')
		const parts = url.pathname.split('/')
		const [, api, pages, id = '', fence = '', name = ''] = parts
		const path = (...changed: string[]) => `/${[api, pages, ...changed].join('/')}${url.search}`
		const [extent = '', extension] = name.split('.')
		const [offset = 0, length = 0] = extent.split('-').map(Number)
		const query = (change: (search: URLSearchParams) => void) => {
			const search = new URLSearchParams(url.search)
			change(search)
			return `${url.pathname}?${search}`
		}
		const expires = Number(url.searchParams.get('expires'))
		const signature = url.searchParams.get('signature') ?? ''
		const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
		const wrong = [
			path(marked, fence, name),
			path(id, String(Number(fence) + 1), name),
			path(id, fence, `${offset + 1}-${length}.${extension}`),
			path(id, fence, `${offset}-${length + 1}.${extension}`),
			path(id, fence, `${offset}-${length}.${extension === 'txt' ? 'png' : 'txt'}`),
			path(id.toUpperCase(), fence, name),
			path(id, `0${fence}`, name),
			query((search) => search.set('expires', String(expires + 3_600))),
			query((search) => search.set('expires', String(expires - 86_400))),
			query((search) => search.set('signature', flipped)),
			query((search) => search.set('signature', signature.slice(0, -1))),
			query((search) => search.delete('signature')),
			query((search) => search.delete('expires')),
			url.pathname,
		]
		for (const changed of wrong) expect.soft((await call(changed, { token: null })).status, changed).toBe(404)
	})

	test('ends', async () => {
		const [page] = (await manifestOf(world.ids[0] ?? '')).pages
		const expires = Number(new URL(page?.imageUrl ?? '', 'https://platen.example').searchParams.get('expires'))
		expect(expires * 1000 - Date.now()).toBeLessThanOrEqual(2 * 3_600_000)
	})
})

describe('a ticket', () => {
	const ticketFor = async () => {
		const response = await call(`/api/documents/${marked}/conversion-ticket`, { method: 'POST' })
		return ticketSchema.parse(await response.json()).ticket
	}
	const connect = (ticket: string, more: Record<string, string> = {}) => {
		const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': `platen.v1, ticket.${ticket}`, ...more }
		return call(`/api/documents/${marked}/conversion-live`, { token: null, headers })
	}

	test('opens one socket, also for two who come at once', async () => {
		const ticket = await ticketFor()
		const both = await Promise.all([connect(ticket), connect(ticket)])
		expect(both.map(({ status }) => status).sort()).toEqual([101, 401])
		for (const response of both) if (response.webSocket) listen(response).socket.close()
	})

	test('is not used up by a site that may not use it', async () => {
		const ticket = await ticketFor()
		const foreign = await connect(ticket, { Origin: 'https://evil.example' })
		expect(foreign.status).toBe(403)
		const own = await connect(ticket, { Origin: 'https://platen.example' })
		expect(own.status).toBe(101)
		listen(own).socket.close()
	})
})
