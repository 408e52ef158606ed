import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { LineupObject } from '../../src/api/lineup/object.ts'
import worker from '../../src/api/worker.ts'
import { uploadedSchema } from '../../src/core/protocol.ts'
import { snapshotSchema } from '../../src/core/snapshot.ts'
import { lineup, waitingOf } from './inside.ts'
import { gate, ORIGIN, PDF, refusal, tokenFor } from './service.ts'

/** A service in which three documents of an owner may wait. */
const narrow: ApiEnv = Object.assign({ ...env }, { MAX_WAITING_PER_OWNER: '3' })
const TOO_MANY = { status: 429, code: 'too_many_waiting' }

afterEach(() => {
	vi.restoreAllMocks()
})

async function ask(
	method: string,
	path: string,
	token: string,
	body: BodyInit | null,
	headers = {},
	service: ApiEnv = narrow,
) {
	const context = createExecutionContext()
	const init = { method, body, headers: { Authorization: `Bearer ${token}`, ...headers } }
	const response = await worker.fetch(new Request(ORIGIN + path, init), service, context)
	await waitOnExecutionContext(context)
	return response
}

function upload(token: string, query = '', headers = {}, service: ApiEnv = narrow) {
	const length = String(PDF.byteLength)
	const all = { 'Content-Type': 'application/pdf', 'Content-Length': length, ...headers }
	return ask('POST', `/api/documents${query}`, token, PDF, all, service)
}

/** An upload that is taken, and has come into line when it is to be converted. */
async function taken(token: string, query = '', headers = {}): Promise<string> {
	const response = await upload(token, query, headers)
	expect(response.status).toBe(201)
	const { document } = uploadedSchema.parse(await response.json())
	if (query !== '?convert=false') await expect.poll(() => waitingOf(document.id)).not.toBeNull()
	return document.id
}

function command(token: string, id: string, body: object) {
	return ask('POST', `/api/documents/${id}/conversion-status`, token, JSON.stringify(body))
}

const someone = () => tokenFor({ sub: `someone ${crypto.randomUUID()}` })

describe('an owner of whose documents as many wait as may', () => {
	test('is refused another, by upload, start or retry, and told when to come again', async () => {
		const token = await someone()
		const idle = await taken(token, '?convert=false')
		const cancelled = await taken(token)
		expect((await command(token, cancelled, { action: 'cancel' })).status).toBe(200)
		await expect.poll(() => waitingOf(cancelled)).toBeNull()
		for (let count = 0; count < 3; count++) await taken(token)
		const refused = await upload(token)
		expect(refused.headers.get('Retry-After')).toBe('30')
		expect(await refusal(refused)).toEqual(TOO_MANY)
		expect(await refusal(await command(token, idle, { action: 'start' }))).toEqual(TOO_MANY)
		expect(await refusal(await command(token, cancelled, { action: 'retry' }))).toEqual(TOO_MANY)
	})

	test('may do all that adds nobody: keep documents, cancel, and start again what waits already', async () => {
		const token = await someone()
		const key = { 'Idempotency-Key': crypto.randomUUID() }
		const waiting = await taken(token, '', key)
		for (let count = 0; count < 2; count++) await taken(token)
		await taken(token, '?convert=false')
		expect((await upload(token, '', key)).status).toBe(201)
		expect((await command(token, waiting, { action: 'start' })).status).toBe(200)
		expect((await command(token, waiting, { action: 'start', onActive: 'replace' })).status).toBe(202)
		expect((await command(token, waiting, { action: 'cancel' })).status).toBe(200)
	})

	test('may go on as soon as one of them has its turn', async () => {
		const token = await someone()
		const first = await taken(token)
		for (let count = 0; count < 2; count++) await taken(token)
		expect(await refusal(await upload(token))).toEqual(TOO_MANY)
		const status = await ask('GET', `/api/documents/${first}/conversion-status`, token, null)
		const { jobId } = snapshotSchema.parse(await status.json())
		expect(await gate.lease({ documentId: first, jobId })).not.toBeNull()
		await expect.poll(() => waitingOf(first)).toBeNull()
		await taken(token)
	})

	test('is refused too when somebody whom they let in starts it for them', async () => {
		const token = await someone()
		const idle = await taken(token, '?convert=false')
		for (let count = 0; count < 3; count++) await taken(token)
		const manager = await tokenFor({ sub: 'a manager', documents: { [idle]: 'manage' } })
		expect(await refusal(await command(manager, idle, { action: 'start' }))).toEqual(TOO_MANY)
		// Nothing of this is said to those who are not let in.
		const stranger = await tokenFor({ sub: 'a stranger', documents: { [crypto.randomUUID()]: 'manage' } })
		expect((await command(stranger, idle, { action: 'start' })).status).toBe(404)
	})

	test('stands in nobody else’s way', async () => {
		const token = await someone()
		for (let count = 0; count < 3; count++) await taken(token)
		await taken(await someone())
	})
})

test('while there is room the lineup is asked once, and not waited for', async () => {
	const waiting = vi.spyOn(LineupObject.prototype, 'waiting')
	const token = await someone()
	const wide: ApiEnv = Object.assign({ ...env }, { MAX_WAITING_PER_OWNER: '100' })
	for (let count = 0; count < 10; count++) {
		expect((await upload(token, '', {}, wide)).status).toBe(201)
	}
	expect(waiting).toHaveBeenCalledTimes(1)
})

test('a lineup that does not answer refuses nobody', async () => {
	const token = await someone()
	for (let count = 0; count < 3; count++) await taken(token)
	vi.spyOn(LineupObject.prototype, 'waiting').mockImplementation(() => {
		throw new Error('not today')
	})
	expect((await upload(token)).status).toBe(201)
	expect(await lineup().overview()).toMatchObject({ depth: { total: expect.any(Number) } })
})
