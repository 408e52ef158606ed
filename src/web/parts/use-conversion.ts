/** A document's conversion as React state. */
import { useCallback, useEffect, useState } from 'react'
import type { Client } from '../../client/client.ts'
import type { PlatenError } from '../../client/error.ts'
import { type Connection, watch } from '../../client/watch.ts'
import type { Snapshot } from '../../core/snapshot.ts'

export interface WatchedConversion {
	/** Null until the service has answered. */
	snapshot: Snapshot | null
	connection: Connection
	/** Why there is nothing to watch. */
	error: PlatenError | null
	/** Goes on from a snapshot that came another way, as the answer to a start: what was settled is watched again. */
	resumeFrom: (snapshot: Snapshot) => void
}

export function useConversion(client: Client, documentId: string): WatchedConversion {
	const [snapshot, setSnapshot] = useState<Snapshot | null>(null)
	const [connection, setConnection] = useState<Connection>('connecting')
	const [error, setError] = useState<PlatenError | null>(null)
	const [since, setSince] = useState(-1)

	useEffect(
		() => watch(client, documentId, setSnapshot, setConnection, { since, onError: setError }),
		[client, documentId, since],
	)

	const resumeFrom = useCallback((started: Snapshot) => {
		setSnapshot(started)
		setSince(started.version)
	}, [])
	return { snapshot, connection, error, resumeFrom }
}
