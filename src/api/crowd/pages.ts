/**
 * Where the pages of completed jobs lie, for the many who look at one document. What was completed never changes, so its
 * object is asked for it once per isolate; whether it is still the one that is served, and whether the document is still
 * there, says the look at how it stands, which is at most a second old. Whoever names a newer job, and what a running one
 * has so far, is asked of the object itself.
 */
import type { Caller } from '../../core/access.ts'
import { Shelf } from '../../core/crowd/shelf.ts'
import type { DocumentObject, PageView } from '../document/object.ts'
import { documentOf } from '../objects.ts'
import { type Asking, looks } from './looks.ts'
import { SharedCalls } from './shared-calls.ts'

/** What is kept in all: some 40,000 pages; an hour, so that what nobody asks for any more makes room. */
const LIMITS = { entries: 2_000, bytes: 24 * 1024 * 1024, keptFor: 3_600_000 }
/** What a page takes in memory, about. */
const PAGE_BYTES = 600
const ENTRY_BYTES = 1_000

export type Pages = Awaited<ReturnType<DocumentObject['pages']>>

const shelf = new Shelf<PageView>(LIMITS)
const calls = new SharedCalls<Pages>()

/** The pages of a job; of the one that is served, when none is named. */
export async function pagesOf(asking: Asking, id: string, caller: Caller, job: string | null): Promise<Pages> {
	const standing = await looks.of(asking, id, caller, 'read', 0)
	if (!standing) return { outcome: 'not_found' }
	const { served } = standing
	return served !== null && (job === null || job === served)
		? await servedPages(asking, id, caller, served)
		: await documentOf(asking.env, id).pages(caller, job)
}

async function servedPages({ env, keepAlive }: Asking, id: string, caller: Caller, job: string): Promise<Pages> {
	const now = Date.now()
	const kept = shelf.get(id, now)
	if (kept?.jobId === job) return kept
	const key = `${id} ${job}`
	const underWay = calls.underWay(key)
	const followed = underWay && (await calls.follow(key, underWay))
	if (followed) return followed
	const call = async () => withoutTies(await documentOf(env, id).pages(caller, job))
	return await calls.lead(key, now, call, keepAlive, (view) => {
		if (view.outcome !== 'found') return
		const pages = view.packs.reduce((sum, { index }) => sum + index.pages.length, 0)
		shelf.put(id, view, now, ENTRY_BYTES + pages * PAGE_BYTES)
	})
}

/** Copied, so that nothing is kept of an RPC answer that belongs to somebody else's request. */
function withoutTies(pages: Pages): Pages {
	if (pages.outcome !== 'found') return { outcome: pages.outcome }
	const { outcome, jobId, totalPages, packs, failedPages } = pages
	return { outcome, jobId, totalPages, packs, failedPages }
}
