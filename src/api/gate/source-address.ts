/**
 * Signed addresses of uploaded files, for somebody's own converter. One stands for a document under a lease, and works
 * without a token as long as that lease is current: a converter may hand it to a program that knows nothing of tokens.
 */
import { z } from 'zod'
import { documentIdSchema, type Holder, holderSchema } from '../../core/gate.ts'
import { LONGEST_LEASE } from '../../core/job/rules/work.ts'
import { Signatures } from '../signature.ts'

export const SOURCE_PATH = '/api/converter/source'

export class SourceAddresses {
	readonly #signatures: Signatures

	/** @param secrets of the Worker, the current one first */
	constructor(secrets: readonly [current: string, previous?: string]) {
		this.#signatures = new Signatures(secrets, 'platen source addresses v1')
	}

	/** The path of an address, for a lease that begins now: no lease lasts longer than it. */
	sign({ documentId, fence }: Holder, now: number): string {
		const expires = Math.ceil((now + LONGEST_LEASE) / 1000)
		const signature = this.#signatures.sign(textOf({ documentId, fence }, expires))
		return `${SOURCE_PATH}/${documentId}/${fence}?expires=${expires}&signature=${signature}`
	}

	/** The lease that an address is for; null when it is not one of ours or has ended. */
	verify(path: { documentId: string; fence: string }, query: object, now: number): Holder | null {
		const parsed = addressSchema.safeParse({ ...path, ...query })
		if (!parsed.success) return null
		const { documentId, fence, expires, signature } = parsed.data
		if (!this.#signatures.isOurs(textOf({ documentId, fence }, expires), signature)) return null
		return expires * 1000 > now ? { documentId, fence } : null
	}
}

function textOf({ documentId, fence }: Holder, expires: number): string {
	return `${expires} ${documentId}/${fence}`
}

const digits = z
	.string()
	.regex(/^[1-9]\d{0,14}$/)
	.transform(Number)

const addressSchema = z.object({
	documentId: documentIdSchema,
	fence: digits.pipe(holderSchema.shape.fence),
	expires: digits,
	signature: z.base64url().transform((text) => Buffer.from(text, 'base64url')),
})
