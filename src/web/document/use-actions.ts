/** What one can do with a conversion, as React state: what is under way, and what went wrong. */
import { useCallback, useState } from 'react'
import type { Client } from '../../client/client.ts'
import type { PlatenError } from '../../client/error.ts'
import type { WatchedConversion } from '../parts/use-conversion.ts'

/** `convert` is the first conversion, `reconvert` another one of what is converted already. */
export type Action = 'convert' | 'reconvert' | 'retry' | 'cancel'

export interface Actions {
	/** What is under way. */
	pending: Action | null
	/** What went wrong, in words; only as long as nothing else has happened to the conversion. */
	error: string | null
	/** @param password of the document, for a retry */
	run: (action: Action, password?: string) => void
}

const complaints = {
	convert: 'The conversion could not be started.',
	reconvert: 'The conversion could not be started.',
	retry: 'The conversion could not be continued.',
	cancel: 'The conversion could not be cancelled.',
} as const satisfies Record<Action, string>

export function useActions(client: Client, documentId: string, conversion: WatchedConversion): Actions {
	const { snapshot, resumeFrom, recheck } = conversion
	const [pending, setPending] = useState<Action | null>(null)
	const [failed, setFailed] = useState<{ complaint: string; during: string } | null>(null)
	const situation = `${snapshot?.jobId} ${snapshot?.status}`

	const run = useCallback(
		async (action: Action, password?: string) => {
			setPending(action)
			setFailed(null)
			try {
				resumeFrom(await call(client, documentId, action, password))
			} catch (reason) {
				const detail = await detailOf(reason as PlatenError, recheck)
				if (detail !== null) setFailed({ complaint: `${complaints[action]} ${detail}`, during: situation })
			}
			setPending(null)
		},
		[client, documentId, resumeFrom, recheck, situation],
	)
	return {
		pending,
		error: failed?.during === situation ? failed.complaint : null,
		run: (action, password) => void run(action, password),
	}
}

function call(client: Client, documentId: string, action: Action, password?: string) {
	switch (action) {
		case 'convert':
			return client.start(documentId)
		case 'reconvert':
			return client.start(documentId, { forceReconvert: true })
		case 'retry':
			return client.retry(documentId, { password })
		case 'cancel':
			return client.cancel(documentId)
	}
}

/**
 * What to say of a refusal. The state may have been another one than was shown, so that is found out first.
 *
 * @returns null when the document is gone, which is news of its own
 */
export async function detailOf(error: PlatenError, recheck: () => Promise<boolean>): Promise<string | null> {
	if (error.status === 409) await recheck()
	if (error.status !== 404) return error.detail
	// Whoever may only read is told the same as if there was no such document.
	return (await recheck()) ? 'You may look at this document, but not change it.' : null
}
