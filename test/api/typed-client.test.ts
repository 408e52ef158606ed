/** `hc`, Hono's typed client, knows every route: what it sends and what it gets is checked by the types of the routes. */
import { exports } from 'cloudflare:workers'
import { hc } from 'hono/client'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { App } from '../../src/api/app.ts'
import type { PlatenDocument } from '../../src/core/protocol.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { alice, ORIGIN, uploaded } from './service.ts'

const client = hc<App>(ORIGIN, {
	headers: { Authorization: `Bearer ${alice}` },
	fetch: (input: RequestInfo | URL, init?: RequestInit) => exports.default.fetch(new Request(input, init)),
})
const one = client.api.documents[':id']

describe('the typed client', () => {
	test('reads a document, commands its conversion, and knows the answers by their status', async () => {
		const { document } = await uploaded()
		const param = { id: document.id }
		const read = await one.$get({ param })
		if (read.status !== 200) throw new Error(`${read.status}`)
		const body = await read.json()
		// Of what is anything at all, JSON's types say nothing.
		expectTypeOf<Omit<typeof body, 'metadata'>>().toEqualTypeOf<Omit<PlatenDocument, 'metadata'>>()
		expect(body).toEqual(document)

		const told = await one['conversion-status'].$post({ param, header: {}, json: { action: 'cancel' } })
		if (told.status !== 200 && told.status !== 202) throw new Error(`${told.status}`)
		const snapshot = await told.json()
		expectTypeOf(snapshot.status).toEqualTypeOf<Snapshot['status']>()
		expect(snapshot.status).toBe('cancelled')

		const refused = await one.$get({ param: { id: crypto.randomUUID() } })
		if (refused.status !== 404) throw new Error(`${refused.status}`)
		const problem = await refused.json()
		expectTypeOf(problem.code).toEqualTypeOf<string>()
		expect(problem.code).toBe('not_found')
	})

	test('takes what the routes take, and nothing else', () => {
		type Command = Parameters<(typeof one)['conversion-status']['$post']>[0]['json']
		expectTypeOf<{ action: 'start'; priority: 'high'; options: { quality: 'low' } }>().toExtend<Command>()
		expectTypeOf<{ action: 'retry'; maxRetries: number }>().toExtend<Command>()
		expectTypeOf<{ action: 'dance' }>().not.toExtend<Command>()
		expectTypeOf<{ action: 'start'; priority: 'highest' }>().not.toExtend<Command>()
		type ListQuery = NonNullable<Parameters<typeof client.api.documents.$get>[0]>['query']
		expectTypeOf<{ cursor: string; limit: string }>().toExtend<ListQuery>()
		expectTypeOf<{ cursor: number }>().not.toExtend<ListQuery>()
		expectTypeOf(client.api.conversions.queue.$get).toBeFunction()
		expectTypeOf(client.healthz.$get).toBeFunction()
		expectTypeOf(client).not.toHaveProperty('nothing')
	})
})
