/**
 * What a converter may do, however it reaches the service: by RPC (`converter-gate.ts`) or by HTTP
 * (`routes/converter.ts`). The rules are those of the document's object; every call under a lease names its fence, and is
 * refused once another fence holds the pages.
 *
 * `formats` is what a converter can convert: of documents of other formats it neither gets nor ends anything.
 */
import type {
	Claim,
	Claimant,
	Fail,
	Finish,
	Finished,
	Holder,
	Lease,
	Opened,
	Report,
	Verdict,
} from '../../core/gate.ts'
import { within } from '../../deadline.ts'
import type { Held } from '../document/object.ts'
import { settingsOf } from '../env.ts'
import { packKey, sourceKey } from '../files.ts'
import { documentOf, lineupOf } from '../objects.ts'
import { type SealedLease, unsealedLease } from '../password.ts'

/** Milliseconds that an object may take. */
const DEADLINE = 10_000
/** … and R2, to take a pack. */
const TRANSFER = 60_000

export class Gate {
	readonly #env: ApiEnv
	readonly #formats: string[]

	constructor(env: ApiEnv, formats: readonly string[]) {
		this.#env = env
		this.#formats = [...formats]
	}

	/** The document that is next in line, or null when nobody waits. */
	async claim(claimant: Claimant): Promise<Claim | null> {
		return await within(DEADLINE, lineupOf(this.#env).claim(claimant, this.#formats))
	}

	/** Whether a claim would find somebody. */
	async isNeeded(): Promise<boolean> {
		return await within(DEADLINE, lineupOf(this.#env).isNeeded(this.#formats))
	}

	/** Some pages of a claimed document, or null when it has none to give just now. */
	async lease({ documentId, jobId }: Claim): Promise<Lease | null> {
		const ask = async () => await this.#document(documentId).lease(jobId, this.#formats)
		const answer = await within(DEADLINE, ask())
		if (answer.outcome === 'gone') await within(DEADLINE, lineupOf(this.#env).forget(documentId, jobId))
		return answer.outcome === 'leased' ? await this.#unsealed(answer.lease) : null
	}

	/** What a lease is about; null when it is not current. */
	async held({ documentId, fence }: Holder): Promise<Held | null> {
		return await within(DEADLINE, this.#document(documentId).held(fence, this.#formats))
	}

	/** The uploaded file; null when the lease is not current. A file that is gone ends the lease. */
	async source(holder: Holder): Promise<R2ObjectBody | null> {
		const { documentId, fence } = holder
		if (!(await within(DEADLINE, this.#document(documentId).holds(fence, this.#formats)))) return null
		const object = await this.#env.FILES.get(sourceKey(documentId))
		if (!object) await this.fail({ ...holder, code: 'source_missing' })
		return object
	}

	async opened(opened: Opened): Promise<Verdict> {
		return await within(DEADLINE, this.#document(opened.documentId).opened(opened, this.#formats))
	}

	async report(report: Report): Promise<Verdict> {
		return await within(DEADLINE, this.#document(report.documentId).report(report, this.#formats))
	}

	/**
	 * Stores a pack, then makes its pages the document's.
	 *
	 * @param body the pack, exactly as long as `pack.length` says; null when there is none
	 */
	async finish(finish: Finish, body: ReadableStream<Uint8Array> | null): Promise<Finished> {
		const key = packKey(finish.documentId, finish.fence)
		if (finish.pack && body) {
			const { readable, writable } = new FixedLengthStream(finish.pack.length)
			// Packs never change: where one lies under this fence already, the same finish came before.
			const options = { sha256: finish.pack.digest, onlyIf: { etagDoesNotMatch: '*' } }
			await within(TRANSFER, Promise.all([this.#env.FILES.put(key, readable, options), body.pipeTo(writable)]))
		} else if (finish.pack) {
			return { verdict: 'stop' }
		}
		const finished = await this.settle(finish)
		// The document is erased and forgotten, so nobody else will ever look for this pack.
		if (finished === 'gone') await this.#env.FILES.delete(key)
		return finished === 'gone' ? { verdict: 'stop' } : finished
	}

	/** Makes the pages of a pack that is stored the document's; `gone` says that nobody will ever look for it. */
	async settle(finish: Finish): Promise<Finished | 'gone'> {
		const tell = async () => await this.#document(finish.documentId).finish(finish, this.#formats)
		const finished = await within(DEADLINE, tell())
		switch (finished.verdict) {
			case 'go on':
				return { verdict: 'go on', next: finished.next && (await this.#unsealed(finished.next)) }
			case 'gone':
				return 'gone'
			case 'yield':
			case 'stop':
				return finished
		}
	}

	/** Gives a lease up. */
	async fail(fail: Fail): Promise<Verdict> {
		return await within(DEADLINE, this.#document(fail.documentId).fail(fail, this.#formats))
	}

	/** With its password; one that cannot be unsealed has to be asked for again, and ends the job. */
	async #unsealed(lease: SealedLease): Promise<Lease | null> {
		const opened = await unsealedLease(settingsOf(this.#env), lease)
		if (opened) return opened
		await this.fail({ documentId: lease.documentId, fence: lease.fence, code: 'password_required' })
		return null
	}

	#document(documentId: string) {
		return documentOf(this.#env, documentId)
	}
}
