/** Asks how every unfinished document is doing, again and again, one after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../../src/client/client.ts'
import type { Snapshot } from '../../../src/core/snapshot.ts'
import type { Ledger } from './ledger.ts'
import { unlessExpected } from './load.ts'

/** Milliseconds. */
const PAUSE = 100

/** @param onSnapshot is told each answer */
export async function watchUnsettled(
	client: Client,
	ledger: Ledger,
	signal: AbortSignal,
	onSnapshot: (snapshot: Snapshot) => void,
): Promise<void> {
	while (!signal.aborted) {
		for (const { documentId } of ledger.unsettled()) {
			if (signal.aborted) return
			await ledger.hearOf(documentId, () => client.status(documentId)).then(onSnapshot, unlessExpected)
		}
		await sleep(PAUSE)
	}
}
