/** The lineup as its object keeps it: entries and a pause are rows; reservations, nudges and turns are memory. */
import type { Claim, Claimant } from '../../src/core/gate.ts'
import type { Entry, Place, Want } from '../../src/core/lineup/entry.ts'
import {
	alarmToSet,
	available,
	claim,
	createLineup,
	forget,
	type Lineup,
	leave,
	type Pause,
	pause,
	RESERVATION_DURATION,
	resume,
	takeDueNudges,
	want,
} from '../../src/core/lineup/lineup.ts'
import { HANDED_BACK_AFTER, NUDGE_DURATION, nudgeHandedBack } from '../../src/core/lineup/nudges.ts'
import { placeOf, type Refreshed, takeRefreshed, told, unwatch } from '../../src/core/lineup/watch.ts'
import { type Checks, SPACING } from './checks.ts'
import { type Faults, strikes } from './faults.ts'
import { Crash } from './network.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** For less than that, who leaves is remembered. Milliseconds. */
const REMEMBERED = 600_000

export interface LineupLinks {
	/** Sends so many nudges on their way, after so many milliseconds. */
	nudge: (count: number, delay: number) => void
	/** Tells a document its place, and hears whether somebody still looks on. */
	tell: (refreshed: Refreshed, then: (isWatched: boolean) => void) => void
}

export class SimulatedLineup {
	readonly #world: World
	readonly #faults: Faults
	readonly #checks: Checks
	readonly #links: LineupLinks
	readonly rows = new Map<string, Entry>()
	paused: Pause | null = null
	alarmAt: number | null = null
	#live: Lineup | null = null
	/** When claims were made since a document's last word, in the world's time. */
	readonly #claims = new Map<string, number[]>()
	/** Who has left since it came to life, as it should remember. */
	readonly #left = new Map<string, Entry & { at: number }>()
	/** Turns that documents were given since their entries were written down. */
	readonly #turns = new Map<string, number>()

	constructor(world: World, faults: Faults, checks: Checks, links: LineupLinks) {
		this.#world = world
		this.#faults = faults
		this.#checks = checks
		this.#links = links
	}

	crash(): void {
		this.#live = null
		this.#claims.clear()
		this.#left.clear()
		this.#turns.clear()
	}

	want(word: Want): Place | null {
		const lineup = this.#wake()
		const now = this.#world.clock()
		const known = this.rows.get(word.documentId)
		const heard = lineup.line.of(word.documentId)?.seq
		const before = [...this.rows.values()]
		const entry = want(lineup, word, now)
		this.#mayCrash()
		if (entry === null) this.rows.delete(word.documentId)
		else if (entry !== 'unchanged') this.rows.set(word.documentId, entry)
		if (entry !== 'unchanged' || lineup.line.of(word.documentId)?.seq !== heard) this.#claims.delete(word.documentId)
		this.#checks.heard(word)
		this.#checks.wanted(known, this.rows.get(word.documentId), word)
		this.#account(word, known, before, now)
		this.#world.say('lineup', word.seq, () => `want ${word.want} for ${word.jobId} seq ${word.seq}`)
		const place = placeOf(lineup, word, now)
		told(lineup, word.documentId, place, now)
		if (place && lineup.line.of(word.documentId)) this.#checks.placed(word.documentId, place, lineup.line.entries)
		this.#attend()
		this.#mayCrash()
		return place
	}

