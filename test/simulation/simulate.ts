/** One world from a seed: built, lived through, and looked over. */
import { isActive } from '../../src/core/job/job.ts'
import { LONGEST_LEASE } from '../../src/core/job/rules/work.ts'
import { Checks } from './checks.ts'
import { type Nature, SimulatedConverter } from './converter.ts'
import { SimulatedDocument } from './document.ts'
import { drawFaults, type Faults, strikes } from './faults.ts'
import { SimulatedLineup } from './lineup.ts'
import { Crash, Network } from './network.ts'
import { Random } from './random.ts'
import { SimulatedReceiver } from './receiver.ts'
import { checkEnded, checkIsolation, checkPages, checkRest } from './rest.ts'
import { Bucket, History } from './storage.ts'
import { PASSWORDS, SimulatedUser } from './user.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

export interface Run {
	seed: number
	events: number
	/** The same for the same seed, whenever and wherever it is run. */
	hash: number
	violation: { invariant: string; detail: string } | null
}

/** Whose the documents are. */
const OWNERS = ['one', 'one', 'two', 'three'] as const
/** As in the lineup's object. Milliseconds. */
const PLACED_DEADLINE = 5_000
/** More events than any world needs. */
const MOST_EVENTS = 300_000
/** How long after the last fault everything must have ended, in milliseconds of unpaused time. */
const ENDS_WITHIN = 1_800_000
/** How far clocks are put back or forward at a time, in milliseconds; three times at most. */
const FURTHEST_JUMP = 3 * 7_200_000
/** When an alarm that is lost is taken for lost. Milliseconds. */
const VISITED_AFTER = 90_000
/** As in wrangler.toml, and in the schedule. */
const CRON_EVERY = 300_000
const SUSPICIOUS_AFTER = 600_000
/** How long the second line may take when clocks were put back, and a lease after that. Milliseconds. */
const POKED_WITHIN = 2 * SUSPICIOUS_AFTER + CRON_EVERY + 2 * LONGEST_LEASE

/** @param trace is told everything that happens, a line each */
export function simulate(seed: number, trace: ((line: string) => void) | null = null): Run {
	const world = new World(seed, trace)
	try {
		live(world, seed)
		return { seed, events: world.events, hash: world.hash, violation: null }
	} catch (error) {
		// Whatever is thrown in a world of our own making is a finding, an error of the code as well.
		const invariant = error instanceof Violation ? error.invariant : 'error'
		const detail =
			error instanceof Error ? (error instanceof Violation ? error.message : String(error.stack)) : String(error)
		trace?.(`VIOLATION of ${invariant}: ${detail}`)
		return { seed, events: world.events, hash: world.hash, violation: { invariant, detail } }
	}
}

function live(world: World, seed: number): void {
	const { random } = world
	const faults = drawFaults(random)
	const network = new Network(world, faults)
	const bucket = new Bucket()
	const history = new History()
	const checks = new Checks(new Random(seed ^ 0x5bd1e995))
	const converters: SimulatedConverter[] = []
	const queue = { pausedUntil: 0 }
	const lineup = new SimulatedLineup(world, faults, checks, {
		nudge: (count, delay) => sendNudges(world, faults, converters, queue, count, delay),
		tell: ({ documentId, jobId, place }, then) =>
			network.call(
				PLACED_DEADLINE,
				() => find(documentId).placed(jobId, place),
				(answer) => {
					if (answer.answered) then(answer.value)
				},
			),
	})
	const receiver = new SimulatedReceiver(OWNERS, world, faults, history)
	const around = { world, faults, network, bucket, history, lineup, receiver, checks }
	const documents = Array.from(
		{ length: random.chance(0.08) ? random.between(4, 12) : random.between(1, 3) },
		(_, index) => new SimulatedDocument(`d${index + 1}`, random.pick(OWNERS), around),
	)
	const natures = new Map(documents.map(({ id }) => [id, drawNature(random)]))
	const find = (id: string) => documents.find((each) => each.id === id) as SimulatedDocument
	const workplace = {
		...{ world, faults, network, bucket, lineup },
		document: find,
		nature: (id: string) => natures.get(id) as Nature,
	}
	for (let index = random.chance(0.05) ? 12 : random.between(1, 3); index > 0; index--) {
		converters.push(new SimulatedConverter(`converter-${index}`, workplace))
	}
	const users = documents.map((document) => new SimulatedUser(document, { world, faults, network, bucket }))
	for (const user of users) user.begin()

	planDisasters(around, documents, converters, queue)
	planCron(around, documents)
	const look = () => {
		for (const document of documents) checkPages(document, bucket)
		if (world.time < faults.until) world.after(random.between(1_000, 20_000), look)
	}
	look()
	for (const visit of [1, 2, 3]) {
		world.after(faults.until + visit * VISITED_AFTER, () => {
			for (const document of documents) document.visit()
		})
	}
	// Later than any backward clock could delay what is due; those who sleep have woken up by then.
	world.after(faults.until + ENDS_WITHIN, () => {
		if (!checks.clockJumped) documents.forEach(checkEnded)
	})
	// An alarm that was set before the clock was put back rings late. Whoever the history knows is poked; others wait.
	world.after(faults.until + ENDS_WITHIN + POKED_WITHIN, () => {
		const known = new Set(history.active().map(({ documentId }) => documentId))
		for (const document of documents) if (known.has(document.id)) checkEnded(document)
	})
	world.after(faults.until + ENDS_WITHIN + FURTHEST_JUMP, () => {
		for (const document of documents) checkEnded(document)
	})
	world.run(MOST_EVENTS)
	checkRest(documents, users, { bucket, history, lineup, checks })
	for (const document of documents) receiver.check(document)
	if (faults.calm) for (const document of documents) checkIsolation(document, natures.get(document.id) as Nature)
}

