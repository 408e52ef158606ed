/**
 * How documents stand, for the many who ask: an isolate asks a document's object at most once in {@link SHOWN_FOR}, and
 * calls that are under way are shared. Who may see what is decided here, for each caller, with the owner that the object
 * told.
 *
 * Nobody is shown less than their own POST showed them:
 * - what this isolate knows is dropped when a command through it was answered ({@link Looks.changing});
 * - a command that went through another isolate was answered only when nobody could show less any more
 *   (`core/crowd/looks.ts`);
 * - that a document is not there is never kept, and nobody is told it by a call that began before they came;
 * - whoever says which version they know is shown none below it, whatever was forgotten.
 */
import { type Access, type Caller, mayAccess, type Owner } from '../../core/access.ts'
import { SHOWN_FOR } from '../../core/crowd/looks.ts'
import { isYoung, Shelf } from '../../core/crowd/shelf.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import type { Look } from '../document/object.ts'
import { documentOf } from '../objects.ts'
import { type KeepAlive, SharedCalls } from './shared-calls.ts'

/** What is kept in all. */
const LIMITS = { entries: 5_000, bytes: 8 * 1024 * 1024, keptFor: SHOWN_FOR }
/** What an entry takes beside its text, about. */
const ENTRY_BYTES = 500

/** A document that is there. */
export interface Standing {
	outcome: 'found'
	owner: Owner
	version: number
	status: Snapshot['status']
	/** The snapshot as JSON. */
	text: string
	/** The newest job that was completed; null when none was. */
	served: string | null
}
type Seen = Standing | { outcome: 'unknown' | 'erased' }

/** What a request needs to ask. */
export interface Asking {
	env: ApiEnv
	keepAlive: KeepAlive
}

export class Looks {
	readonly #shelf = new Shelf<Seen>(LIMITS)
	readonly #calls = new SharedCalls<Seen>()
	#isolate: string | null = null

	/** By which objects know this isolate. Made by the first request: before there is one, nothing random can be had. */
	get isolate(): string {
		this.#isolate ??= crypto.randomUUID()
		return this.#isolate
	}

	/**
	 * The document, for a caller who may see it; null for anybody else, and when it is not there.
	 *
	 * @param floor the highest version that the caller knows
	 */
	async of(asking: Asking, id: string, caller: Caller, access: Access, floor: number): Promise<Standing | null> {
		const seen = this.#kept(id, floor, Date.now()) ?? (await this.#see(asking, id, floor))
		if (seen.outcome !== 'found') return null
		return mayAccess(caller, id, seen.owner, access) ? seen : null
	}

	/**
	 * Has a document changed, and answers when nobody is shown any more how it was before.
	 *
	 * @param change its answer says for how long other isolates may still show that: `shownElsewhereFor`, in milliseconds
	 */
	async changing<T extends object>(id: string, change: (isolate: string) => Promise<T>): Promise<T> {
		let answer: T
		try {
			answer = await change(this.isolate)
		} finally {
			// Also when there is no answer: it may have been done.
			this.#forget(id)
		}
		await this.changed(id, 'shownElsewhereFor' in answer ? Number(answer.shownElsewhereFor) : 0)
		return answer
	}

	/** The same, for what has changed already. */
	async changed(id: string, shownElsewhereFor: number): Promise<void> {
		this.#forget(id)
		if (shownElsewhereFor > 0) await new Promise((resolve) => setTimeout(resolve, shownElsewhereFor))
	}

	#forget(id: string): void {
		this.#shelf.drop(id)
		this.#calls.disown(id)
	}

	#kept(id: string, floor: number, now: number): Seen | null {
		const kept = this.#shelf.get(id, now)
		return kept && suffices(kept, floor) ? kept : null
	}

	async #see(asking: Asking, id: string, floor: number): Promise<Seen> {
		const now = Date.now()
		// Whatever begins from now on knows all that the caller can know.
		const { newest } = this.#calls
		const earlier = this.#calls.underWay(id)
		if (earlier && isYoung(earlier.askedAt, now, SHOWN_FOR)) {
			const seen = await this.#calls.follow(id, earlier)
			if (seen && suffices(seen, floor)) return seen
		}
		const later = this.#calls.underWay(id)
		if (later && later.number > newest) {
			const seen = await this.#calls.follow(id, later)
			if (seen) return seen
		}
		return await this.#ask(asking, id)
	}

	async #ask({ env, keepAlive }: Asking, id: string): Promise<Seen> {
		const askedAt = Date.now()
		const call = async () => seenOf(await documentOf(env, id).look(this.isolate))
		return await this.#calls.lead(id, askedAt, call, keepAlive, (seen) => {
			if (seen.outcome === 'unknown') return
			const characters = seen.outcome === 'found' ? seen.text.length : 0
			this.#shelf.put(id, seen, askedAt, ENTRY_BYTES + 2 * characters)
		})
	}
}

/** Whether this may be shown to somebody who came after it was asked for. What is erased stays so. */
function suffices(seen: Seen, floor: number): boolean {
	switch (seen.outcome) {
		case 'found':
			return seen.version >= floor
		case 'erased':
			return true
		case 'unknown':
			return false
	}
}

/** Copied, so that nothing is kept of an RPC answer that belongs to somebody else's request. */
function seenOf(look: Look): Seen {
	if (look.outcome !== 'found') return { outcome: look.outcome }
	const { outcome, owner, version, status, text, served } = look
	return { outcome, owner: { tenant: owner.tenant, sub: owner.sub }, version, status, text, served }
}

/** What the text says. */
export function snapshotIn({ text }: Standing): Snapshot {
	return JSON.parse(text) as Snapshot
}

/** Of this isolate. */
export const looks = new Looks()
