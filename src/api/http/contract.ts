/** The OpenAPI document: made of the very routes that answer, so it cannot say anything else. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { version } from '../../../package.json'
import { conversionOptionsSchema } from '../../core/options.ts'
import { webhookMessageSchema } from '../../core/webhook.ts'
import type { AppEnv } from './app.ts'

const tags = [
	{ name: 'documents', description: 'Uploading, listing, erasing' },
	{ name: 'conversions', description: 'Starting, following, ending a conversion' },
	{ name: 'pages', description: 'Images, thumbnails and texts' },
	{ name: 'webhooks', description: 'Being called when something has happened' },
	{ name: 'operations', description: 'For those who run the service' },
	{ name: 'service', description: 'The service itself; no token is needed' },
]

/** Made once an isolate: it takes some milliseconds. */
export function contractOf(app: OpenAPIHono<AppEnv>): object {
	// Described by itself first: else the default that a command has for it would stand in the component.
	app.openAPIRegistry.register('ConversionOptions', conversionOptionsSchema)
	app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
		type: 'http',
		scheme: 'bearer',
		bearerFormat: 'JWT',
		description: 'Signed with AUTH_JWT_SECRET (HS256), or by the identity provider of AUTH_JWKS_URL.',
	})
	app.openAPIRegistry.registerComponent('securitySchemes', 'ticket', {
		type: 'apiKey',
		in: 'header',
		name: 'Sec-WebSocket-Protocol',
		description: 'A ticket as a subprotocol, beside `platen.v1`: `ticket.<ticket>`. It works once.',
	})
	app.openAPIRegistry.registerWebhook({
		method: 'post',
		path: 'conversion',
		operationId: 'onConversion',
		summary: 'The first page is there, or the conversion has ended',
		tags: ['webhooks'],
		security: [],
		request: { body: { required: true, content: { 'application/json': { schema: webhookMessageSchema } } } },
		responses: { 204: { description: 'Taken; anything but 2xx is told again' } },
	})
	return app.getOpenAPI31Document({
		openapi: '3.1.1',
		info: {
			title: 'Platen',
			version,
			description:
				'Turns documents into pages. Times are ISO 8601 UTC, durations milliseconds. Refusals are RFC 9457 problem documents with a stable `code`. What is not yours is 404.',
		},
		servers: [{ url: '/' }],
		tags,
	})
}
