/**
 * All that a converter can reach: the next document, its source, and a place for the result. Every call under a lease
 * names its fence, and is refused once another fence holds the pages.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { z } from 'zod'
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
import { settingsOf } from './env.ts'
import { packKey, sourceKey } from './files.ts'
import { documentOf, lineupOf } from './objects.ts'
import { type SealedLease, unsealedLease } from './password.ts'

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
		return await lineupOf(this.env).claim(anyClaimantSchema.parse(input))
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
		const { documentId, jobId } = claimSchema.parse(input)
		const answer = await documentOf(this.env, documentId).lease(jobId)
		if (answer.outcome === 'gone') await lineupOf(this.env).forget(documentId, jobId)
		return answer.outcome === 'leased' ? await this.#unsealed(answer.lease) : null
	}

	/** The uploaded file; null when the lease is not current. A file that is gone ends the lease. */
	async source(input: unknown): Promise<ReadableStream<Uint8Array> | null> {
		const { documentId, fence } = holderSchema.parse(input)
		const document = documentOf(this.env, documentId)
		if (!(await document.holds(fence))) return null
		const object = await this.env.FILES.get(sourceKey(documentId))
		if (object) return object.body
		await document.fail({ documentId, fence, code: 'source_missing' })
		return null
	}

	async opened(input: unknown): Promise<Verdict> {
		const opened = openedSchema.parse(input)
		return await documentOf(this.env, opened.documentId).opened(opened)
	}

	async report(input: unknown): Promise<Verdict> {
		const report = reportSchema.parse(input)
		return await documentOf(this.env, report.documentId).report(report)
	}

	/**
	 * Stores a pack, then makes its pages the document's.
	 *
	 * @param body the pack, exactly as long as `pack.length` says; null when there is none
	 */
	async finish(input: unknown, body: ReadableStream<Uint8Array> | null): Promise<Finished> {
		const finish = finishSchema.parse(input)
		const key = packKey(finish.documentId, finish.fence)
		if (finish.pack && body) {
			const { readable, writable } = new FixedLengthStream(finish.pack.length)
			// Packs never change: where one lies under this fence already, the same finish came before.
			const options = { sha256: finish.pack.digest, onlyIf: { etagDoesNotMatch: '*' } }
			await Promise.all([this.env.FILES.put(key, readable, options), body.pipeTo(writable)])
		} else if (finish.pack) {
			return { verdict: 'stop' }
		}
		const finished = await documentOf(this.env, finish.documentId).finish(finish)
		if (finished.verdict === 'go on')
			return { ...finished, next: finished.next && (await this.#unsealed(finished.next)) }
		if (finished.verdict !== 'gone') return finished
		// The document is erased and forgotten, so nobody else will ever look for this pack.
		await this.env.FILES.delete(key)
		return { verdict: 'stop' }
	}

	/** With its password; one that cannot be unsealed has to be asked for again, and ends the job. */
	async #unsealed(lease: SealedLease): Promise<Lease | null> {
		const opened = await unsealedLease(settingsOf(this.env), lease)
		if (opened) return opened
		const { documentId, fence } = lease
		await documentOf(this.env, documentId).fail({ documentId, fence, code: 'password_required' })
		return null
	}

	/** Gives a lease up. */
	async fail(input: unknown): Promise<Verdict> {
		const fail = failSchema.parse(input)
		return await documentOf(this.env, fail.documentId).fail(fail)
	}
}
