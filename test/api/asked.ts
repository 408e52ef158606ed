/** The API as the document's own tests ask it: by plain requests, with a world that was made beforehand. */
import { env } from 'cloudflare:workers'
import type { OpenApi } from '../contract/document.ts'
import type { World } from '../contract/fitting.ts'
import type { Response as Answered, Request as Asked } from '../contract/request.ts'
import { alice, bob, call, command, convertAll, finish, manifestOf, open, tokenFor, uploaded } from './service.ts'

export async function contract(): Promise<OpenApi> {
	return await (await call('/openapi.json', { token: null })).json<OpenApi>()
}

export async function ask({ method, path, headers, body }: Asked): Promise<Answered> {
	// The test's own `Request` cannot carry other bytes than ASCII as they are; `npm run fuzz` can.
	const ascii = Object.entries(headers).map(([name, value]) => [name, value.replaceAll(/[^\x20-\x7e]/g, '').trim()])
	const bytes = body && (body.slice().buffer as ArrayBuffer)
	const response = await call(path, { method, headers: Object.fromEntries(ascii), body: bytes, token: null })
	return await answered(response)
}

/** An answer as it is looked at; a socket that came with it is closed. */
export async function answered(response: Response): Promise<Answered> {
	response.webSocket?.accept()
	response.webSocket?.close()
	return {
		status: response.status,
		headers: Object.fromEntries([...response.headers].map(([name, value]) => [name.toLowerCase(), value])),
		body: new Uint8Array(await response.arrayBuffer()),
	}
}

/** Documents of alice and bob in every state, and those who may ask for them. */
export async function makeWorld({ expendable = 20 } = {}): Promise<World> {
	const everything = await tokenFor({ sub: 'alice', scope: 'operator converter' })
	const [done, waiting, begun, cancelled, idle] = await Promise.all([
		uploaded(),
		uploaded(),
		uploaded(),
		uploaded(),
		uploaded({ query: '?convert=false' }),
	])
	const others = await uploaded({ token: bob })
	await convertAll(done.document.id, 3)
	await finish(await open(begun.document.id, 20))
	await command(cancelled.document.id, { action: 'cancel' })
	const erasable: string[] = []
	for (let count = 0; count < expendable; count++) erasable.push((await uploaded()).document.id)
	const { pages, jobId } = await manifestOf(done.document.id)
	const list = await (await call('/api/documents?limit=2')).json<{ nextCursor: string | null }>()
	const own = [done, waiting, begun, cancelled, idle].map(({ document }) => document.id)
	const tokens = {
		everything,
		alice,
		bob,
		reader: await tokenFor({ sub: 'reader', documents: { [done.document.id]: 'read' } }),
		abroad: await tokenFor({ sub: 'alice', tenant: 'elsewhere' }),
		far: await tokenFor({ sub: 'Zoë 名前 😀', tenant: '☂' }),
		expired: await tokenFor({ sub: 'alice' }, { expires: '-2m' }),
		forged: await tokenFor({ sub: 'alice' }, { secret: 'another secret, which is long enough too' }),
		nonsense: 'nonsense',
	}
	return {
		tokens,
		ids: [...own, done.document.id, done.document.id, others.document.id],
		jobs: [jobId],
		expendable: erasable,
		addresses: pages.flatMap((page) => [page.imageUrl, page.thumbnailUrl, page.textUrl].filter((url) => url !== null)),
		cursors: list.nextCursor === null ? [] : [list.nextCursor],
		secrets: [env.AUTH_JWT_SECRET, ...Object.values(tokens).filter((token) => token.includes('.'))],
	}
}
