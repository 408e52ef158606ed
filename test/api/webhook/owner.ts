/** Somebody with a webhook at the receiver, and what came there. */
import { Webhook as Verifier } from 'standardwebhooks'
import { expect, inject } from 'vitest'
import type { Lease } from '../../../src/core/gate.ts'
import type { Snapshot } from '../../../src/core/snapshot.ts'
import {
	type Webhook,
	type WebhookMessage,
	type WebhookWithSecret,
	webhookMessageSchema,
	webhookSchema,
	webhookWithSecretSchema,
} from '../../../src/core/webhook.ts'
import { call, gate, tokenFor } from '../service.ts'
import type { ReceivedCall, Step } from './receiver.ts'

const receiver = inject('receiver')

export interface Told {
	id: string
	/** How many signatures it carries. */
	signatures: number
	message: WebhookMessage
}

export class Owner {
	readonly name = `o-${crypto.randomUUID()}`
	readonly token: string

	private constructor(token: string) {
		this.token = token
	}

	/** Each test has owners of its own. */
	static async begin(claims: Record<string, unknown> = {}): Promise<Owner> {
		return new Owner(await tokenFor({ sub: crypto.randomUUID(), ...claims }, { expires: '60d' }))
	}

	/** Where this owner is to be called. */
	get url(): string {
		return `${receiver}/hook/${this.name}?key=secret-in-the-query`
	}

	ask(method: string, body?: object): Promise<Response> {
		return call('/api/webhook', { method, token: this.token, body: body ? JSON.stringify(body) : null })
	}

	async sets(url = this.url): Promise<WebhookWithSecret> {
		const response = await this.ask('PUT', { url })
		expect(response.status).toBe(201)
		return webhookWithSecretSchema.parse(await response.json())
	}

	async sees(): Promise<Webhook> {
		return webhookSchema.parse(await (await this.ask('GET')).json())
	}

	async rotates(): Promise<WebhookWithSecret> {
		return webhookWithSecretSchema.parse(await (await this.ask('POST', { action: 'rotate' })).json())
	}

	/** How the next calls are answered. */
	async answers(...steps: Step[]): Promise<void> {
		await fetch(`${receiver}/script/${this.name}`, { method: 'PUT', body: JSON.stringify(steps) })
	}

	async calls(): Promise<ReceivedCall[]> {
		return await (await fetch(`${receiver}/calls/${this.name}`)).json<ReceivedCall[]>()
	}

	/** What came, as the endpoint's own library sees it. @throws Error when a signature is not good */
	async told(secret: string): Promise<Told[]> {
		return (await this.calls()).map(({ body, headers }) => ({
			id: headers['webhook-id'] ?? '',
			signatures: headers['webhook-signature']?.split(' ').length ?? 0,
			message: webhookMessageSchema.parse(new Verifier(secret).verify(body, headers)),
		}))
	}
}

/** The first page of a document, leased and opened by a converter. */
export async function opened({ documentId, jobId }: Snapshot, pageCount: number): Promise<Lease> {
	const lease = await gate.lease({ documentId, jobId })
	if (!lease) throw new Error('there was nothing to lease')
	await gate.opened({ documentId, fence: lease.fence, pageCount })
	return lease
}
