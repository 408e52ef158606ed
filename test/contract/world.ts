/** What is there before a service is asked at random: documents in several states, and tokens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { manifestSchema, uploadedSchema } from '../../src/core/protocol.ts'
import { isSettled, snapshotSchema } from '../../src/core/snapshot.ts'
import { makePdf } from '../fixtures/pdf.ts'
import type { World } from './fitting.ts'
import type { Send } from './request.ts'

/** Milliseconds. */
const CONVERTED_WITHIN = 60_000

export async function makeWorld(send: Send, secret: string, { expendable = 20 } = {}): Promise<World> {
	const tokenFor = (claims: object, expires = '1d', key = secret) =>
		new SignJWT({ ...claims })
			.setProtectedHeader({ alg: 'HS256' })
			.setExpirationTime(expires)
			.sign(new TextEncoder().encode(key))
	const everything = await tokenFor({ sub: 'alice', scope: 'operator converter' })
	const bob = await tokenFor({ sub: 'bob' })

	async function ask(path: string, { method = 'GET', token = everything, body = null as Uint8Array | null } = {}) {
		const type =
			body && method === 'POST' && path.startsWith('/api/documents?') ? 'application/pdf' : 'application/json'
		const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': type }) }
		const length: Record<string, string> = body ? { 'content-length': String(body.byteLength) } : {}
		const answer = await send({ method, path, headers: { ...headers, ...length }, body })
		if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status}`)
		return JSON.parse(new TextDecoder().decode(answer.body)) as unknown
	}
	const pdf = makePdf([{ text: ['one'] }, { text: ['two'] }, { text: ['three'] }])
	const upload = async ({ token = everything, body = pdf, convert = true } = {}) => {
		const answer = await ask(`/api/documents?convert=${convert}`, { method: 'POST', token, body })
		return uploadedSchema.parse(answer).document.id
	}
	const done = await upload()
	const deadline = Date.now() + CONVERTED_WITHIN
	while (!isSettled(snapshotSchema.parse(await ask(`/api/documents/${done}/conversion-status`)).status)) {
		if (Date.now() > deadline) throw new Error('The document was not converted')
		await sleep(50)
	}
	const failed = await upload({ body: new TextEncoder().encode('%PDF-1.7\nand nothing that is one') })
	const cancelled = await upload()
	const cancel = new TextEncoder().encode('{"action":"cancel"}')
	await ask(`/api/documents/${cancelled}/conversion-status`, { method: 'POST', body: cancel })
	const idle = await upload({ convert: false })
	const foreign = await upload({ token: bob })
	const erasable: string[] = []
	for (let count = 0; count < expendable; count++) erasable.push(await upload({ convert: false }))
	const { jobId, pages } = manifestSchema.parse(await ask(`/api/documents/${done}/pages`))
	const { nextCursor } = (await ask('/api/documents?limit=2')) as { nextCursor: string | null }
	const own = [done, failed, cancelled, idle]
	const tokens = {
		everything,
		alice: await tokenFor({ sub: 'alice' }),
		bob,
		reader: await tokenFor({ sub: 'reader', documents: { [done]: 'read' } }),
		abroad: await tokenFor({ sub: 'alice', tenant: 'elsewhere' }),
		far: await tokenFor({ sub: 'Zoë 名前 😀', tenant: '☂' }),
		expired: await tokenFor({ sub: 'alice' }, '-2m'),
		forged: await tokenFor({ sub: 'alice' }, '1d', 'another secret, which is long enough too'),
		nonsense: 'nonsense',
	}
	return {
		tokens,
		ids: [...own, done, done, done, foreign],
		jobs: [jobId],
		expendable: erasable,
		addresses: pages.flatMap((page) => [page.imageUrl, page.thumbnailUrl, page.textUrl].filter((url) => url !== null)),
		cursors: nextCursor === null ? [] : [nextCursor],
		secrets: [secret, ...Object.values(tokens).filter((token) => token.includes('.'))],
	}
}
