/** I6: every page of a document that is completed can be read. */
import type { Client } from '../../../src/client/client.ts'
import { pageNumbers, parseRanges } from '../../../src/core/pages.ts'
import type { Snapshot } from '../../../src/core/snapshot.ts'
import type { Violation } from '../violation.ts'

/** Reads them all: images, thumbnails and texts. */
export async function unreadablePages(
	client: Client,
	{ documentId, jobId, readyPages }: Snapshot,
): Promise<Violation[]> {
	const { pages, jobId: shown } = await client.pages(documentId)
	const unreadable = (what: string): Violation => ({ kind: 'unreadable page', text: `document ${documentId}: ${what}` })
	if (shown !== jobId) return [unreadable(`job ${jobId} is completed, and the pages of ${shown} are shown`)]
	const violations: Violation[] = []
	const shownPages = new Set(pages.filter(({ state }) => state !== 'failed').map(({ page }) => page))
	for (const page of pageNumbers(parseRanges(readyPages) ?? [])) {
		if (!shownPages.has(page)) violations.push(unreadable(`page ${page} is ready and not in the manifest`))
	}
	for (const { page, state, imageUrl, thumbnailUrl, textUrl, wordsUrl } of pages) {
		if (state === 'failed') continue
		for (const address of [imageUrl, thumbnailUrl, textUrl, wordsUrl]) {
			const problem = address === null ? 'has no address' : await problemAt(client, address)
			if (problem) violations.push(unreadable(`page ${page} ${problem}`))
		}
	}
	return violations
}

async function problemAt(client: Client, address: string): Promise<string | null> {
	// An address says which bytes of a pack it stands for: from where, and how many.
	const length = Number(/\/\d+-(\d+)\.\w+\?/.exec(address)?.[1])
	try {
		const bytes = await client.bytes(address)
		return bytes.byteLength === length ? null : `has ${bytes.byteLength} bytes at ${address}`
	} catch (error) {
		return `cannot be read at ${address}: ${String(error)}`
	}
}
