/** A document's conversion: status, start, live progress. */
import { Hono } from 'hono'
import { SOCKET_PROTOCOL, startCommandSchema, TICKET_PROTOCOL_PREFIX } from '../../core/protocol.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import { documentOf } from '../document/object.ts'
import { Refusal } from '../problem.ts'
import { type AppEnv, callerOf, documentIdOf, noSuchDocument, parseBody } from './context.ts'

export const conversionRoutes = new Hono<AppEnv>()
	.get('/:id/conversion-status', async (context) => {
		const caller = await callerOf(context)
		const answer = await documentOf(context.env, documentIdOf(context)).status(caller)
		if (answer.outcome === 'not_found') throw noSuchDocument()
		const { snapshot } = answer
		const headers = { ETag: etagOf(snapshot), 'Cache-Control': 'private, no-cache' }
		if (context.req.header('If-None-Match') === headers.ETag) return context.body(null, 304, headers)
		return context.json(snapshot, 200, headers)
	})
	.post('/:id/conversion-status', async (context) => {
		const caller = await callerOf(context)
		const id = documentIdOf(context)
		const { action: _, ...command } = await parseBody(context, startCommandSchema)
		const answer = await documentOf(context.env, id).start(caller, { jobId: crypto.randomUUID(), ...command })
		if (answer.outcome === 'not_found') throw noSuchDocument()
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

function etagOf(snapshot: Snapshot): string {
	return `"${snapshot.version}"`
}
