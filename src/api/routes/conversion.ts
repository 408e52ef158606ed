/** A document's conversion: status, commands, live progress. */
import { createRoute } from '@hono/zod-openapi'
import { type Caller, maxPriorityOf, type Owner } from '../../core/access.ts'
import { conversionListSchema } from '../../core/conversions.ts'
import type { Command } from '../../core/job/event.ts'
import {
	type ConversionCommand,
	conversionCommandSchema,
	conversionsQuerySchema,
	statusQuerySchema,
	ticketSchema,
} from '../../core/protocol.ts'
import { type Priority, type Snapshot, snapshotSchema } from '../../core/snapshot.ts'
import { type Asking, looks, snapshotIn } from '../crowd/looks.ts'
import { headersOf, versionIn } from '../crowd/status.ts'
import { admit, admitted } from '../crowd/waiting.ts'
import type { CommandAnswer } from '../document/object.ts'
import { type Settings, settingsOf } from '../env.ts'
import { json, refusals } from '../http/answers.ts'
import { askingOf, newApp, noSuchDocument } from '../http/app.ts'
import { isOriginAllowed } from '../http/edge.ts'
import { jsonBody, signedIn, ticketIn, watchers } from '../http/guards.ts'
import { byId, keyed } from '../http/inputs.ts'
import { fingerprintOf } from '../idempotency.ts'
import { awaitNews } from '../long-poll.ts'
import { callerHeader, documentOf } from '../objects.ts'
import { sealPassword } from '../password.ts'
import { Refusal } from '../problem.ts'

const tags = ['conversions']
const security = [{ bearer: [] }]
const notModified = { description: 'You have this version already' }

const status = createRoute({
	method: 'get',
	path: '/{id}/conversion-status',
	operationId: 'getConversionStatus',
	summary: 'How far the conversion is, or as soon as there is news',
	description:
		'With `since`, a version, and `wait`, the answer comes as soon as there is a higher version. Without `wait` it may be up to a second old, but is never older than an answer to a command of yours, nor than the version in `since` or `If-None-Match`.',
	tags,
	security,
	middleware: signedIn,
	request: { params: byId, query: statusQuerySchema },
	responses: { 200: json('The snapshot', snapshotSchema), 304: notModified, ...refusals('not_found') },
})

const command = createRoute({
	method: 'post',
	path: '/{id}/conversion-status',
	operationId: 'commandConversion',
	summary: 'Start, retry or cancel',
	tags,
	security,
	middleware: [signedIn, jsonBody] as const,
	request: {
		params: byId,
		headers: keyed,
		body: { required: true, content: { 'application/json': { schema: conversionCommandSchema } } },
	},
	responses: {
		200: json('It was so already, or nothing had to begin', snapshotSchema),
		202: json('It has begun', snapshotSchema),
		...refusals(
			'not_found',
			'conversion_active',
			'nothing_to_retry',
			'options_differ',
			'too_large',
			'key_reused',
			'too_many_waiting',
		),
	},
})

const ticket = createRoute({
	method: 'post',
	path: '/{id}/conversion-ticket',
	operationId: 'issueTicket',
	summary: 'A single-use pass for the WebSocket',
	tags,
	security,
	middleware: signedIn,
	request: { params: byId },
	responses: { 201: json('Good for half a minute', ticketSchema), ...refusals('not_found') },
})

const live = createRoute({
	method: 'get',
	path: '/{id}/conversion-live',
	operationId: 'watchConversion',
	summary: 'A WebSocket on which every change comes as a whole snapshot',
	description:
		'Browsers offer the subprotocols `platen.v1` and `ticket.<ticket>`; others may send the bearer token instead.',
	tags,
	security: [{ bearer: [] }, { ticket: [] }],
	middleware: watchers,
	request: { params: byId },
	responses: {
		101: { description: 'The socket is open' },
		...refusals('origin_refused', 'not_found', 'upgrade_required'),
	},
})

const past = createRoute({
	method: 'get',
	path: '/{id}/conversions',
	operationId: 'listConversions',
	summary: 'The document’s conversions, newest first, each with what happened to it',
	tags,
	security,
	middleware: signedIn,
	request: { params: byId, query: conversionsQuerySchema },
	responses: { 200: json('A page of them', conversionListSchema), ...refusals('not_found') },
})

