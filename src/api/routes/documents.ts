/** Documents: upload, list, one. */
import { Hono } from 'hono'
import { maxPriorityOf, mayOwn } from '../../core/access.ts'
import type { Start } from '../../core/job/event.ts'
import { documentSchema, listQuerySchema, uploadQuerySchema } from '../../core/protocol.ts'
import { within } from '../../deadline.ts'
import type { DocumentRecord } from '../document/store.ts'
import { settingsOf } from '../env.ts'
import { DocumentHistory } from '../history/documents.ts'
import { documentIdFor } from '../idempotency.ts'
import { documentOf } from '../objects.ts'
import { Refusal } from '../problem.ts'
import { receive } from '../receive.ts'
import { declaredLength, openPdf } from '../upload.ts'
import { type AppEnv, callerOf, documentIdOf, idempotencyKeyOf, noSuchDocument, parse } from './context.ts'

const LIST_DEADLINE = 10_000

export const documentRoutes = new Hono<AppEnv>()
	.post('/', async (context) => {
		const caller = await callerOf(context)
		if (!mayOwn(caller)) throw new Refusal('not_found', 'This token is for reading some documents, not for uploading.')
		const query = parse(uploadQuerySchema, context.req.query(), 'query')
		const key = idempotencyKeyOf(context)
		const name = fileName(context.req.header('X-Filename'))
		const length = declaredLength(context.req.header('Content-Length'))
		const body = context.req.raw.body
		if (!body) throw new Refusal('empty_upload', 'Send the file itself as the body of the request.')
		const settings = settingsOf(context.env)
		const record: DocumentRecord = {
			id: key === null ? crypto.randomUUID() : documentIdFor(settings.jwtSecret, caller, key),
			owner: { tenant: caller.tenant, sub: caller.sub },
			externalId: null,
			name,
			contentType: 'application/pdf',
			size: length,
			createdAt: Date.now(),
		}
		const start: Start = {
			jobId: crypto.randomUUID(),
			priority: query.priority,
			maxPriority: maxPriorityOf(caller),
			maxRetries: settings.maxRetries,
			retryPolicy: settings.retryPolicy,
			options: { quality: query.quality },
			onActive: 'return',
			forceReconvert: false,
		}
		const pdf = await openPdf(body, length)
		const { document, conversion } = await receive(context.env, record, query.convert ? start : null, pdf)
		return context.json({ document: publicView(document), conversion }, 201)
	})
	.get('/', async (context) => {
		const caller = await callerOf(context)
		const { cursor, limit } = parse(listQuerySchema, context.req.query(), 'query')
		if (!mayOwn(caller)) return context.json({ items: [], nextCursor: null })
		const history = new DocumentHistory(context.env.HISTORY)
		const page = await within(LIST_DEADLINE, history.list(caller, cursor ?? null, limit))
		if (!page) throw new Refusal('malformed', 'cursor: not one of ours. Leave it out to begin anew.')
		return context.json(page)
	})
	.get('/:id', async (context) => {
		const caller = await callerOf(context)
		const answer = await documentOf(context.env, documentIdOf(context)).document(caller)
		if (answer.outcome === 'not_found') throw noSuchDocument()
		return context.json(publicView(answer.document))
	})
	.delete('/:id', async (context) => {
		const caller = await callerOf(context)
		const answer = await documentOf(context.env, documentIdOf(context)).erase(caller)
		if (answer.outcome === 'not_found') throw noSuchDocument()
		return context.body(null, 204)
	})

function publicView(record: DocumentRecord) {
	return documentSchema.parse({ ...record, createdAt: new Date(record.createdAt).toISOString() })
}

/** @param header percent-encoded, since header values are ASCII */
function fileName(header: string | undefined): string {
	if (header === undefined || header.trim() === '') return 'document.pdf'
	let name: string
	try {
		name = decodeURIComponent(header)
	} catch {
		throw new Refusal('malformed', 'X-Filename is not percent-encoded UTF-8.')
	}
	// Control characters have no place in a name that is shown and saved.
	const clean = [...name].filter((character) => character >= ' ' && character !== '\u007f').join('')
	return clean.slice(0, 255) || 'document.pdf'
}
