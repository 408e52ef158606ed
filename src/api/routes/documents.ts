/** Documents: upload, list, one. */
import { Hono } from 'hono'
import { mayOwn } from '../../core/access.ts'
import { DEFAULT_MAX_RETRIES } from '../../core/job/retry.ts'
import { documentSchema, listQuerySchema, uploadQuerySchema } from '../../core/protocol.ts'
import { within } from '../../deadline.ts'
import { documentOf } from '../document/object.ts'
import type { DocumentRecord } from '../document/store.ts'
import { sourceKey } from '../files.ts'
import { DocumentHistory } from '../history/documents.ts'
import { Refusal } from '../problem.ts'
import { declaredLength, storePdf } from '../upload.ts'
import { type AppEnv, callerOf, documentIdOf, noSuchDocument, parse } from './context.ts'

const LIST_DEADLINE = 10_000

export const documentRoutes = new Hono<AppEnv>()
	.post('/', async (context) => {
		const caller = await callerOf(context)
		if (!mayOwn(caller)) throw new Refusal('not_found', 'This token is for reading some documents, not for uploading.')
		const query = parse(uploadQuerySchema, context.req.query(), 'query')
		const name = fileName(context.req.header('X-Filename'))
		const length = declaredLength(context.req.header('Content-Length'))
		const body = context.req.raw.body
		if (!body) throw new Refusal('empty_upload', 'Send the file itself as the body of the request.')

		const record: DocumentRecord = {
			id: crypto.randomUUID(),
			owner: { tenant: caller.tenant, sub: caller.sub },
			externalId: null,
			name,
			contentType: 'application/pdf',
			size: length,
			createdAt: Date.now(),
		}
		const key = sourceKey(record.id)
		await storePdf(context.env.FILES, key, body, length)
		const start = {
			jobId: crypto.randomUUID(),
			priority: query.priority,
			maxRetries: DEFAULT_MAX_RETRIES,
			options: { quality: query.quality },
			forceReconvert: false,
		}
		try {
			const conversion = await documentOf(context.env, record.id).create(record, query.convert ? start : null)
			return context.json({ document: publicView(record), conversion }, 201)
		} catch (error) {
			// Nobody knows this id, so nothing half-made stays behind.
			await context.env.FILES.delete(key)
			throw error
		}
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
