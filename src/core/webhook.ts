/**
 * What passes between the service and an owner's webhook: the routes that set it up, and what it is sent.
 *
 * Headers and signatures are those of Standard Webhooks, https://www.standardwebhooks.com (read November 2026).
 */
import { z } from 'zod'
import { snapshotSchema } from './snapshot.ts'

/** What an endpoint is told of a document. Events may be added, none changes its meaning. */
export const conversionEventSchema = z.enum([
	'conversion.first_page',
	'conversion.completed',
	'conversion.failed',
	'conversion.cancelled',
])
export type ConversionEvent = z.infer<typeof conversionEventSchema>

/** The most that a body has, in bytes, as Standard Webhooks advises. */
export const MAX_WEBHOOK_BODY = 20 * 1024

/** The body of a call. */
export const webhookMessageSchema = z.discriminatedUnion('type', [
	z.object({
		type: conversionEventSchema,
		/** When it happened, whenever it is told. */
		timestamp: z.iso.datetime(),
		/** How things stand as it is sent; `readyPages` is null when it is too long to be sent. */
		data: snapshotSchema.extend({ readyPages: z.string().nullable() }),
	}),
	z.object({
		/** Somebody tries the endpoint out. */
		type: z.literal('test'),
		timestamp: z.iso.datetime(),
		data: z.object({ message: z.string() }),
	}),
])
export type WebhookMessage = z.infer<typeof webhookMessageSchema>

/** The `webhook-id` of an event: the same however often it is told, and another for each job, also of one document. */
export function messageId(jobId: string, event: ConversionEvent): string {
	// A dot would not do: what is signed is `id.timestamp.body`.
	return `msg_${jobId}_${event.slice('conversion.'.length)}`
}

export const putWebhookSchema = z
	.object({
		url: z.string().min(1).max(2_000).meta({
			format: 'uri',
			pattern: '^https://',
			description: 'A public address on port 443, without name and password.',
		}),
	})
	.meta({ id: 'WebhookRequest' })

export const webhookCommandSchema = z.object({ action: z.enum(['rotate', 'test']) }).meta({ id: 'WebhookCommand' })

export const webhookSchema = z
	.object({
		url: z.string(),
		createdAt: z.iso.datetime(),
		updatedAt: z.iso.datetime(),
		/** Until when calls are signed by the secret before the current one, too; null when there is none in force. */
		previousSecretUntil: z.iso.datetime().nullable(),
		/** Since when it is not called any more, and why: `gone` when it answered 410. */
		disabledAt: z.iso.datetime().nullable(),
		disabledReason: z.enum(['gone']).nullable(),
	})
	.meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof webhookSchema>

/** The secret is shown when it is made, and never again. */
export const webhookWithSecretSchema = webhookSchema.extend({ secret: z.string() }).meta({ id: 'WebhookWithSecret' })
export type WebhookWithSecret = z.infer<typeof webhookWithSecretSchema>

/** What came of a call. */
export const webhookAttemptSchema = z
	.object({
		delivered: z.boolean(),
		/** What the endpoint answered; null when it did not. */
		status: z.int().nullable(),
		/** Null when it was delivered. */
		reason: z.enum(['not_taken', 'redirected', 'gone', 'timed_out', 'unreachable', 'address_refused']).nullable(),
	})
	.meta({ id: 'WebhookAttempt' })
export type WebhookAttempt = z.infer<typeof webhookAttemptSchema>
