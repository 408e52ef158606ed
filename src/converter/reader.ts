/**
 * Keeps the document of the current lease open from page to page, and opens it again, with the source fetched anew,
 * when its engine is broken or worn.
 */
import type { FailureCode } from '../core/failure.ts'
import type { Lease } from '../core/gate.ts'
import { within } from '../deadline.ts'
import { dispose, type Gate } from './gate.ts'
import { openDocument, type PdfDocument } from './pdfium/document.ts'
import type { Engines } from './pdfium/engines.ts'

/** Milliseconds for the source to arrive whole. */
const SOURCE_DEADLINE = 30_000

export type Opening =
	| { outcome: 'opened'; document: PdfDocument }
	| { outcome: 'failed'; code: FailureCode }
	/** The lease is not current any more. */
	| { outcome: 'stop' }

export interface Reader {
	/** The document of a lease, open and fit for the next page. */
	open(lease: Lease): Promise<Opening>
	close(): void
}

export function createReader(gate: Gate, engines: Engines): Reader {
	let current: { jobId: string; document: PdfDocument } | null = null

	function close(): void {
		current?.document.close()
		current = null
	}

	return {
		async open(lease) {
			const { documentId, jobId, fence, password } = lease
			// Another job of the same document may have another password, or none.
			if (current?.jobId === jobId && !current.document.broken() && !current.document.worn()) {
				return { outcome: 'opened', document: current.document }
			}
			close()
			const source = await gate.source({ documentId, fence })
			if (!source) return { outcome: 'stop' }
			try {
				const opening = openDocument({ engines, source, size: lease.source.size, password })
				const opened = await within(SOURCE_DEADLINE, opening)
				if (opened.outcome === 'opened') current = { jobId, document: opened.document }
				return opened
			} finally {
				dispose(source)
			}
		},
		close,
	}
}
