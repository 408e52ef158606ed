/**
 * What a converter does when it is nudged: claims a document, works on lease after lease of it, and goes on to the next
 * until nobody waits or its budget is spent.
 */
import type { Finished, Lease } from '../core/gate.ts'
import type { Pack } from '../pack/writer.ts'
import { type LeaseWork, type Workshop, workOnLease } from './lease.ts'

/** After this long the invocation ends: queues add converters only when a batch has ended. Milliseconds. */
const BUDGET = 20_000

/** @throws when the gate cannot be reached; the leases that were held then expire */
export async function work(workshop: Workshop): Promise<void> {
	const { gate, converter, reader, now } = workshop
	const endsAt = now() + BUDGET
	try {
		let claim = await gate.claim({ converter, nudged: true })
		while (claim) {
			let lease = await gate.lease(claim)
			while (lease) lease = await advance(workshop, lease)
			if (now() >= endsAt) return await gate.leave({ converter })
			claim = await gate.claim({ converter, nudged: false })
		}
	} finally {
		reader.close()
	}
}

/** Does a lease. @returns the next of the same document, unless it is somebody else's turn or nothing is left */
async function advance(workshop: Workshop, lease: Lease): Promise<Lease | null> {
	const { gate } = workshop
	const holder = { documentId: lease.documentId, fence: lease.fence }
	try {
		const done = await workOnLease(workshop, lease)
		if (done.outcome === 'stop') return null
		if (done.outcome === 'failed') {
			await gate.fail({ ...holder, code: done.code })
			return null
		}
		const finished = await deliver(workshop, lease, done)
		return finished.verdict === 'go on' ? finished.next : null
	} catch (error) {
		// Giving the lease up is faster than letting it expire; when its result was accepted after all, this changes nothing.
		await gate.fail({ ...holder, code: 'internal' })
		throw error
	}
}

async function deliver(
	{ gate }: Workshop,
	{ documentId, fence }: Lease,
	{ through, failed, pack }: Extract<LeaseWork, { outcome: 'converted' }>,
): Promise<Finished> {
	const described = pack && { index: pack.index, digest: pack.digest, length: pack.length }
	const finish = { documentId, fence, through, failed, pack: described, more: true }
	const send = () => gate.finish(finish, pack && streamOf(pack))
	// The same finish twice is as good as once, and redoing the work would cost more.
	return await send().catch(send)
}

/** Streams that cross to another Worker must be byte streams. */
function streamOf(pack: Pack): ReadableStream<Uint8Array> {
	// An empty text is a piece without bytes, which a byte stream refuses.
	const pieces = [...pack.chunks()].filter((piece) => piece.byteLength > 0).values()
	return new ReadableStream({
		type: 'bytes',
		pull(controller) {
			const { done, value } = pieces.next()
			if (done) controller.close()
			// Enqueuing takes the buffer away from whoever has it, and a second sending needs it again.
			else controller.enqueue(value.slice())
		},
	})
}
