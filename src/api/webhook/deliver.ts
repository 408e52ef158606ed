/** Tells an owner's endpoint what has happened to a document: all that is due at once, and says what came of each. */
import type { Owner } from '../../core/access.ts'
import type { Call, CallAnswer } from '../../core/job/calls.ts'
import type { Conversion } from '../../core/job/job.ts'
import { snapshotOf } from '../../core/job/view.ts'
import { MAX_WEBHOOK_BODY, messageId, type WebhookMessage } from '../../core/webhook.ts'
import { within } from '../../deadline.ts'
import type { DocumentRecord } from '../document/store.ts'
import { settingsOf } from '../env.ts'
import { type Endpoint, Endpoints } from './endpoints.ts'
import { signedHeaders, unsealSecrets } from './secrets.ts'
import { type Sent, send } from './send.ts'

/** Milliseconds. */
const DATABASE_DEADLINE = 5_000

export interface Delivery {
	/** One for each call. */
	answers: CallAnswer[]
	/** Whether the owner still wants to be called. */
	hasWebhook: boolean
}

/** When nobody was called, for whatever reason. */
export function missed(calls: readonly Call[]): Delivery {
	return { answers: calls.map((call) => answerOf(call, null)), hasWebhook: true }
}

/**
 * @param jobOf gives a document's job by its number, as it is now
 * @throws Error when it cannot be found out whom to call
 */
export async function deliver(
	env: ApiEnv,
	document: DocumentRecord,
	calls: readonly Call[],
	jobOf: (number: number) => Conversion | null,
): Promise<Delivery> {
	const endpoints = new Endpoints(env.HISTORY)
	const endpoint = await within(DATABASE_DEADLINE, endpoints.of(document.owner))
	if (endpoint === null || endpoint.disabledAt !== null) return { ...missed(calls), hasWebhook: false }
	const sent = await Promise.all(
		calls.map(async (call) => {
			const message = messageOf(document, call, jobOf(call.number))
			const each = message && (await sendTo(env, document.owner, endpoint, message.id, message.body))
			if (!each?.delivered) report(endpoint, call, each)
			return { call, each }
		}),
	)
	const isGone = sent.some(({ each }) => each?.reason === 'gone')
	if (isGone) {
		await within(DATABASE_DEADLINE, endpoints.disable(document.owner, endpoint.url, Date.now()))
		console.warn('A webhook is gone and was disabled', { code: 'webhook_gone', host: hostOf(endpoint) })
	}
	return { answers: sent.map(({ call, each }) => answerOf(call, each)), hasWebhook: !isGone }
}

/** An event as it is told. @param about the job, as it is now; null when it is not there */
export function messageOf(
	document: DocumentRecord,
	call: Call,
	about: Conversion | null,
): { id: string; body: string } | null {
	if (!about?.job) return null
	const id = messageId(about.job.id, call.event)
	const data = snapshotOf(document, about)
	const message: WebhookMessage = { type: call.event, timestamp: new Date(call.at).toISOString(), data }
	const body = JSON.stringify(message)
	if (Buffer.byteLength(body) <= MAX_WEBHOOK_BODY) return { id, body }
	return { id, body: JSON.stringify({ ...message, data: { ...data, readyPages: null } }) }
}

function answerOf({ event, number }: Call, sent: Sent | null): CallAnswer {
	if (sent?.delivered) return { event, number, isDelivered: true }
	return { event, number, isDelivered: false, retryAfter: sent?.retryAfter ?? null }
}

/** @returns null when it could not even be signed */
export async function sendTo(
	env: ApiEnv,
	owner: Owner,
	{ url, secrets: sealed }: Endpoint,
	id: string,
	body: string,
): Promise<Sent | null> {
	const settings = settingsOf(env)
	const secrets = await unsealSecrets(sealed, owner, settings)
	return secrets && (await send(url, body, signedHeaders(id, body, secrets, Date.now()), settings.webhookAllowLocal))
}

/** An address may be a secret, so only its host is said. */
function report(endpoint: Endpoint, { event, tries }: Call, sent: Sent | null): void {
	const reason = sent === null ? 'secret_unreadable' : sent.reason
	const details = { host: hostOf(endpoint), event, tries: tries + 1, reason, status: sent?.status ?? null }
	console.info('A webhook was not told', { code: 'webhook_missed', ...details })
}

function hostOf({ url }: Endpoint): string {
	return URL.canParse(url) ? new URL(url).host : ''
}
