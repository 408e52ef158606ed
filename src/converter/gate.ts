/** The gate as a converter sees it: every answer parsed, every wait bounded. */
import { z } from 'zod'
import {
	type Claim,
	type Claimant,
	claimSchema,
	type Fail,
	type Finish,
	type Finished,
	finishedSchema,
	type Holder,
	type Lease,
	type Leaver,
	leaseSchema,
	type Opened,
	type Report,
	type Verdict,
	verdictSchema,
} from '../core/gate.ts'
import { within } from '../deadline.ts'

type Bytes = ReadableStream<Uint8Array>

/** What the gate offers; see `api/converter-gate.ts` for what each call does. */
export interface Gate {
	ping(): Promise<unknown>
	claim(claimant: Claimant): Promise<Claim | null>
	leave(leaver: Leaver): Promise<void>
	handBack(): Promise<void>
	lease(claim: Claim): Promise<Lease | null>
	source(holder: Holder): Promise<Bytes | null>
	opened(opened: Opened): Promise<Verdict>
	report(report: Report): Promise<Verdict>
	finish(finish: Finish, pack: Bytes | null): Promise<Finished>
	fail(fail: Fail): Promise<Verdict>
}

/** Milliseconds for a small answer, and for moving a source or a pack. */
const ANSWER = 10_000
const TRANSFER = 30_000

/** @param stub the service binding, whose answers are not believed unparsed */
export function parsedGate(stub: Gate): Gate {
	return {
		ping: () => taken(ANSWER, stub.ping(), z.literal('pong')),
		claim: (claimant) => taken(ANSWER, stub.claim(claimant), claimSchema.nullable()),
		leave: (leaver) => taken(ANSWER, stub.leave(leaver), z.void()),
		handBack: () => taken(ANSWER, stub.handBack(), z.void()),
		lease: (claim) => taken(ANSWER, stub.lease(claim), leaseSchema.nullable()),
		source: (holder) => within(ANSWER, stub.source(holder)),
		opened: (opened) => taken(ANSWER, stub.opened(opened), verdictSchema),
		report: (report) => taken(ANSWER, stub.report(report), verdictSchema),
		finish: (finish, pack) => taken(TRANSFER, stub.finish(finish, pack), finishedSchema),
		fail: (fail) => taken(ANSWER, stub.fail(fail), verdictSchema),
	}
}

/** Parses an answer, which copies it, and gives the original back. */
async function taken<S extends z.ZodType>(
	milliseconds: number,
	call: Promise<unknown>,
	schema: S,
): Promise<z.output<S>> {
	const answer = await within(milliseconds, call)
	try {
		return schema.parse(answer)
	} finally {
		dispose(answer)
	}
}

/**
 * Gives back what came over RPC. What is left to the garbage collector instead makes workerd log a warning from within a
 * collection, which can end the whole process (seen on 1.20261023: a nested collection, `GCTracer::StartCycle` traps).
 */
export function dispose(answer: unknown): void {
	if (typeof answer !== 'object' || answer === null) return
	const { [Symbol.dispose]: end } = answer as Partial<Disposable>
	end?.call(answer)
}
