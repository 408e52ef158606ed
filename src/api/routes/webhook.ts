/** Where an owner wants to be told of what happens: one endpoint, for all documents. */
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { z } from 'zod'
import type { Owner } from '../../core/access.ts'
import {
	putWebhookSchema,
	type Webhook,
	type WebhookAttempt,
	type WebhookWithSecret,
	webhookAttemptSchema,
	webhookCommandSchema,
	webhookSchema,
	webhookWithSecretSchema,
} from '../../core/webhook.ts'
import { within } from '../../deadline.ts'
import { settingsOf } from '../env.ts'
import { json, refusals } from '../http/answers.ts'
import { type AppEnv, newApp } from '../http/app.ts'
import { jsonBody, owners } from '../http/guards.ts'
import { Refusal } from '../problem.ts'
import { checkAddress } from '../webhook/address.ts'
import { sendTo } from '../webhook/deliver.ts'
import { type Endpoint, Endpoints } from '../webhook/endpoints.ts'
import { freshSecrets, previousUntil, rotated, type Secrets, sealSecrets, unsealSecrets } from '../webhook/secrets.ts'

/** Milliseconds. */
const DEADLINE = 5_000

/** Secrets come along, and what is set is to be seen at once. */
const NOT_KEPT = { 'Cache-Control': 'no-store' }

const tags = ['webhooks']
const security = [{ bearer: [] }]

const put = createRoute({
	method: 'put',
	path: '/',
	operationId: 'putWebhook',
	summary: 'Where you want to be called; the secret comes with the first answer only',
	tags,
	security,
	middleware: [owners, jsonBody] as const,
	request: { body: { required: true, content: { 'application/json': { schema: putWebhookSchema } } } },
	responses: {
		200: json('Another address for the same secret', webhookSchema),
		201: json('It is set up', webhookWithSecretSchema),
		...refusals('not_found', 'too_large'),
	},
})

const look = createRoute({
	method: 'get',
	path: '/',
	operationId: 'getWebhook',
	summary: 'Your webhook',
	tags,
	security,
	middleware: owners,
	responses: { 200: json('The webhook, without its secret', webhookSchema), ...refusals('not_found') },
})

const tell = createRoute({
	method: 'post',
	path: '/',
	operationId: 'commandWebhook',
	summary: 'Rotate the secret, or try the endpoint out',
	tags,
	security,
	middleware: [owners, jsonBody] as const,
	request: { body: { required: true, content: { 'application/json': { schema: webhookCommandSchema } } } },
	responses: {
		200: json(
			'With `rotate` the webhook with its new secret, with `test` what came of the call',
			z.union([webhookWithSecretSchema, webhookAttemptSchema]),
		),
		...refusals('not_found', 'conflict', 'too_large'),
	},
})

const remove = createRoute({
	method: 'delete',
	path: '/',
	operationId: 'deleteWebhook',
	summary: 'Be called no more',
	tags,
	security,
	middleware: owners,
	responses: { 204: { description: 'It is gone' }, ...refusals('not_found') },
})

export const webhookRoutes = newApp()
	.openapi(put, async (context) => {
		const owner = ownerOf(context)
		const { url: given } = context.req.valid('json')
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
	.openapi(look, async (context) => {
		const owner = ownerOf(context)
		return context.json(await shown(context, owner, await endpointOf(context, owner)), 200, NOT_KEPT)
	})
	.openapi(tell, async (context) => {
		const owner = ownerOf(context)
		const { action } = context.req.valid('json')
		const endpoint = await endpointOf(context, owner)
		switch (action) {
			case 'rotate':
				return context.json(await rotate(context, owner, endpoint), 200, NOT_KEPT)
			case 'test':
				return context.json(await tryOut(context, owner, endpoint), 200, NOT_KEPT)
		}
	})
	.openapi(remove, async (context) => {
		const owner = ownerOf(context)
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

function ownerOf(context: Context<AppEnv>): Owner {
	const { tenant, sub } = context.get('caller')
	return { tenant, sub }
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
