/** Somebody's own converter: takes documents that nobody here can convert, and gives back pages. */
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { z } from 'zod'
import type { Caller } from '../../core/access.ts'
import type { Lease } from '../../core/gate.ts'
import {
	type OwnFinished,
	type OwnLease,
	ownClaimedSchema,
	ownClaimSchema,
	ownFailSchema,
	ownFinishedSchema,
	ownFinishSchema,
	ownReportSchema,
	ownVerdictSchema,
} from '../../core/own-converter.ts'
import { settingsOf } from '../env.ts'
import { checkPages, packOf, readDelivery } from '../gate/delivery.ts'
import { Gate } from '../gate/gate.ts'
import { SourceAddresses } from '../gate/source-address.ts'
import { bytes, json, publicRefusals, refusals } from '../http/answers.ts'
import { type AppEnv, newApp } from '../http/app.ts'
import { converters, jsonBody } from '../http/guards.ts'
import { Refusal } from '../problem.ts'

/** Whoever waits looks this often. Milliseconds. */
const ASKS_EVERY = 1_000
/** What the lineup knows of a document may be a moment old, so a claim may find nothing there and go to the next. */
const TRIES = 3

const tags = ['converters']
const security = [{ bearer: [] }]

function body<S extends z.ZodType>(schema: S) {
	return { body: { required: true, content: { 'application/json': { schema } } } } as const
}

const claim = createRoute({
	method: 'post',
	path: '/claim',
	operationId: 'claimDocument',
	summary: 'Some pages of the document that is next',
	description: 'With `wait`, a claim that finds nobody is answered when that changes: then claim again, at once.',
	tags,
	security,
	middleware: [converters, jsonBody] as const,
	request: body(ownClaimSchema),
	responses: {
		200: json('They are this converter’s, for 30 seconds from its last word', ownClaimedSchema),
		204: { description: 'Nobody needs it just now, or nobody did when the wait began' },
		...refusals('forbidden', 'format_not_taken', 'too_large'),
	},
})

const report = createRoute({
	method: 'post',
	path: '/report',
	operationId: 'reportProgress',
	summary: 'How far it is; each word renews the lease',
	tags,
	security,
	middleware: [converters, jsonBody] as const,
	request: body(ownReportSchema),
	responses: {
		200: json('Whether to go on; `stop`: the lease is over, and nothing done under it counts', ownVerdictSchema),
		...refusals('forbidden', 'too_large'),
	},
})

/** What is an object in a form is JSON. */
const { $schema: _, ...finishInForm } = z.toJSONSchema(ownFinishSchema, { io: 'input' })
const reportInForm: object = finishInForm

const finish = createRoute({
	method: 'post',
	path: '/finish',
	operationId: 'finishPages',
	summary: 'Pages, as files of a form',
	description:
		'For each page there is a file `image-N` (PNG or WebP), and if you like `thumbnail-N` (otherwise the image is shown smaller) and `text-N` (UTF-8). The same once more is answered as before.',
	tags,
	security,
	middleware: converters,
	request: {
		// Read by hand, so that what is wrong can be said page by page.
		body: {
			required: true,
			content: {
				'multipart/form-data': {
					schema: { type: 'object', required: ['report'], properties: { report: reportInForm } },
				},
			},
		},
	},
	responses: {
		200: json('Whether it counts, and what is next', ownFinishedSchema),
		...refusals('forbidden', 'empty_upload', 'incomplete_upload', 'length_required', 'too_large'),
	},
})

const fail = createRoute({
	method: 'post',
	path: '/fail',
	operationId: 'giveUp',
	summary: 'Gives the pages back: they cannot be converted, or not now',
	tags,
	security,
	middleware: [converters, jsonBody] as const,
	request: body(ownFailSchema),
	responses: {
		200: json('`stop`: the lease was over already', ownVerdictSchema),
		...refusals('forbidden', 'too_large'),
	},
})

const source = createRoute({
	method: 'get',
	path: '/source/{documentId}/{fence}',
	operationId: 'getLeasedSource',
	summary: 'The uploaded file; the address is the pass, as long as the lease is current',
	tags,
	security: [],
	request: {
		params: z.object({ documentId: z.string(), fence: z.string() }),
		query: z.object({ expires: z.string().optional(), signature: z.string().optional() }),
	},
	responses: {
		200: bytes('The file as it was uploaded', '*/*'),
		...publicRefusals('malformed', 'not_found', 'internal', 'unavailable'),
	},
})

