/** Documents: upload, list, one. */
import { createRoute } from '@hono/zod-openapi'
import { maxPriorityOf } from '../../core/access.ts'
import { PDF } from '../../core/format.ts'
import type { Start } from '../../core/job/event.ts'
import { metadataOf } from '../../core/labels.ts'
import {
	documentListSchema,
	documentSchema,
	listQuerySchema,
	uploadedSchema,
	uploadQuerySchema,
} from '../../core/protocol.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import { within } from '../../deadline.ts'
import { looks } from '../crowd/looks.ts'
import { admit, admitted } from '../crowd/waiting.ts'
import type { EraseAnswer } from '../document/object.ts'
import type { DocumentRecord } from '../document/store.ts'
import { settingsOf } from '../env.ts'
import { findByExternalId } from '../external-id.ts'
import { isForm, openFile, readForm, uploadFormSchema } from '../form.ts'
import { DocumentHistory } from '../history/documents.ts'
import { json, refusals } from '../http/answers.ts'
import { askingOf, newApp, noSuchDocument } from '../http/app.ts'
import { owners, signedIn } from '../http/guards.ts'
import { byId, cleanName, fileNamed, keyed } from '../http/inputs.ts'
import { documentIdOf, fingerprintOf } from '../idempotency.ts'
import { documentOf } from '../objects.ts'
import { Refusal } from '../problem.ts'
import { receive } from '../receive.ts'
import { contentTypeOf, type FileUpload, openUpload, sizedBody } from '../upload.ts'

const LIST_DEADLINE = 10_000

const tags = ['documents']
const security = [{ bearer: [] }]

const upload = createRoute({
	method: 'post',
	path: '/',
	operationId: 'uploadDocument',
	summary: 'Upload a PDF; its conversion begins by itself',
	description: 'Other kinds of files are taken when OWN_CONVERTER_TYPES names their `Content-Type`.',
	tags,
	security,
	middleware: owners,
	request: {
		query: uploadQuerySchema,
		headers: keyed.extend(fileNamed.shape),
		// Not parsed by a schema, so that it stays a stream.
		body: {
			required: true,
			content: { 'application/pdf': { schema: {} }, 'multipart/form-data': { schema: uploadFormSchema } },
		},
	},
	responses: {
		200: json('There is one with this `externalId` already: this one, whatever the file', uploadedSchema),
		201: {
			...json('It is here', uploadedSchema),
			headers: { Location: { description: 'Where the document is', schema: { type: 'string' } } },
		},
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
		const { raw } = context.req
		const { 'idempotency-key': key, 'x-filename': named } = context.req.valid('header')
		const form = isForm(raw.headers.get('Content-Type')) ? await readForm(raw, context.req.query()) : null
		const { convert, priority, quality, externalId, metadata } = form?.fields ?? context.req.valid('query')
		const settings = settingsOf(context.env)
		const declared = form ? form.file.type : raw.headers.get('Content-Type')
		const contentType = contentTypeOf(declared, settings.ownFormats)
		const byKey = key !== undefined && externalId === undefined
		const record = {
			// With an `externalId` it is that which makes the id, in `receive`.
			id: byKey ? await documentIdOf(context.env, settings, caller, key) : crypto.randomUUID(),
			owner: { tenant: caller.tenant, sub: caller.sub },
			externalId: externalId ?? null,
			metadata: metadata ?? null,
			uploadKey: key === undefined || byKey ? null : fingerprintOf({ key }),
			name: (form ? cleanName(form.file.name) : named) ?? (contentType === PDF ? 'document.pdf' : 'document'),
			contentType,
			createdAt: Date.now(),
		}
		const start: Start = {
			jobId: crypto.randomUUID(),
			priority,
			maxPriority: maxPriorityOf(caller),
			maxRetries: settings.maxRetries,
			retryPolicy: settings.retryPolicy,
			options: { quality },
			onActive: 'return',
			forceReconvert: false,
		}
		const open = () => (form ? openFile(form.file, contentType) : openBody(raw, contentType))
		if (convert) {
			const asking = askingOf(context)
			await admit(asking, record.owner, async () => {
				if (externalId !== undefined) return (await findByExternalId(context.env, caller, externalId)) !== null
				return byKey && (await looks.of(asking, record.id, caller, 'read', 0)) !== null
			})
		}
		const received = await receive(context.env, caller, record, convert ? start : null, open)
		if (convert && received.isNew) admitted(record.owner)
		await looks.changed(received.document.id, received.shownElsewhereFor)
		const uploaded = { document: publicView(received.document), conversion: received.conversion }
		if (!received.isNew) return context.json(uploaded, 200)
		return context.json(uploaded, 201, { Location: `/api/documents/${uploaded.document.id}` })
	})
	.openapi(list, async (context) => {
		const caller = context.get('caller')
		const { cursor, limit, externalId } = context.req.valid('query')
		// Who is let in to some documents has none.
		if (caller.documents) return context.json({ items: [], nextCursor: null }, 200)
		if (externalId !== undefined) {
			const found = await within(LIST_DEADLINE, findByExternalId(context.env, caller, externalId))
			return context.json({ items: found ? [itemOf(found)] : [], nextCursor: null }, 200)
		}
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

/** @throws Refusal `length_required`, `malformed`, `empty_upload`, `too_large`, `unsupported_type` or `incomplete_upload` */
async function openBody(request: Request, contentType: string): Promise<FileUpload> {
	const { body, length } = await sizedBody(request)
	return await openUpload(body, length, contentType)
}

function publicView(record: DocumentRecord) {
	const createdAt = new Date(record.createdAt).toISOString()
	return documentSchema.parse({ ...record, metadata: metadataOf(record.metadata), createdAt })
}

function itemOf({ document, conversion: { status, totalPages } }: { document: DocumentRecord; conversion: Snapshot }) {
	return { ...publicView(document), status, totalPages }
}
