/** Documents: upload, list, one. */
import { createRoute } from '@hono/zod-openapi'
import { maxPriorityOf } from '../../core/access.ts'
import type { Start } from '../../core/job/event.ts'
import {
	documentListSchema,
	documentSchema,
	listQuerySchema,
	uploadedSchema,
	uploadQuerySchema,
} from '../../core/protocol.ts'
import { within } from '../../deadline.ts'
import { looks } from '../crowd/looks.ts'
import { admit, admitted } from '../crowd/waiting.ts'
import type { EraseAnswer } from '../document/object.ts'
import type { DocumentRecord } from '../document/store.ts'
import { settingsOf } from '../env.ts'
import { DocumentHistory } from '../history/documents.ts'
import { json, refusals } from '../http/answers.ts'
import { askingOf, newApp, noSuchDocument } from '../http/app.ts'
import { owners, signedIn } from '../http/guards.ts'
import { byId, fileNamed, keyed } from '../http/inputs.ts'
import { documentIdOf } from '../idempotency.ts'
import { documentOf } from '../objects.ts'
import { Refusal } from '../problem.ts'
import { receive } from '../receive.ts'
import { declaredLength, openPdf } from '../upload.ts'

const LIST_DEADLINE = 10_000

const tags = ['documents']
const security = [{ bearer: [] }]

const upload = createRoute({
	method: 'post',
	path: '/',
	operationId: 'uploadDocument',
	summary: 'Upload a PDF; its conversion begins by itself',
	tags,
	security,
	middleware: owners,
	request: {
		query: uploadQuerySchema,
		headers: keyed.extend(fileNamed.shape),
		// Not parsed by a schema, so that it stays a stream.
		body: { required: true, content: { 'application/pdf': { schema: {} } } },
	},
	responses: {
		201: json('It is here', uploadedSchema),
		...refusals(
			'empty_upload',
			'incomplete_upload',
			'not_found',
			'conflict',
			'length_required',
			'too_large',
			'unsupported_type',
			'key_reused',
			'too_many_waiting',
		),
	},
})

const list = createRoute({
	method: 'get',
	path: '/',
	operationId: 'listDocuments',
	summary: 'Your documents, newest first',
	tags,
	security,
	middleware: signedIn,
	request: { query: listQuerySchema },
	responses: { 200: json('A page of them', documentListSchema), ...refusals() },
})

const read = createRoute({
	method: 'get',
	path: '/{id}',
	operationId: 'getDocument',
	summary: 'One document',
	tags,
	security,
	middleware: signedIn,
	request: { params: byId },
	responses: { 200: json('The document', documentSchema), ...refusals('not_found') },
})

const erase = createRoute({
	method: 'delete',
	path: '/{id}',
	operationId: 'eraseDocument',
	summary: 'Erase a document with all that was made of it, for good',
	tags,
	security,
	middleware: signedIn,
	request: { params: byId },
	responses: { 204: { description: 'It is gone' }, ...refusals('not_found') },
})

export const documentRoutes = newApp()
	.openapi(upload, async (context) => {
		const caller = context.get('caller')
		const query = context.req.valid('query')
		const { 'idempotency-key': key, 'x-filename': name } = context.req.valid('header')
		const length = declaredLength(context.req.header('Content-Length'))
		const body = context.req.raw.body
		if (!body) throw new Refusal('empty_upload', 'Send the file itself as the body of the request.')
		const settings = settingsOf(context.env)
		const record: DocumentRecord = {
			id: key === undefined ? crypto.randomUUID() : await documentIdOf(context.env, settings, caller, key),
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
		if (query.convert) {
			const asking = askingOf(context)
			const wasHere = async () => key !== undefined && (await looks.of(asking, record.id, caller, 'read', 0)) !== null
			await admit(asking, record.owner, wasHere)
		}
		const pdf = await openPdf(body, length)
		const { document, conversion, isNew } = await looks.changing(record.id, (isolate) =>
			receive(context.env, isolate, record, query.convert ? start : null, pdf),
		)
		if (query.convert && isNew) admitted(record.owner)
		return context.json({ document: publicView(document), conversion }, 201)
	})
	.openapi(list, async (context) => {
		const caller = context.get('caller')
		const { cursor, limit } = context.req.valid('query')
		// Who is let in to some documents has none.
		if (caller.documents) return context.json({ items: [], nextCursor: null }, 200)
		const history = new DocumentHistory(context.env.HISTORY)
		const page = await within(LIST_DEADLINE, history.list(caller, cursor ?? null, limit))
		if (!page) throw new Refusal('malformed', 'cursor: not one of ours. Leave it out to begin anew.')
		return context.json(page, 200)
	})
	.openapi(read, async (context) => {
		const answer = await documentOf(context.env, context.req.valid('param').id).document(context.get('caller'))
		if (answer.outcome === 'not_found') throw noSuchDocument()
		return context.json(publicView(answer.document), 200)
	})
	.openapi(erase, async (context) => {
		const { id } = context.req.valid('param')
		const answer = await looks.changing(
			id,
			async (isolate): Promise<EraseAnswer> => await documentOf(context.env, id).erase(context.get('caller'), isolate),
		)
		if (answer.outcome === 'not_found') throw noSuchDocument()
		return context.body(null, 204)
	})

function publicView(record: DocumentRecord) {
	return documentSchema.parse({ ...record, createdAt: new Date(record.createdAt).toISOString() })
}
