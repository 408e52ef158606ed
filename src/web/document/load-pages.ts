/** Gets the manifest piece by piece while pages become ready, and never asks twice for what it has. */
import type { Client } from '../../client/client.ts'
import { backoffCeiling, type RetryPolicy } from '../../core/job/retry.ts'
import type { ManifestPage } from '../../core/protocol.ts'
import { nextPages } from './page-plan.ts'

export type PagesByNumber = ReadonlyMap<number, ManifestPage>

export interface PageLoader {
	/** Tells which pages are ready by now, as in a snapshot. */
	want(readyPages: string): void
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
 * Loads the pages of one job.
 *
 * @param onPages is told all pages known so far, whenever there are more
 */
export function loadPages(
	client: Client,
	documentId: string,
	jobId: string,
	onPages: (pages: PagesByNumber) => void,
): PageLoader {
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
			const isProgress = await ask(pages)
			losses = isProgress ? 0 : losses + 1
			await pause(isProgress ? PAUSE : backoffCeiling(retryPolicy, losses))
		}
		isRunning = false
	}

	async function ask(pages: string): Promise<boolean> {
		try {
			const manifest = await client.pages(documentId, { pages, job: jobId })
			for (const entry of manifest.pages) {
				known.set(entry.page, entry)
				stale.delete(entry.page)
			}
			if (!isStopped && manifest.pages.length > 0) onPages(new Map(known))
			return manifest.pages.length > 0
		} catch {
			// The conversion's own connection says that the service cannot be reached; here it is just tried again.
			return false
		}
	}

	return {
		want(ready) {
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