	claim(claimant: Claimant): Claim | null {
		const lineup = this.#wake()
		const before = lineup.line.entries.filter((entry) => available(lineup, entry) > 0)
		const next = claim(lineup, claimant, this.#world.clock())
		this.#checks.claimed(next, before, this.paused !== null)
		if (next) this.#claimed(next)
		if (next) this.#turns.set(next.documentId, (this.#turns.get(next.documentId) ?? 0) + 1)
		this.#world.say('lineup', 3, () => `claim by ${claimant.converter} → ${next?.jobId ?? 'nobody'}`)
		this.#attend()
		this.#mayCrash()
		return next && { documentId: next.documentId, jobId: next.jobId }
	}

	leave(converter: string): void {
		leave(this.#wake(), converter, this.#world.clock())
		this.#attend()
	}

	forget(documentId: string, jobId: string): void {
		const other = this.rows.get(documentId)
		if (forget(this.#wake(), documentId, jobId)) this.rows.delete(documentId)
		if (other && other.jobId !== jobId && !this.rows.has(documentId)) {
			throw new Violation('W', `${other.jobId} was forgotten together with ${jobId}`)
		}
	}

	handBack(): void {
		if (nudgeHandedBack(this.#wake().nudges, this.#world.clock())) this.#attend(HANDED_BACK_AFTER)
	}

	/** Somebody stops it, or lets it go on. */
	pause(by: string): void {
		this.#world.say('lineup', 11, () => `is paused by ${by}`)
		this.paused = pause(this.#wake(), by, this.#world.clock())
		this.#attend()
	}

	resume(): void {
		this.#world.say('lineup', 12, () => 'goes on')
		resume(this.#wake())
		this.paused = null
		this.#attend()
	}

	poke(): void {
		this.#wake()
		this.#attend()
	}

	/** Who left and who came. */
	#account(word: Want, known: Entry | undefined, before: readonly Entry[], now: number): void {
		const { documentId, jobId } = word
		const after = this.rows.get(documentId)
		const left = this.#left.get(documentId)
		const moved = known && { ...known, arrival: known.arrival + (this.#turns.get(documentId) ?? 0) * SPACING }
		if (moved && !after) this.#left.set(documentId, { ...moved, seq: word.seq, at: now })
		if (after !== known) this.#turns.delete(documentId)
		if (after === known) return
		if (!after) return
		const isRemembered = left?.jobId === jobId && now - left.at < REMEMBERED && now >= left.at
		if (!known && isRemembered && word.seq < left.seq && !this.#checks.clockJumped) {
			throw new Violation('W', `${jobId} was brought back by an older word`)
		}
		this.#left.delete(documentId)
		// A clock that jumps decides what is remembered.
		if (left && this.#checks.clockJumped) return
		const expected = moved?.jobId === jobId ? moved.arrival : !known && isRemembered ? left.arrival : null
		this.#checks.arrived(after, before, expected, now)
	}

	/** No more are sent to a document than it wants. */
	#claimed({ documentId, want }: Entry): void {
		const { time } = this.#world
		const recent = (this.#claims.get(documentId) ?? []).filter((at) => at + RESERVATION_DURATION > time)
		recent.push(time)
		this.#claims.set(documentId, recent)
		if (recent.length > want && !this.#checks.clockJumped) {
			throw new Violation('W', `${recent.length} converters were sent to ${documentId}, which wants ${want}`)
		}
	}

	/** @param delay milliseconds */
	#attend(delay = 0): void {
		const lineup = this.#wake()
		const now = this.#world.clock()
		const due = takeDueNudges(lineup, now)
		if (due > 0) this.#links.nudge(due, delay)
		if (due > 0 && this.paused) throw new Violation('W', 'converters are called while the lineup is paused')
		for (const refreshed of takeRefreshed(lineup, now)) {
			this.#checks.placed(refreshed.documentId, refreshed.place, lineup.line.entries)
			this.#links.tell(refreshed, (isWatched) => {
				if (!isWatched && this.#live) unwatch(this.#live, refreshed.documentId)
			})
		}
		const alarm = alarmToSet(lineup, this.alarmAt, now)
		if (alarm !== null) {
			this.alarmAt = alarm
			this.#planAlarm(alarm)
		}
		const isDue = this.rows.size > 0 && !this.paused
		if (isDue && (this.alarmAt === null || this.alarmAt > now + NUDGE_DURATION)) {
			throw new Violation('I9', 'somebody waits, and the lineup does not look again')
		}
	}

	#planAlarm(at: number): void {
		this.#world.after(at - this.#world.clock(), () => {
			if (this.alarmAt !== at) return
			if (this.#world.clock() < at) {
				this.#planAlarm(at)
				return
			}
			this.alarmAt = null
			this.#world.say('lineup', 4, () => 'alarm')
			this.#attend()
		})
	}

	#wake(): Lineup {
		this.#live ??= createLineup(this.rows.values(), this.paused)
		return this.#live
	}

	#mayCrash(): void {
		if (!strikes(this.#world, this.#faults, this.#faults.crash)) return
		this.#world.say('lineup', 5, () => 'dies')
		this.crash()
		throw new Crash()
	}
}
