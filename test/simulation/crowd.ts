/**
 * Many documents of many owners in a world in which nothing goes wrong: what the order of the lineup does to those who
 * wait. It runs the very rules that production runs; what is made up is how long a page takes.
 */
import { type EstimateError, estimateErrors } from '../../src/core/job/estimate.ts'
import { defaultRetryPolicy } from '../../src/core/job/retry.ts'
import type { Priority } from '../../src/core/snapshot.ts'
import { Checks } from './checks.ts'
import { SimulatedConverter } from './converter.ts'
import { SimulatedDocument } from './document.ts'
import type { Faults } from './faults.ts'
import { SimulatedLineup } from './lineup.ts'
import { Network } from './network.ts'
import { Random } from './random.ts'
import { SimulatedReceiver } from './receiver.ts'
import { sendNudges } from './simulate.ts'
import { Bucket, History, packKey, sourceKey } from './storage.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

/** A document that comes. */
export interface Arrival {
	/** Milliseconds from the beginning. */
	at: number
	owner: string
	priority: Priority
	pages: number
}

/** What became of it; times in milliseconds from the beginning, null for what never was. */
export interface Fate extends Arrival {
	status: string
	startedAt: number | null
	/** When its first page could be seen, and its second. */
	firstPageAt: number | null
	secondPageAt: number | null
	completedAt: number | null
	estimates: { waiting: EstimateError | null; processing: EstimateError | null }
}

/** Nothing goes wrong. */
const none: Faults = {
	calm: true,
	until: 0,
	lostRequest: 0,
	lostAnswer: 0,
	doubled: 0,
	slow: 0,
	crash: 0,
	gateDies: 0,
	converterDies: 0,
	converterSleeps: 0,
	liars: 0,
	pageFails: 0,
	leaseFails: 0,
	away: 0,
	clockJumps: 0,
	alarmsLost: 0,
	queuePauses: 0,
	pauses: 0,
}

/** Events that one document needs at most. */
const EVENTS_EACH = 5_000

class TimedBucket extends Bucket {
	/** When each object was stored. */
	readonly storedAt = new Map<string, number>()
	readonly #world: World

	constructor(world: World) {
		super()
		this.#world = world
	}

	override put(key: string, digest: string): void {
		super.put(key, digest)
		if (!this.storedAt.has(key)) this.storedAt.set(key, this.#world.time)
	}
}

/** @param watched whether somebody looks at each document, so that it hears of its place */
export function liveThrough(arrivals: readonly Arrival[], converterCount: number, watched = true, seed = 1): Fate[] {
	const world = new World(seed)
	const network = new Network(world, none)
	const bucket = new TimedBucket(world)
	const converters: SimulatedConverter[] = []
	const documents = new Map<string, SimulatedDocument>()
	const find = (id: string): SimulatedDocument => {
		const document = documents.get(id)
		if (!document) throw new Violation('crowd', `${id} is unknown`)
		return document
	}
	const checks = new Checks(new Random(seed))
	const lineup = new SimulatedLineup(world, none, checks, {
		nudge: (count, delay) => sendNudges(world, none, converters, { pausedUntil: 0 }, count, delay),
		tell: ({ documentId, jobId, place }, then) =>
			network.call(
				5_000,
				() => find(documentId).placed(jobId, place),
				(answer) => then(answer.answered && answer.value),
			),
	})
	const history = new History()
	const receiver = new SimulatedReceiver([], world, none, history)
	const around = { world, faults: none, network, bucket, history, lineup, receiver, checks }
	const nature = (id: string) => ({
		pageCount: arrivals[Number(id)]?.pages ?? 1,
		broken: null,
		password: null,
		poison: null,
		badPages: new Set<number>(),
	})
	const workplace = { world, faults: none, network, bucket, lineup, document: find, nature }
	for (let index = 0; index < converterCount; index++) {
		converters.push(new SimulatedConverter(`converter-${index}`, workplace))
	}
	for (const [index, arrival] of arrivals.entries()) {
		const document = new SimulatedDocument(String(index), arrival.owner, around)
		documents.set(document.id, document)
		world.after(arrival.at, () => begin(document, arrival, bucket, watched))
	}
	world.run(arrivals.length * EVENTS_EACH)
	const epoch = world.clock() - world.time
	return arrivals.map((arrival, index) => fateOf(arrival, find(String(index)), bucket, epoch))
}

function begin(document: SimulatedDocument, { priority }: Arrival, bucket: Bucket, watched: boolean): void {
	const { reservedAt } = document.reserve()
	bucket.put(sourceKey(document.id), 'source')
	document.create(reservedAt, {
		jobId: `${document.id}-job`,
		priority,
		maxPriority: 'urgent',
		maxRetries: 3,
		retryPolicy: defaultRetryPolicy,
		options: { quality: 'medium' },
		onActive: 'return',
		forceReconvert: false,
	})
	if (watched) document.watch()
}

function fateOf(arrival: Arrival, document: SimulatedDocument, bucket: TimedBucket, epoch: number): Fate {
	const job = document.saved()?.job
	if (!job) throw new Violation('crowd', `${document.id} has no job`)
	const since = (time: number | null) => (time === null ? null : time - epoch)
	const pageAt = (page: number): number | null => {
		for (const [fence, { pages }] of document.rows.packs) {
			if (pages.includes(page)) return bucket.storedAt.get(packKey(document.id, fence)) ?? null
		}
		return null
	}
	return {
		...arrival,
		status: job.phase.status,
		startedAt: since('startedAt' in job.phase ? job.phase.startedAt : null),
		firstPageAt: pageAt(1),
		secondPageAt: pageAt(2),
		completedAt: since('completedAt' in job.phase ? job.phase.completedAt : null),
		estimates: estimateErrors(job),
	}
}
