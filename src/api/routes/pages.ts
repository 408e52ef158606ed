/** The pages themselves: the manifest with signed addresses, and single pages by bearer token. */
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { z } from 'zod'
import type { PackPage } from '../../core/pack.ts'
import { type PageRange, parseRanges } from '../../core/pages.ts'
import { type Manifest, type ManifestPage, manifestQuerySchema, manifestSchema } from '../../core/protocol.ts'
import { pagesOf } from '../crowd/pages.ts'
import type { PageView } from '../document/object.ts'
import { settingsOf } from '../env.ts'
import { packKey } from '../files.ts'
import { bytes as bytesAnswer, json, publicRefusals, refusals } from '../http/answers.ts'
import { type AppEnv, askingOf, newApp, noSuchDocument } from '../http/app.ts'
import { signedIn } from '../http/guards.ts'
import { byId, byPage } from '../http/inputs.ts'
import { PageAddresses, type PageBytes } from '../page-address.ts'
import { Refusal } from '../problem.ts'

const tags = ['pages']
const notModified = { description: 'You have these bytes already' }
const ofJob = manifestQuerySchema.pick({ job: true })

const manifest = createRoute({
	method: 'get',
	path: '/documents/{id}/pages',
	operationId: 'getPages',
	summary: 'The pages, with signed addresses that work in an <img>',
	tags,
	security: [{ bearer: [] }],
	middleware: signedIn,
	request: { params: byId, query: manifestQuerySchema },
	responses: { 200: json('The manifest', manifestSchema), ...refusals('not_found') },
})

function pageRoute<const P extends string>(path: P, operationId: string, summary: string, ...types: string[]) {
	return createRoute({
		method: 'get',
		path,
		operationId,
		summary,
		tags,
		security: [{ bearer: [] }],
		middleware: signedIn,
		request: { params: byPage, query: ofJob },
		responses: { 200: bytesAnswer('The bytes', ...types), 304: notModified, ...refusals('not_found') },
	})
}

const image = pageRoute('/documents/{id}/pages/{page}', 'getPage', "A page's image", 'image/png', 'image/webp')
const thumbnail = pageRoute(
	'/documents/{id}/pages/{page}/thumbnail',
	'getPageThumbnail',
	'Its thumbnail',
	'image/png',
	'image/webp',
)
const text = pageRoute('/documents/{id}/pages/{page}/text', 'getPageText', 'Its text', 'text/plain')
const words = pageRoute(
	'/documents/{id}/pages/{page}/words',
	'getPageWords',
	'Its words, and where they stand',
	'application/json',
)

const signed = createRoute({
	method: 'get',
	path: '/pages/{documentId}/{fence}/{name}',
	operationId: 'getPageBytes',
	summary: 'What lies at an address of the manifest; the address is the pass',
	tags,
	security: [],
	request: {
		params: z.object({ documentId: z.string(), fence: z.string(), name: z.string() }),
		query: z.object({ expires: z.string().optional(), signature: z.string().optional() }),
	},
	responses: {
		200: bytesAnswer('The bytes, which never change', 'image/png', 'image/webp', 'text/plain', 'application/json'),
		304: notModified,
		...publicRefusals('malformed', 'not_found', 'internal', 'unavailable'),
	},
})

export const pageRoutes = newApp()
	.openapi(manifest, async (context) => {
		const { job, pages } = context.req.valid('query')
		const { id } = context.req.valid('param')
		const view = await viewOf(context, id, job)
		const wanted = pages === undefined ? null : parseRanges(pages)
		return context.json(manifestOf(id, view, wanted, addressesOf(context)), 200, {
			'Cache-Control': 'private, no-cache',
		})
	})
	.openapi(image, (context) => pageByBearer(context, 'image', context.req.valid('param'), context.req.valid('query')))
	.openapi(thumbnail, (context) =>
		pageByBearer(context, 'thumbnail', context.req.valid('param'), context.req.valid('query')),
	)
	.openapi(text, (context) => pageByBearer(context, 'text', context.req.valid('param'), context.req.valid('query')))
	.openapi(words, (context) => pageByBearer(context, 'words', context.req.valid('param'), context.req.valid('query')))
	.openapi(signed, async (context) => {
		const now = Date.now()
		const bytes = addressesOf(context).verify(context.req.valid('param'), context.req.valid('query'), now)
		if (!bytes) throw new Refusal('not_found', 'This address has ended. Ask for the pages again.')
		const maxAge = Math.floor((bytes.expiresAt - now) / 1000)
		return pageResponse(context, bytes, `private, max-age=${maxAge}, immutable`)
	})

