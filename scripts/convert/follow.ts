/** One conversion from its upload to its end, with every page saved as soon as it is ready. */
import type { Client } from '../../src/client/client.ts'
import { type Connection, watch } from '../../src/client/watch.ts'
import { type FailureCode, isAboutPassword } from '../../src/core/failure.ts'
import type { Quality } from '../../src/core/options.ts'
import { formatRanges, type PageRange, parseRanges } from '../../src/core/pages.ts'
import { isSettled, type Snapshot } from '../../src/core/snapshot.ts'
import { Complaint } from '../local/complaint.ts'
import type { Passwords } from './password.ts'
import type { Progress } from './progress.ts'
import type { Saver } from './save.ts'

/** A service that cannot be reached for this long does not come back. Milliseconds. */
const GONE_AFTER = 8_000
/** Pages whose addresses are asked for at once. */
const MANIFEST_PAGES = 200

export interface Conversion {
	client: Client
	bytes: Uint8Array<ArrayBuffer>
	name: string
	quality: Quality
	/** Asked when the document turns out to be protected. */
	passwords: Passwords
	saver: Saver
	progress: Progress
	/** Ends the watching; its reason is thrown. */
	signal: AbortSignal
}

/**
 * Uploads, shows and saves.
 *
 * @returns the last snapshot, of a conversion that has completed
 * @throws Complaint when it failed or was cancelled, or the service is gone
 */
export async function follow({
	client,
	bytes,
	name,
	quality,
	passwords,
	saver,
	progress,
	signal,
}: Conversion): Promise<Snapshot> {
	const upload = { name, contentType: 'application/pdf', quality, signal }
	const { document } = await client.upload(bytes, upload)
	const saved = new Set<number>()
	let saving = Promise.resolve()

	async function save({ jobId, readyPages }: Snapshot): Promise<void> {
		const fresh = [...pagesOf(readyPages)].filter((page) => !saved.has(page))
		for (let start = 0; start < fresh.length; start += MANIFEST_PAGES) {
			const pages = fresh.slice(start, start + MANIFEST_PAGES)
			const manifest = await client.pages(document.id, { pages: asRanges(pages), job: jobId ?? undefined })
			for (const page of manifest.pages) saver.add(page)
			for (const page of pages) saved.add(page)
		}
	}

	/** The snapshot with which the conversion ends. @param since a version; only what is newer counts */
	async function settled(since?: number): Promise<Snapshot> {
		const { promise, resolve, reject } = Promise.withResolvers<Snapshot>()
		let giveUp: NodeJS.Timeout | undefined

		function take(snapshot: Snapshot): void {
			progress.show(snapshot)
			// One after the other, so that no page is asked for twice.
			saving = saving.then(() => save(snapshot))
			saving.catch(reject)
			if (isSettled(snapshot.status)) resolve(snapshot)
		}

		function heed(connection: Connection): void {
			if (connection === 'live' || connection === 'polling') {
				clearTimeout(giveUp)
				giveUp = undefined
			} else if (connection === 'offline') {
				giveUp ??= setTimeout(() => reject(new Complaint('The service is gone: it does not answer.')), GONE_AFTER)
			}
		}

		const abort = () => reject(signal.reason)
		signal.addEventListener('abort', abort)
		if (signal.aborted) abort()
		const stop = watch(client, document.id, take, heed, { since, onError: reject })
		try {
			return await promise
		} finally {
			clearTimeout(giveUp)
			stop()
			signal.removeEventListener('abort', abort)
		}
	}

	let last = await settled()
	for (let lack = lackOf(last); lack !== null; lack = lackOf(last)) {
		progress.done()
		const { version } = await client.retry(document.id, { password: await passwords.next(lack) })
		last = await settled(version)
	}
	await saving
	await saver.finished()
	if (last.status === 'cancelled') throw new Complaint('The conversion was cancelled.')
	if (last.status === 'failed') throw new Complaint(last.failure?.message ?? 'The conversion failed.')
	return last
}

/** What a protected document ended with for want of its password; null for all others. */
function lackOf({ failure }: Snapshot): FailureCode | null {
	return failure && isAboutPassword(failure.code) ? failure.code : null
}

function* pagesOf(readyPages: string): Generator<number> {
	for (const { first, last } of readyPages === '' ? [] : (parseRanges(readyPages) ?? [])) {
		for (let page = first; page <= last; page++) yield page
	}
}

function asRanges(pages: number[]): string {
	return formatRanges(pages.map((page): PageRange => ({ first: page, last: page })))
}
