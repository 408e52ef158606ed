/** The work of one lease: its pages, one after the other, into one pack. */
import type { FailureCode } from '../core/failure.ts'
import type { Lease } from '../core/gate.ts'
import { rendering } from '../core/options.ts'
import { createPackWriter, type Pack } from '../pack/writer.ts'
import type { ImageEncoder } from './encode/image.ts'
import type { Gate } from './gate.ts'
import { convertPage, type PageConversion } from './page.ts'
import type { PdfDocument } from './pdfium/document.ts'
import type { Reader } from './reader.ts'

/** A pack that has this many bytes is sent, even when pages of the lease are left: an isolate's memory is small. */
const FULL_PACK = 8 * 1024 * 1024
/** … and so is one that took this long, so that people see its pages. Milliseconds. */
const PART_DURATION = 5_000
/** Reports are at least this far apart. Milliseconds. */
const REPORT_EVERY = 250

export interface Workshop {
	gate: Gate
	/** What this converter is called by the lineup. */
	converter: string
	reader: Reader
	encoder: ImageEncoder
	/** Milliseconds. A deployed Worker's clock moves only with I/O, so it is read after {@link Workshop.breathe}. */
	now(): number
	/** Lets what waits go on (reports leave, answers arrive), and the clock move. */
	breathe(): Promise<void>
}

export type LeaseWork =
	| { outcome: 'converted'; through: number; failed: { page: number; code: FailureCode }[]; pack: Pack | null }
	/** The document cannot be opened. */
	| { outcome: 'failed'; code: FailureCode }
	/** The lease is not current any more: whatever was done does not count. */
	| { outcome: 'stop' }

export async function workOnLease(workshop: Workshop, lease: Lease): Promise<LeaseWork> {
	const { reader, now, breathe } = workshop
	const { first, last } = lease.pages
	const pack = createPackWriter()
	const failed: { page: number; code: FailureCode }[] = []
	const reporter = createReporter(workshop, lease)
	const startedAt = now()
	let through = first - 1

	while (through < last) {
		const opening = await reader.open(lease)
		if (opening.outcome === 'stop') return opening
		if (opening.outcome === 'failed') {
			// What is there already counts; the next lease finds out whether the document opens again.
			if (through >= first) break
			return opening
		}
		if (through < first) reporter.opened(opening.document.pageCount)
		const page = through + 1
		const conversion = await convert(workshop, lease, opening.document, page)
		if (conversion === 'stop') return { outcome: 'stop' }
		if (conversion.outcome === 'converted') pack.add(conversion.page)
		else failed.push({ page, code: conversion.code })
		through = page

		await breathe()
		if (reporter.stopped()) return { outcome: 'stop' }
		if (pack.size() >= FULL_PACK || now() - startedAt >= PART_DURATION) break
		if (through < last) reporter.rendered(through - first + 1)
	}
	if ((await reporter.acknowledged()) === 'stop') return { outcome: 'stop' }
	return { outcome: 'converted', through, failed, pack: pack.pages() > 0 ? pack.finish() : null }
}

/** A page that suffers from what pages before it left in the heap gets a second try on a fresh engine. */
async function convert(
	{ reader, encoder }: Workshop,
	lease: Lease,
	document: PdfDocument,
	page: number,
): Promise<PageConversion | 'stop'> {
	const options = { encoder, ...rendering[lease.options.quality] }
	const conversion = await convertPage(document, page, options)
	const suffered =
		conversion.outcome === 'converted' ? conversion.page.degraded : conversion.code !== 'invalid_document'
	if (!suffered || document.pagesOpened() <= 1) return conversion
	document.drop()
	const opening = await reader.open(lease)
	if (opening.outcome === 'stop') return 'stop'
	return opening.outcome === 'opened' ? await convertPage(opening.document, page, options) : conversion
}

/** Tells the gate how far the work is without waiting for it, since rendering waits for nobody. */
function createReporter({ gate, now }: Workshop, lease: Lease) {
	const holder = { documentId: lease.documentId, fence: lease.fence }
	let stopped = false
	let underWay = false
	let reportedAt = now()
	let opening: Promise<unknown> = Promise.resolve()

	const listen = (verdict: string) => {
		if (verdict === 'stop') stopped = true
	}
	return {
		opened(pageCount: number): void {
			if (lease.pageCount === null) opening = gate.opened({ ...holder, pageCount }).then(listen)
			// It is waited for in `acknowledged`; until then a failure is nobody's.
			opening.catch(() => undefined)
		},
		rendered(count: number): void {
			if (underWay || now() - reportedAt < REPORT_EVERY) return
			underWay = true
			reportedAt = now()
			gate
				.report({ ...holder, rendered: count })
				// A report that gets lost is made up for by the next.
				.then(listen, () => undefined)
				.finally(() => {
					underWay = false
				})
		},
		stopped: () => stopped,
		/** The gate knows how many pages there are: before that, no page can be taken. */
		async acknowledged(): Promise<'go on' | 'stop'> {
			await opening
			return stopped ? 'stop' : 'go on'
		},
	}
}