async function pageByBearer(
	context: Context<AppEnv>,
	kind: keyof BytesOfPage,
	{ id, page: number }: { id: string; page: number },
	{ job }: { job?: string | undefined },
): Promise<Response> {
	const view = await viewOf(context, id, job)
	for (const { fence, index } of view.packs) {
		const page = index.pages.find((candidate) => candidate.page === number)
		const bytes = page && bytesOf(id, fence, page)[kind]
		if (bytes) return pageResponse(context, bytes, 'private, no-cache')
		if (page) throw new Refusal('not_found', 'This page was converted without places of words. Convert it again.')
	}
	throw new Refusal('not_found', 'This page is not there, or not yet.')
}

export async function viewOf(context: Context<AppEnv>, id: string, job: string | undefined): Promise<PageView> {
	const view = await pagesOf(askingOf(context), id, context.get('caller'), job ?? null)
	if (view.outcome === 'not_found') throw noSuchDocument()
	if (view.outcome === 'not_converted') {
		throw new Refusal('not_found', 'This document has no such conversion. Start one, or leave `job` out.')
	}
	return view
}

function manifestOf(id: string, view: PageView, wanted: PageRange[] | null, addresses: PageAddresses): Manifest {
	const expiresAt = addresses.expiry(Date.now())
	const isWanted = (page: number) => wanted === null || wanted.some(({ first, last }) => first <= page && page <= last)
	const ready = view.packs.flatMap(({ fence, index }) =>
		index.pages
			.filter(({ page }) => isWanted(page))
			.map((page): ManifestPage => {
				const bytes = bytesOf(id, fence, page)
				return {
					page: page.page,
					width: page.width,
					height: page.height,
					type: page.image.type,
					state: page.degraded ? 'degraded' : 'ready',
					imageUrl: addresses.sign(bytes.image, expiresAt),
					thumbnailUrl: addresses.sign(bytes.thumbnail, expiresAt),
					textUrl: addresses.sign(bytes.text, expiresAt),
					wordsUrl: bytes.words && addresses.sign(bytes.words, expiresAt),
				}
			}),
	)
	const failed = view.failedPages.filter(isWanted).map((page): ManifestPage => ({ page, ...failedPage }))
	return {
		jobId: view.jobId,
		totalPages: view.totalPages,
		pages: [...ready, ...failed].sort((one, other) => one.page - other.page),
	}
}

const failedPage = {
	width: null,
	height: null,
	type: null,
	state: 'failed',
	imageUrl: null,
	thumbnailUrl: null,
	textUrl: null,
	wordsUrl: null,
} as const

/** Words are missing in packs of older releases. */
type BytesOfPage = Record<'image' | 'thumbnail' | 'text', PageBytes> & { words: PageBytes | null }

function bytesOf(documentId: string, fence: number, page: PackPage): BytesOfPage {
	const pack = { documentId, fence }
	return {
		image: { ...pack, ...page.image },
		thumbnail: { ...pack, ...page.thumbnail },
		text: { ...pack, ...page.text, type: 'text/plain' },
		words: page.words ? { ...pack, ...page.words, type: 'application/json' } : null,
	}
}

/** One ranged read, or none when the caller has the bytes already. */
async function pageResponse(context: Context<AppEnv>, bytes: PageBytes, caching: string): Promise<Response> {
	const headers = {
		'Cache-Control': caching,
		'Content-Type': bytes.type === 'text/plain' ? 'text/plain; charset=utf-8' : bytes.type,
		'X-Content-Type-Options': 'nosniff',
		// Packs never change, so where the bytes lie says what they are.
		ETag: `"${bytes.fence}-${bytes.offset}-${bytes.length}"`,
	}
	if (context.req.header('If-None-Match') === headers.ETag) return new Response(null, { status: 304, headers })
	if (bytes.length === 0) return new Response('', { headers })
	const range = { offset: bytes.offset, length: bytes.length }
	const object = await context.env.FILES.get(packKey(bytes.documentId, bytes.fence), { range })
	if (!object) throw new Refusal('not_found', 'This page is not there any more. Ask for the pages again.')
	return new Response(object.body, { headers: { ...headers, 'Content-Length': String(bytes.length) } })
}

const known = new Map<string, PageAddresses>()

function addressesOf(context: Context<AppEnv>): PageAddresses {
	const { secrets } = settingsOf(context.env)
	const key = secrets.join(' ')
	const addresses = known.get(key) ?? new PageAddresses(secrets)
	known.set(key, addresses)
	return addresses
}
