/** A document's text as a whole: for reading, or with the places of its words. */
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { textQuerySchema } from '../../core/words.ts'
import { within } from '../../deadline.ts'
import { errorText } from '../../error-text.ts'
import { isKnown } from '../conditions.ts'
import type { PageView } from '../document/object.ts'
import { bytes, refusals } from '../http/answers.ts'
import { type AppEnv, newApp } from '../http/app.ts'
import { signedIn } from '../http/guards.ts'
import { byId } from '../http/inputs.ts'
import { Refusal } from '../problem.ts'
import { bytesOf, lengthOf, type Part, textParts, wordsParts } from '../text.ts'
import { viewOf } from './pages.ts'

/** A reader who takes nothing for so long has gone. Milliseconds. */
const READER_DEADLINE = 60_000

const read = createRoute({
	method: 'get',
	path: '/{id}/text',
	operationId: 'getText',
	summary: 'The whole text, pages separated by form feeds; with `format=words` where each word stands',
	tags: ['pages'],
	security: [{ bearer: [] }],
	middleware: signedIn,
	request: { params: byId, query: textQuerySchema },
	responses: {
		200: bytes('The text', 'text/plain', 'application/json'),
		304: { description: 'You have this text already' },
		...refusals('not_found'),
	},
})

export const textRoutes = newApp().openapi(read, async (context) => {
	const { job, format } = context.req.valid('query')
	const { id } = context.req.valid('param')
	const view = await viewOf(context, id, job)
	if (view.packs.length === 0) throw new Refusal('not_found', 'No page of this document is converted yet.')
	const headers = {
		'Cache-Control': 'private, no-cache',
		'Content-Type': format === 'text' ? 'text/plain; charset=utf-8' : 'application/json',
		'X-Content-Type-Options': 'nosniff',
		ETag: etagOf(view, format),
	}
	if (isKnown(context.req.header('If-None-Match'), headers.ETag)) return context.body(null, 304, headers)
	return await streamed(context, id, format === 'text' ? textParts(view) : wordsParts(view), headers)
})

/** A job's packs never change and only become more, so their number is the version of what is there. */
function etagOf({ jobId, totalPages, packs }: PageView, format: string): string {
	return `"${format}-${jobId}-${totalPages}-${packs.length}"`
}

async function streamed(
	context: Context<AppEnv>,
	documentId: string,
	parts: Part[],
	headers: Record<string, string>,
): Promise<Response> {
	const length = lengthOf(parts)
	const sized = { ...headers, 'Content-Length': String(length) }
	if (context.req.method === 'HEAD') return new Response(null, { headers: sized })
	const pieces = bytesOf(context.env.FILES, documentId, parts)
	// What fails at once is still an answer of its own.
	const first = await pieces.next().catch(() => {
		throw new Refusal('not_found', 'This text is not there any more. Ask for it again.')
	})
	// A known length lets the caller see when something is missing at the end.
	const { readable, writable } = new FixedLengthStream(length)
	context.executionCtx.waitUntil(pump(first, pieces, writable.getWriter()))
	return new Response(readable, { headers: sized })
}

async function pump(
	first: IteratorResult<Uint8Array, void>,
	pieces: AsyncGenerator<Uint8Array, void>,
	writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
	try {
		for (let next = first; !next.done; next = await pieces.next()) {
			await within(READER_DEADLINE, writer.write(next.value))
		}
		await within(READER_DEADLINE, writer.close())
	} catch (error) {
		// The status is out, so all that is left is to break off. A reader who went away is nobody's fault.
		console.warn('A text was not sent to its end', { error: errorText(error) })
		await writer.abort(error).catch(() => undefined)
	} finally {
		await pieces.return()
	}
}