export const conversionRoutes = newApp()
	.openapi(status, async (context) => {
		const caller = context.get('caller')
		const { since, wait } = context.req.valid('query')
		const { id } = context.req.valid('param')
		const known = context.req.header('If-None-Match')
		const snapshot =
			since !== undefined && wait
				? await newsOf(context.env, id, caller, since, wait)
				: await snapshotFor(askingOf(context), id, caller, Math.max(since ?? 0, versionIn(known ?? null)))
		if (!snapshot) throw noSuchDocument()
		const headers = headersOf(snapshot)
		if (known === headers.ETag) return context.body(null, 304, headers)
		return context.json(snapshot, 200, headers)
	})
	.openapi(command, async (context) => {
		const caller = context.get('caller')
		const asked = context.req.valid('json')
		const key = context.req.valid('header')['idempotency-key']
		const { id } = context.req.valid('param')
		const settings = settingsOf(context.env)
		const password = 'password' in asked ? asked.password : undefined
		// The object, and all behind it, get to see it sealed only.
		const sealedPassword = password === undefined ? null : await sealPassword(settings, password, id)
		const wanted = commandOf(asked, settings, maxPriorityOf(caller), sealedPassword)
		const request = key === undefined ? null : { key, fingerprint: fingerprintOf(asked) }
		const owner = wanted.type === 'cancel' ? null : await ownerFor(askingOf(context), id, caller)
		if (owner) await admit(askingOf(context), owner, () => isActive(askingOf(context), id, caller))
		const answer = await looks.changing(
			id,
			async (isolate): Promise<CommandAnswer> =>
				await documentOf(context.env, id).command(caller, wanted, request, isolate),
		)
		if (!('snapshot' in answer)) throw refusalOf(answer.outcome)
		if (owner && answer.outcome === 'accepted') admitted(owner)
		return context.json(answer.snapshot, answer.outcome === 'accepted' ? 202 : 200)
	})
	.openapi(ticket, async (context) => {
		const answer = await documentOf(context.env, context.req.valid('param').id).ticket(context.get('caller'))
		if (answer.outcome === 'not_found') throw noSuchDocument()
		return context.json({ ticket: answer.ticket, expiresAt: new Date(answer.expiresAt).toISOString() }, 201, {
			'Cache-Control': 'no-store',
		})
	})
	.openapi(past, async (context) => {
		const { cursor, limit } = context.req.valid('query')
		const object = documentOf(context.env, context.req.valid('param').id)
		const answer = await object.conversions(context.get('caller'), cursor ?? null, limit)
		if (answer.outcome === 'not_found') throw noSuchDocument()
		return context.json({ items: answer.items, nextCursor: answer.next === null ? null : String(answer.next) }, 200)
	})
	.openapi(live, async (context) => {
		const settings = settingsOf(context.env)
		const { raw } = context.req
		const ticket = ticketIn(raw)
		// The object trusts these headers, so the request to it is made anew and carries nothing of the caller's.
		const headers = new Headers({ Upgrade: 'websocket' })
		if (ticket === null) headers.set('x-platen-caller', callerHeader(context.get('caller')))
		else headers.set('x-platen-ticket', ticket)
		if (raw.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
			throw new Refusal('upgrade_required', 'Connect with a WebSocket client.', { Upgrade: 'websocket' })
		}
		// Sockets know no CORS: any page may open one, and says whose it is.
		if (!isOriginAllowed(raw, settings.allowedOrigins)) {
			throw new Refusal('origin_refused', 'Sockets from this site are not taken. Add it to ALLOWED_ORIGINS.')
		}
		const object = documentOf(context.env, context.req.valid('param').id)
		const response = await object.fetch('https://document/live', { headers })
		if (response.status === 401) throw new Refusal('unauthorized', 'The ticket is used or too old. Get a fresh one.')
		if (response.status === 404) throw noSuchDocument()
		return response
	})

/** A command as the document understands it. */
function commandOf(
	asked: ConversionCommand,
	{ maxRetries, retryPolicy }: Settings,
	maxPriority: Priority,
	sealedPassword: string | null,
): Command {
	const jobId = crypto.randomUUID()
	switch (asked.action) {
		case 'start':
			return {
				type: 'start',
				jobId,
				priority: asked.priority,
				maxPriority,
				maxRetries: asked.maxRetries ?? maxRetries,
				retryPolicy,
				options: asked.options,
				onActive: asked.onActive,
				forceReconvert: asked.forceReconvert,
				sealedPassword,
			}
		case 'retry':
			return {
				type: 'retry',
				jobId,
				priority: asked.priority ?? null,
				maxPriority,
				maxRetries: asked.maxRetries ?? null,
				options: asked.options ?? null,
				sealedPassword,
			}
		case 'cancel':
			return { type: 'cancel' }
	}
}

function refusalOf(outcome: Exclude<CommandAnswer, { snapshot: Snapshot }>['outcome']): Refusal {
	switch (outcome) {
		case 'not_found':
			return noSuchDocument()
		case 'active':
			return new Refusal('conversion_active', 'Wait until it has ended, cancel it, or start with onActive: replace.')
		case 'nothing_to_retry':
			return new Refusal(
				'nothing_to_retry',
				'Only a failed or cancelled conversion can be tried again. Start a new one.',
			)
		case 'options_differ':
			return new Refusal('options_differ', 'Leave the options out, or start a new conversion with them.')
		case 'key_reused':
			return new Refusal('key_reused', 'Another command was sent with this key. Use a key of its own for each.')
	}
}

async function newsOf(env: ApiEnv, id: string, caller: Caller, since: number, wait: number): Promise<Snapshot | null> {
	const answer = await awaitNews(documentOf(env, id), caller, since, wait)
	return answer.outcome === 'found' ? answer.snapshot : null
}

async function snapshotFor(asking: Asking, id: string, caller: Caller, floor: number): Promise<Snapshot | null> {
	const standing = await looks.of(asking, id, caller, 'read', floor)
	return standing && snapshotIn(standing)
}

/** Whose document it would be that waits; null when that is nothing to this caller. */
async function ownerFor(asking: Asking, id: string, caller: Caller): Promise<Owner | null> {
	// Whoever was not let in to it has it, or will be told that it is not there.
	if (!caller.documents) return { tenant: caller.tenant, sub: caller.sub }
	return (await looks.of(asking, id, caller, 'manage', 0))?.owner ?? null
}

/** One that is active waits already, or has its turn: a start adds nobody. */
async function isActive(asking: Asking, id: string, caller: Caller): Promise<boolean> {
	const status = (await looks.of(asking, id, caller, 'manage', 0))?.status
	return status === 'queued' || status === 'processing'
}
