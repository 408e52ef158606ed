/** Where an owner wants to be told of what happens: one endpoint, for all documents. */
import { type Context, Hono } from 'hono'
import { mayOwn, type Owner } from '../../core/access.ts'
import {
	putWebhookSchema,
	type Webhook,
	type WebhookAttempt,
	type WebhookWithSecret,
	webhookCommandSchema,
} from '../../core/webhook.ts'
import { within } from '../../deadline.ts'
import { settingsOf } from '../env.ts'
import { Refusal } from '../problem.ts'
import { checkAddress } from '../webhook/address.ts'
import { sendTo } from '../webhook/deliver.ts'
import { type Endpoint, Endpoints } from '../webhook/endpoints.ts'
import { freshSecrets, previousUntil, rotated, type Secrets, sealSecrets, unsealSecrets } from '../webhook/secrets.ts'
import { type AppEnv, callerOf, parseBody } from './context.ts'

/** Milliseconds. */
const DEADLINE = 5_000

/** Secrets come along, and what is set is to be seen at once. */
const NOT_KEPT = { 'Cache-Control': 'no-store' }

export const webhookRoutes = new Hono<AppEnv>()
	.put('/', async (context) => {
		const owner = await ownerOf(context)
		const { url: given } = await parseBody(context, putWebhookSchema)
		const settings = settingsOf(context.env)
		const address = checkAddress(given, settings.webhookAllowLocal)
		if (!address.isAllowed) throw new Refusal('malformed', `url: ${address.why}.`)
		const secrets = freshSecrets()
		const sealed = await sealSecrets(secrets, owner, settings)
		const endpoint = await within(
			DEADLINE,
			new Endpoints(context.env.HISTORY).put(owner, address.url, sealed, Date.now()),
		)
		const isNew = endpoint.secrets === sealed
		if (isNew) return context.json(shownWith(endpoint, secrets), 201, NOT_KEPT)
		return context.json(await shown(context, owner, endpoint), 200, NOT_KEPT)
	})
	.get('/', async (context) => {
		const owner = await ownerOf(context)
		return context.json(await shown(context, owner, await endpointOf(context, owner)), 200, NOT_KEPT)
	})
	.post('/', async (context) => {
		const owner = await ownerOf(context)
		const { action } = await parseBody(context, webhookCommandSchema)
		const endpoint = await endpointOf(context, owner)
		switch (action) {
			case 'rotate':
				return context.json(await rotate(context, owner, endpoint), 200, NOT_KEPT)
			case 'test':
				return context.json(await tryOut(context, owner, endpoint), 200, NOT_KEPT)
		}
	})
	.delete('/', async (context) => {
		const owner = await ownerOf(context)
		const isDeleted = await within(DEADLINE, new Endpoints(context.env.HISTORY).delete(owner))
		if (!isDeleted) throw noWebhook()
		return context.body(null, 204)
	})

async function rotate(context: Context<AppEnv>, owner: Owner, endpoint: Endpoint): Promise<WebhookWithSecret> {
	const settings = settingsOf(context.env)
	const now = Date.now()
	const before = await unsealSecrets(endpoint.secrets, owner, settings)
	const secrets = before ? rotated(before, now) : freshSecrets()
	const sealed = await sealSecrets(secrets, owner, settings)
	const endpoints = new Endpoints(context.env.HISTORY)
	const changed = await within(DEADLINE, endpoints.replaceSecrets(owner, endpoint.secrets, sealed, now))
	if (!changed) throw new Refusal('conflict', 'The webhook was changed at the same moment. Look at it and try again.')
	return shownWith(changed, secrets)
}

async function tryOut(context: Context<AppEnv>, owner: Owner, endpoint: Endpoint): Promise<WebhookAttempt> {
	const data = { message: 'This is a test. Nothing has happened to any document.' }
	const body = JSON.stringify({ type: 'test', timestamp: new Date().toISOString(), data })
	const sent = await sendTo(context.env, owner, endpoint, `msg_test_${crypto.randomUUID()}`, body)
	if (!sent) throw new Refusal('conflict', 'The secret of this webhook cannot be read any more. Rotate it.')
	const { delivered, status, reason } = sent
	return { delivered, status, reason }
}

/** Tokens for single documents own nothing, so nobody is told of it. */
async function ownerOf(context: Context<AppEnv>): Promise<Owner> {
	const caller = await callerOf(context)
	if (!mayOwn(caller)) {
		throw new Refusal('not_found', 'This token is for reading some documents, not for setting up a webhook.')
	}
	return { tenant: caller.tenant, sub: caller.sub }
}

async function endpointOf(context: Context<AppEnv>, owner: Owner): Promise<Endpoint> {
	const endpoint = await within(DEADLINE, new Endpoints(context.env.HISTORY).of(owner))
	if (!endpoint) throw noWebhook()
	return endpoint
}

function noWebhook(): Refusal {
	return new Refusal('not_found', 'You have no webhook. Set one up with PUT.')
}

async function shown(context: Context<AppEnv>, owner: Owner, endpoint: Endpoint): Promise<Webhook> {
	return viewOf(endpoint, await unsealSecrets(endpoint.secrets, owner, settingsOf(context.env)))
}

function shownWith(endpoint: Endpoint, secrets: Secrets): WebhookWithSecret {
	return { ...viewOf(endpoint, secrets), secret: secrets.current }
}

function viewOf(endpoint: Endpoint, secrets: Secrets | null): Webhook {
	const { url, createdAt, updatedAt, disabledAt, disabledReason } = endpoint
	return {
		url,
		createdAt: iso(createdAt),
		updatedAt: iso(updatedAt),
		previousSecretUntil: isoOrNull(secrets && previousUntil(secrets, Date.now())),
		disabledAt: isoOrNull(disabledAt),
		disabledReason,
	}
}

function iso(time: number): string {
	return new Date(time).toISOString()
}

function isoOrNull(time: number | null): string | null {
	return time === null ? null : iso(time)
}
