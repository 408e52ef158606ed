/** The gate as a converter sees it: every answer parsed, every wait bounded. */
import {
	type Claim,
	claimSchema,
	type Fail,
	type Finish,
	type Finished,
	finishedSchema,
	type Holder,
	type Lease,
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
	claim(nudged: boolean): Promise<Claim | null>
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
		ping: () => within(ANSWER, stub.ping()),
		claim: async (nudged) => claimSchema.nullable().parse(await within(ANSWER, stub.claim(nudged))),
		handBack: () => within(ANSWER, stub.handBack()),
		lease: async (claim) => leaseSchema.nullable().parse(await within(ANSWER, stub.lease(claim))),
		source: (holder) => within(ANSWER, stub.source(holder)),
		opened: async (opened) => verdictSchema.parse(await within(ANSWER, stub.opened(opened))),
		report: async (report) => verdictSchema.parse(await within(ANSWER, stub.report(report))),
		finish: async (finish, pack) => finishedSchema.parse(await within(TRANSFER, stub.finish(finish, pack))),
		fail: async (fail) => verdictSchema.parse(await within(ANSWER, stub.fail(fail))),
	}
}
