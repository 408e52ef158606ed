/** The caller's documents, page by page of the list. */
import { useCallback, useEffect, useState } from 'react'
import type { Client } from '../../client/client.ts'
import type { PlatenError } from '../../client/error.ts'
import type { DocumentItem } from './upload-queue.ts'

const AT_ONCE = 30

export interface Documents {
	items: readonly DocumentItem[]
	state: 'loading' | 'ready' | 'failed'
	error: PlatenError | null
	hasMore: boolean
	/** The next page of the list, or the first one again when that failed. */
	load: () => void
}

export function useDocuments(client: Client): Documents {
	const [items, setItems] = useState<readonly DocumentItem[]>([])
	const [cursor, setCursor] = useState<string | null>(null)
	const [state, setState] = useState<Documents['state']>('loading')
	const [error, setError] = useState<PlatenError | null>(null)

	const fetchPage = useCallback(
		async (after: string | null, isWanted: () => boolean) => {
			try {
				const page = await client.documents({ limit: AT_ONCE, ...(after !== null && { cursor: after }) })
				if (!isWanted()) return
				setItems((before) => (after === null ? page.items : [...before, ...page.items]))
				setCursor(page.nextCursor)
				setState('ready')
			} catch (reason) {
				if (!isWanted()) return
				setError(reason as PlatenError)
				setState('failed')
			}
		},
		[client],
	)

	useEffect(() => {
		let isMounted = true
		void fetchPage(null, () => isMounted)
		return () => {
			isMounted = false
		}
	}, [fetchPage])

	const load = useCallback(() => {
		setState('loading')
		void fetchPage(cursor, () => true)
	}, [fetchPage, cursor])

	return { items, state, error, hasMore: cursor !== null, load }
}
