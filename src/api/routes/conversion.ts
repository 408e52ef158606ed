/** A document's conversion: status, commands, live progress. */
import { Hono } from 'hono'
import { maxPriorityOf } from '../../core/access.ts'
import type { Command } from '../../core/job/event.ts'
import {
	type ConversionCommand,
	conversionCommandSchema,
	SOCKET_PROTOCOL,
	statusQuerySchema,
	TICKET_PROTOCOL_PREFIX,
} from '../../core/protocol.ts'
import type { Priority, Snapshot } from '../../core/snapshot.ts'
import type { CommandAnswer } from '../document/object.ts'
import { type Settings, settingsOf } from '../env.ts'
import { fingerprintOf } from '../idempotency.ts'
import { awaitNews } from '../long-poll.ts'
import { documentOf } from '../objects.ts'
import { Refusal } from '../problem.ts'
import { type AppEnv, callerOf, documentIdOf, idempotencyKeyOf, noSuchDocument, parse, parseBody } from './context.ts'

export const conversionRoutes = new Hono<AppEnv>()
	.get('/:id/conversion-status', async (context) => {
		const caller = await callerOf(context)
		const { since, wait } = parse(statusQuerySchema, context.req.query(), 'query')
		const object = documentOf(context.env, documentIdOf(context))
		const answer =
			since !== undefined && wait ? await awaitNews(object, caller, since, wait) : await object.status(caller)
		if (answer.outcome === 'not_found') throw noSuchDocument()
		const { snapshot } = answer
		const headers = { ETag: etagOf(snapshot), 'Cache-Control': 'private, no-cache' }
		if (context.req.header('If-None-Match') === headers.ETag) return context.body(null, 304, headers)
		return context.json(snapshot, 200, headers)
	})
	.post('/:id/conversion-status', async (context) => {
		const caller = await callerOf(context)
		const id = documentIdOf(context)
		const key = idempotencyKeyOf(context)
		const asked = await parseBody(context, conversionCommandSchema)
		const command = commandOf(asked, settingsOf(context.env), maxPriorityOf(caller))
		const request = key === null ? null : { key, fingerprint: fingerprintOf(asked) }
		const answer = await documentOf(context.env, id).command(caller, command, request)
		if (!('snapshot' in answer)) throw refusalOf(answer.outcome)
		return context.json(answer.snapshot, answer.outcome === 'accepted' ? 202 : 200)
	})
	.post('/:id/conversion-ticket', async (context) => {
		const caller = await callerOf(context)
		const answer = await documentOf(context.env, documentIdOf(context)).ticket(caller)
		if (answer.outcome === 'not_found') throw noSuchDocument()
		return context.json({ ticket: answer.ticket, expiresAt: new Date(answer.expiresAt).toISOString() }, 201, {
			'Cache-Control': 'no-store',
		})
	})
	.get('/:id/conversion-live', async (context) => {
		const id = documentIdOf(context)
		if (context.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
			throw new Refusal('upgrade_required', 'Connect with a WebSocket client.', { Upgrade: 'websocket' })
		}
		const protocols = (context.req.header('Sec-WebSocket-Protocol') ?? '').split(',').map((part) => part.trim())
		const ticket = protocols.find((protocol) => protocol.startsWith(TICKET_PROTOCOL_PREFIX))
		// The object trusts these headers, so the request to it is made anew and carries nothing of the caller's.
		const headers = new Headers({ Upgrade: 'websocket' })
		if (ticket && protocols.includes(SOCKET_PROTOCOL)) {
			headers.set('x-platen-ticket', ticket.slice(TICKET_PROTOCOL_PREFIX.length))
		} else {
			headers.set('x-platen-caller', JSON.stringify(await callerOf(context)))
		}
		const response = await documentOf(context.env, id).fetch('https://document/live', { headers })
		if (response.status === 401) throw new Refusal('unauthorized', 'The ticket is used or too old. Get a fresh one.')
		if (response.status === 404) throw noSuchDocument()
		return response
	})

/** A command as the document understands it. */
function commandOf(asked: ConversionCommand, { maxRetries, retryPolicy }: Settings, maxPriority: Priority): Command {
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
			}
		case 'retry':
			return {
				type: 'retry',
				jobId,
				priority: asked.priority ?? null,
				maxPriority,
				maxRetries: asked.maxRetries ?? null,
				options: asked.options ?? null,
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

function etagOf(snapshot: Snapshot): string {
	return `"${snapshot.version}"`
}
