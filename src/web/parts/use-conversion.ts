/** A document's conversion as React state. */
import { useCallback, useEffect, useState } from 'react'
import type { Client } from '../../client/client.ts'
import { PlatenError } from '../../client/error.ts'
import { type Connection, watch } from '../../client/watch.ts'
import type { Snapshot } from '../../core/snapshot.ts'

export interface WatchedConversion {
	/** Null until the service has answered. */
	snapshot: Snapshot | null
	connection: Connection
	/** Why there is nothing to watch. */
	error: PlatenError | null
	/** Goes on from a snapshot that came another way, as the answer to a command: what was settled is watched again. */
	resumeFrom: (snapshot: Snapshot) => void
	/** Asks how things stand, since something hints that it is not as shown. False when the document is gone. */
	recheck: () => Promise<boolean>
}

export function useConversion(client: Client, documentId: string): WatchedConversion {
	const [snapshot, setSnapshot] = useState<Snapshot | null>(null)
	const [connection, setConnection] = useState<Connection>('connecting')
	const [error, setError] = useState<PlatenError | null>(null)
	const [since, setSince] = useState(-1)

	const take = useCallback((next: Snapshot) => {
		// Answers and news come on different ways, so the older may come later.
		setSnapshot((current) => (current && current.version > next.version ? current : next))
	}, [])

	useEffect(
		() => watch(client, documentId, take, setConnection, { since, onError: setError }),
		[client, documentId, since, take],
	)

	const resumeFrom = useCallback(
		(next: Snapshot) => {
			take(next)
			setSince(next.version)
		},
		[take],
	)

	const recheck = useCallback(async () => {
		try {
			resumeFrom(await client.status(documentId))
		} catch (reason) {
			// Whatever else it is, nothing was learned.
			if (!(reason instanceof PlatenError) || reason.status !== 404) return true
			setError(reason)
			return false
		}
		return true
	}, [client, documentId, resumeFrom])

	return { snapshot, connection, error, resumeFrom, recheck }
}