function drawNature(random: Random): Nature {
	const pageCount = random.chance(0.6) ? random.between(1, 6) : random.between(1, random.chance(0.1) ? 250 : 60)
	return {
		pageCount,
		broken: random.chance(0.08) ? random.pick(['invalid_document', 'internal']) : null,
		password: random.chance(0.15) ? PASSWORDS[0] : null,
		poison: random.chance(0.1) ? random.between(1, pageCount) : null,
		badPages: new Set(random.chance(0.15) ? [random.between(1, pageCount), random.between(1, pageCount)] : []),
	}
}

/** Each nudge is for whoever hears it; it may be lost, come twice, or take its time. */
export function sendNudges(
	world: World,
	faults: Faults,
	converters: readonly SimulatedConverter[],
	queue: { pausedUntil: number },
	count: number,
	after: number,
): void {
	for (let sent = 0; sent < count; sent++) {
		if (strikes(world, faults, faults.lostRequest)) continue
		const copies = strikes(world, faults, faults.doubled) ? 2 : 1
		for (let copy = 0; copy < copies; copy++) {
			const slow = strikes(world, faults, faults.slow) ? world.random.between(0, 60_000) : 0
			const delay = after + Math.max(0, queue.pausedUntil - world.time) + slow + world.random.between(1, 50)
			world.after(delay, () => {
				const converter = world.random.pick(converters)
				world.say('queue', 9, () => `nudges ${converter.name}`)
				converter.nudge()
			})
		}
	}
}

/** What befalls the whole: storage goes away, clocks jump, the queue stands still, everything starts anew. */
function planDisasters(
	{ world, faults, bucket, history, lineup, checks }: SimulatedDocument['around'],
	documents: readonly SimulatedDocument[],
	converters: readonly SimulatedConverter[],
	queue: { pausedUntil: number },
): void {
	const { random } = world
	const sometimes = (probability: number, run: () => void) => {
		for (let count = random.between(0, 3); count > 0; count--) {
			if (random.chance(probability)) world.after(random.between(0, faults.until), run)
		}
	}
	for (const storage of [bucket, history]) {
		sometimes(faults.away, () => {
			storage.away = true
			const back = Math.min(random.between(1_000, 120_000), Math.max(0, faults.until - world.time))
			world.after(back, () => {
				storage.away = false
			})
		})
	}
	sometimes(faults.clockJumps, () => {
		checks.clockJumped = true
		const furthest = random.chance(0.5) ? 5_000 : FURTHEST_JUMP / 3
		const by = random.between(-furthest, furthest)
		world.skew += by
		checks.putForward += Math.max(0, by)
		world.say('clock', 7, () => `is off by ${world.skew / 1000} s`)
	})
	sometimes(faults.queuePauses, () => {
		queue.pausedUntil = world.time + random.between(1_000, 120_000)
	})
	// An operator stops everything for a while, and does not forget it.
	sometimes(faults.pauses, () => {
		lineup.pause('an operator')
		world.after(Math.min(random.between(1_000, 300_000), faults.until - world.time), () => lineup.resume())
	})
	// A deploy: all memory is gone at once.
	sometimes(faults.crash > 0 ? 0.5 : 0, () => {
		world.say('deploy', 8, () => 'everything starts anew')
		for (const document of documents) document.crash()
		lineup.crash()
		for (const converter of converters) if (random.chance(0.5)) converter.die()
	})
	// An object that nobody calls is put away, and comes back when somebody does.
	sometimes(0.5, () => {
		for (const document of documents) document.crash()
	})
}

/** The second line: what is active in the history for long is poked, and so is the lineup. */
function planCron(
	{ world, faults, history, lineup }: SimulatedDocument['around'],
	documents: readonly SimulatedDocument[],
): void {
	const poke = () => {
		const active = history.active()
		for (const { documentId, updatedAt } of active) {
			const age = world.clock() - updatedAt
			if (age >= 0 && age < SUSPICIOUS_AFTER) continue
			quietly(() => documents.find(({ id }) => id === documentId)?.poke())
		}
		quietly(() => lineup.poke())
		// It goes on for ever; here, as long as it could find anything.
		const goesOn = active.length > 0 || documents.some((document) => isActive(document.saved()?.job ?? null))
		if (goesOn || world.time < faults.until) world.after(CRON_EVERY, poke)
	}
	world.after(CRON_EVERY, poke)
}

/** Who is poked may die of it. */
function quietly(run: () => void): void {
	try {
		run()
	} catch (error) {
		if (!(error instanceof Crash)) throw error
	}
}
