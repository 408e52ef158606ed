/** The pages of a document's conversion as React state. */
import { useCallback, useEffect, useRef, useState } from 'react'
import type { Client } from '../../client/client.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import { loadPages, type PageLoader, type PagesByNumber } from './load-pages.ts'

const none: PagesByNumber = new Map()

/**
 * The pages known so far, and a way to renew the addresses of one.
 *
 * @param onMissing is told when the pages are gone
 */
export function usePages(
	client: Client,
	documentId: string,
	snapshot: Snapshot | null,
	onMissing: () => void,
): { pages: PagesByNumber; refresh: (page: number) => void } {
	const [pages, setPages] = useState(none)
	const loader = useRef<PageLoader | null>(null)
	const jobId = snapshot?.jobId ?? null
	const readyPages = snapshot?.readyPages ?? ''

	useEffect(() => {
		const loading = loadPages(client, documentId, setPages, onMissing)
		loader.current = loading
		return () => {
			loading.stop()
			loader.current = null
			setPages(none)
		}
	}, [client, documentId, onMissing])

	// After the loader is there: of a job that is over, this is the only time.
	useEffect(() => {
		if (jobId !== null) loader.current?.want(jobId, readyPages)
	}, [jobId, readyPages])

	const refresh = useCallback((page: number) => loader.current?.refresh(page), [])
	return { pages, refresh }
}
