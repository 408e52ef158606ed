/** Deleting a document for good, as React state. */
import { useCallback, useState } from 'react'
import type { Client } from '../../client/client.ts'
import type { PlatenError } from '../../client/error.ts'
import { detailOf } from './use-actions.ts'

export interface Erasure {
	isErasing: boolean
	/** What went wrong, in words. */
	error: string | null
	erase: () => void
}

export function useErasure(
	client: Client,
	documentId: string,
	recheck: () => Promise<boolean>,
	onErased: () => void,
): Erasure {
	const [isErasing, setErasing] = useState(false)
	const [error, setError] = useState<string | null>(null)

	const erase = useCallback(async () => {
		setErasing(true)
		setError(null)
		try {
			await client.erase(documentId)
			onErased()
		} catch (reason) {
			const detail = await detailOf(reason as PlatenError, recheck)
			setError(detail && `The document could not be deleted. ${detail}`)
			setErasing(false)
		}
	}, [client, documentId, recheck, onErased])
	return { isErasing, error, erase: () => void erase() }
}
