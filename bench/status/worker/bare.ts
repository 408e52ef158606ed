/** What a status read is compared with: a Worker, and an object, that do nothing but answer a snapshot. */
import { DurableObject } from 'cloudflare:workers'
import { authenticate } from '../../../src/api/auth.ts'
import { type Settings, settingsOf } from '../../../src/api/env.ts'

interface BareEnv extends ApiEnv {
	BARE: DurableObjectNamespace<BareObject>
}

/** Keeps a snapshot in memory, as a document's object does its conversion. */
export class BareObject extends DurableObject<BareEnv> {
	read(): object {
		return snapshot
	}
}

const snapshot = {
	documentId: '6f1d6f0c-7d1b-4c52-9a43-0d9d6f6f3a11',
	externalId: null,
	jobId: '0b8f8b7e-52a4-4b69-8d0e-1a6f3f1a9c55',
	version: 2000,
	status: 'queued',
	stage: 'queued',
	progress: 0,
	message: 'Waiting for a converter',
	priority: 'normal',
	requestedPriority: 'normal',
	totalPages: null,
	processedPages: 0,
	readyPages: '',
	failedPages: [],
	failedPageCount: 0,
	retryCount: 0,
	maxRetries: 3,
	nextRetryAt: null,
	queuePosition: 1,
	estimatedTimeRemaining: null,
	estimatedCompletion: null,
	failure: null,
	createdAt: '2026-10-20T12:00:00.000Z',
	startedAt: null,
	firstPageAt: null,
	completedAt: null,
	updatedAt: '2026-10-20T12:00:00.000Z',
}

let settings: Settings | null = null

export default {
	async fetch(request, env): Promise<Response> {
		const [, what, name = ''] = new URL(request.url).pathname.split('/')
		if (what === 'worker') return Response.json(snapshot)
		settings ??= settingsOf(env)
		await authenticate(request, settings, Date.now())
		if (what === 'token') return Response.json(snapshot)
		return Response.json(await env.BARE.getByName(name).read())
	},
} satisfies ExportedHandler<BareEnv>
