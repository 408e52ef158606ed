/** A document as it was uploaded. */
import { createRoute } from '@hono/zod-openapi'
import { within } from '../../deadline.ts'
import { isKnown, rangeOf } from '../conditions.ts'
import type { DocumentRecord } from '../document/store.ts'
import { sourceKey } from '../files.ts'
import { bytes, refusals } from '../http/answers.ts'
import { newApp, noSuchDocument } from '../http/app.ts'
import { signedIn } from '../http/guards.ts'
import { byId } from '../http/inputs.ts'
import { documentOf } from '../objects.ts'
import { Refusal } from '../problem.ts'

/** Milliseconds for R2 to begin with its answer. */
const ANSWER = 10_000

const read = createRoute({
	method: 'get',
	path: '/{id}/source',
	operationId: 'getSource',
	summary: 'The file as it was uploaded; parts of it by `Range`',
	tags: ['documents'],
	security: [{ bearer: [] }],
	middleware: signedIn,
	request: { params: byId },
	responses: {
		200: bytes('The file', 'application/pdf'),
		206: bytes('The part of it that was asked for', 'application/pdf'),
		304: { description: 'You have this file already' },
		...refusals('not_found', 'range_not_satisfiable'),
	},
})

export const sourceRoutes = newApp().openapi(read, async (context) => {
	const answer = await documentOf(context.env, context.req.valid('param').id).document(context.get('caller'))
	if (answer.outcome === 'not_found') throw noSuchDocument()
	const { document } = answer
	const headers = headersOf(document)
	const { req } = context
	if (isKnown(req.header('If-None-Match'), headers.ETag)) return new Response(null, { status: 304, headers })

	const range = rangeOf(req.header('Range'), req.header('If-Range'), headers.ETag, document.size)
	if (range.kind === 'unsatisfiable') {
		const extent = { 'Content-Range': `bytes */${document.size}` }
		throw new Refusal('range_not_satisfiable', `The file has ${document.size} bytes. Ask for some of these.`, extent)
	}
	const { offset, length } = range.kind === 'part' ? range : { offset: 0, length: document.size }
	const sized = { ...headers, 'Content-Length': String(length) }
	const isPart = range.kind === 'part'
	const partial = { ...sized, 'Content-Range': `bytes ${offset}-${offset + length - 1}/${document.size}` }
	const init = isPart ? { status: 206, headers: partial } : { headers: sized }
	if (req.method === 'HEAD') return new Response(null, init)
	const options = isPart ? { range: { offset, length } } : {}
	const object = await within(ANSWER, context.env.FILES.get(sourceKey(document.id), options))
	if (!object) throw new Refusal('not_found', 'The uploaded file is no longer there. Upload it anew.')
	return new Response(object.body, init)
})

function headersOf({ id, name, contentType }: DocumentRecord) {
	return {
		'Accept-Ranges': 'bytes',
		'Cache-Control': 'private, no-cache',
		'Content-Disposition': `attachment; filename*=UTF-8''${encoded(name)}`,
		// The file is somebody else's: whatever opens it does so without our origin.
		'Content-Security-Policy': "default-src 'none'; sandbox",
		'Content-Type': contentType,
		// The file of a document never changes.
		ETag: `"source-${id}"`,
		'X-Content-Type-Options': 'nosniff',
	}
}

/** As RFC 8187 has it, which leaves less unencoded than `encodeURIComponent`. */
function encoded(name: string): string {
	const hexadecimal = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
	// A name that was cut can end in half a character.
	return encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, hexadecimal)
}