export const converterRoutes = newApp()
	.openapi(claim, async (context) => {
		const { converter, formats, wait } = context.req.valid('json')
		const unknown = formats.find((format) => !settingsOf(context.env).ownFormats.includes(format))
		if (unknown !== undefined) {
			const detail = `formats: ${unknown} is not taken here. Whoever runs the service can add it to OWN_CONVERTER_TYPES.`
			throw new Refusal('format_not_taken', detail)
		}
		const gate = new Gate(context.env, formats)
		const name = nameOf(context.get('caller'), converter)
		const lease = await leaseOf(gate, name)
		if (!lease) {
			await untilNeeded(gate, wait * 1_000)
			return context.body(null, 204)
		}
		return context.json({ lease: addressed(context, lease) }, 200, { 'Cache-Control': 'no-store' })
	})
	.openapi(report, async (context) => {
		const { pageCount, ...reported } = context.req.valid('json')
		const gate = gateOf(context)
		if (pageCount !== undefined && (await gate.opened({ ...reported, pageCount })) === 'stop') {
			return context.json({ verdict: 'stop' } as const, 200)
		}
		return context.json({ verdict: await gate.report(reported) }, 200)
	})
	.openapi(finish, async (context) => {
		const delivery = await readDelivery(context.req.raw)
		const { documentId, fence, pageCount, failed, more } = delivery.finish
		const gate = gateOf(context)
		const lease = await gate.held({ documentId, fence })
		if (lease) {
			checkPages(delivery, lease.pages)
			if (lease.pageCount === null && pageCount === undefined) {
				throw new Refusal('malformed', 'report.pageCount: say how many pages the document has, here or in a report.')
			}
		}
		if (pageCount !== undefined && lease?.pageCount === null) await gate.opened({ documentId, fence, pageCount })
		const pack = packOf(delivery)
		const through = delivery.finish.through ?? lease?.pages.last ?? delivery.pages.at(-1)?.page ?? 1
		const described = pack && { index: pack.index, digest: pack.digest, length: pack.length }
		const said = { documentId, fence, through, failed, pack: described, more }
		// Under a lease that is over nothing is stored; the same finish again finds its pack there.
		const finished = lease ? await gate.finish(said, pack && streamOf(pack.chunks())) : await gate.settle(said)
		return context.json(answerOf(context, finished === 'gone' ? { verdict: 'stop' } : finished), 200, {
			'Cache-Control': 'no-store',
		})
	})
	.openapi(fail, async (context) => {
		return context.json({ verdict: await gateOf(context).fail(context.req.valid('json')) }, 200)
	})
	.openapi(source, async (context) => {
		const addresses = new SourceAddresses(settingsOf(context.env).secrets)
		const holder = addresses.verify(context.req.valid('param'), context.req.valid('query'), Date.now())
		const file = holder && (await gateOf(context).source(holder))
		if (!file) throw new Refusal('not_found', 'The lease of this address is over, or the file is gone. Claim again.')
		return new Response(file.body, {
			headers: {
				'Content-Type': file.httpMetadata?.contentType ?? 'application/octet-stream',
				'Content-Length': String(file.size),
				// Whatever was uploaded, it is none of our pages.
				'Content-Disposition': 'attachment',
				'Cache-Control': 'no-store',
			},
		})
	})

/** Who has a lease may speak under it, whatever it can convert else. */
function gateOf(context: Context<AppEnv>): Gate {
	return new Gate(context.env, settingsOf(context.env).ownFormats)
}

/** Two teams may give the same name to their converters. */
function nameOf({ tenant, sub }: Caller, converter: string): string {
	return JSON.stringify([tenant, sub, converter])
}

/**
 * Waits for somebody who needs a converter, and takes nothing: the one that waits may be gone by then without our knowing,
 * and pages that were given to it would wait for it in vain.
 */
async function untilNeeded(gate: Gate, milliseconds: number): Promise<void> {
	const endsAt = Date.now() + milliseconds
	for (let left = milliseconds; left > 0; left = endsAt - Date.now()) {
		await scheduler.wait(Math.min(ASKS_EVERY, left))
		if (await gate.isNeeded()) return
	}
}

async function leaseOf(gate: Gate, converter: string): Promise<Lease | null> {
	for (let tries = 0; tries < TRIES; tries++) {
		const claimed = await gate.claim({ converter, nudged: false })
		if (!claimed) return null
		const lease = await gate.lease(claimed)
		if (lease) return lease
	}
	return null
}

function addressed(context: Context<AppEnv>, lease: Lease): OwnLease {
	const url = new SourceAddresses(settingsOf(context.env).secrets).sign(lease, Date.now())
	return { ...lease, source: { ...lease.source, url } }
}

function answerOf(context: Context<AppEnv>, finished: Awaited<ReturnType<Gate['finish']>>): OwnFinished {
	if (finished.verdict !== 'go on') return finished
	return { verdict: 'go on', next: finished.next && addressed(context, finished.next) }
}

function streamOf(pieces: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
	const left = [...pieces].filter((piece) => piece.byteLength > 0).values()
	return new ReadableStream({
		pull(controller) {
			const { done, value } = left.next()
			if (done) controller.close()
			else controller.enqueue(value)
		},
	})
}
