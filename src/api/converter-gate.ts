/**
 * All that a built-in converter can reach: the next document, its source, and a place for the result. Somebody's own
 * converters come by `routes/converter.ts`.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { z } from 'zod'
import { BUILT_IN_FORMATS } from '../core/format.ts'
import {
	type Claim,
	claimantSchema,
	claimSchema,
	type Finished,
	failSchema,
	finishSchema,
	holderSchema,
	type Lease,
	leaverSchema,
	openedSchema,
	reportSchema,
	type Verdict,
} from '../core/gate.ts'
import { Gate } from './gate/gate.ts'
import { lineupOf } from './objects.ts'

/** Converters of the first release say only whether they were nudged; both are at work during a deploy. */
const anyClaimantSchema = claimantSchema.or(
	z.boolean().transform((nudged) => ({ converter: 'of the first release', nudged })),
)

export class ConverterGate extends WorkerEntrypoint<ApiEnv> {
	/** Answers, so that a converter can tell whether it is connected. */
	async ping(): Promise<'pong'> {
		return 'pong'
	}

	/** The document that is next in line, or null when nobody waits. */
	async claim(input: unknown): Promise<Claim | null> {
		return await this.#gate().claim(anyClaimantSchema.parse(input))
	}

	/** A converter's time is up, though somebody may still wait. */
	async leave(input: unknown): Promise<void> {
		await lineupOf(this.env).leave(leaverSchema.parse(input))
	}

	/** A nudge found a converter that is at work already. */
	async handBack(): Promise<void> {
		await lineupOf(this.env).handBack()
	}

	/** Some pages of a claimed document, or null when it has none to give just now. */
	async lease(input: unknown): Promise<Lease | null> {
		return await this.#gate().lease(claimSchema.parse(input))
	}

	/** The uploaded file; null when the lease is not current. A file that is gone ends the lease. */
	async source(input: unknown): Promise<ReadableStream<Uint8Array> | null> {
		return (await this.#gate().source(holderSchema.parse(input)))?.body ?? null
	}

	async opened(input: unknown): Promise<Verdict> {
		return await this.#gate().opened(openedSchema.parse(input))
	}

	async report(input: unknown): Promise<Verdict> {
		return await this.#gate().report(reportSchema.parse(input))
	}

	/**
	 * Stores a pack, then makes its pages the document's.
	 *
	 * @param body the pack, exactly as long as `pack.length` says; null when there is none
	 */
	async finish(input: unknown, body: ReadableStream<Uint8Array> | null): Promise<Finished> {
		return await this.#gate().finish(finishSchema.parse(input), body)
	}

	/** Gives a lease up. */
	async fail(input: unknown): Promise<Verdict> {
		return await this.#gate().fail(failSchema.parse(input))
	}

	#gate(): Gate {
		return new Gate(this.env, BUILT_IN_FORMATS)
	}
}
