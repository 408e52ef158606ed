/** Gets the manifest piece by piece while pages become ready, and never asks twice for what it has. */
import type { Client } from '../../client/client.ts'
import { PlatenError } from '../../client/error.ts'
import { backoffCeiling, type RetryPolicy } from '../../core/job/retry.ts'
import { pageNumbers, parseRanges } from '../../core/pages.ts'
import type { ManifestPage } from '../../core/protocol.ts'
import { nextPages } from './page-plan.ts'

export type PagesByNumber = ReadonlyMap<number, ManifestPage>

export interface PageLoader {
	/** Tells which pages of which job are ready by now, as in a snapshot. */
	want(jobId: string, readyPages: string): void
	/** Gets a page's addresses anew, since the old ones have ended. */
	refresh(page: number): void
	stop(): void
}

/** At most two requests a second, however fast pages become ready. Milliseconds. */
const PAUSE = 500
/** What an answer holds is small enough to come at once, and large enough for a book in a few requests. */
const PAGES_A_REQUEST = 400
const retryPolicy: RetryPolicy = { baseDelay: 1_000, maxDelay: 15_000 }
/** A page whose picture cannot be had is asked for again no sooner than that. Milliseconds. */
const REFRESH_EVERY = 30_000

/**
 * Loads the pages of a document's current job.
 *
 * @param onPages is told all pages known so far, whenever they are others
 * @param onMissing is told when the service knows of no such pages: the document may be gone
 */
export function loadPages(
	client: Client,
	documentId: string,
	onPages: (pages: PagesByNumber) => void,
	onMissing: () => void,
): PageLoader {
	let job: string | null = null
	const known = new Map<number, ManifestPage>()
	const stale = new Set<number>()
	const refreshedAt = new Map<number, number>()
	let readyPages = ''
	let isRunning = false
	let isStopped = false

	async function run(): Promise<void> {
		if (isRunning) return
		isRunning = true
		let losses = 0
		while (!isStopped) {
			const pages = nextPages(readyPages, (page) => known.has(page) && !stale.has(page), PAGES_A_REQUEST)
			if (pages === null) break
			const asked = await ask(pages)
			if (asked === 'missing') break
			const isProgress = asked === 'progress'
			losses = isProgress ? 0 : losses + 1
			await pause(isProgress ? PAUSE : backoffCeiling(retryPolicy, losses))
		}
		isRunning = false
	}

	async function ask(pages: string): Promise<'progress' | 'nothing' | 'missing'> {
		const asked = job ?? undefined
		try {
			const manifest = await client.pages(documentId, { pages, job: asked })
			if (job !== asked) return 'progress'
			for (const entry of manifest.pages) {
				known.set(entry.page, entry)
				stale.delete(entry.page)
			}
			if (!isStopped && manifest.pages.length > 0) onPages(new Map(known))
			return manifest.pages.length > 0 ? 'progress' : 'nothing'
		} catch (error) {
			// The conversion's own connection says that the service cannot be reached; here it is just tried again.
			if (job !== asked || !(error instanceof PlatenError) || error.status !== 404) return 'nothing'
			if (!isStopped) onMissing()
			return 'missing'
		}
	}

	/** A job that goes on where another ended begins with that one's pages; any other begins with none. */
	function keepOnly(ready: string): void {
		const pages = new Set(pageNumbers(parseRanges(ready) ?? []))
		const before = known.size
		for (const page of known.keys()) if (!pages.has(page)) known.delete(page)
		if (known.size < before) onPages(new Map(known))
	}

	return {
		want(jobId, ready) {
			if (jobId !== job) keepOnly(ready)
			job = jobId
			readyPages = ready
			void run()
		},
		refresh(page) {
			const now = Date.now()
			if (now - (refreshedAt.get(page) ?? 0) < REFRESH_EVERY) return
			refreshedAt.set(page, now)
			stale.add(page)
			void run()
		},
		stop() {
			isStopped = true
		},
	}
}

function pause(milliseconds: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
