/** The lineup as its object keeps it: entries are rows, reservations and nudges are memory. */
import {
	alarmToSet,
	claim,
	type Entry,
	emptyLineup,
	forget,
	HANDED_BACK_AFTER,
	handBack,
	type Lineup,
	NUDGE_DURATION,
	nudgeArrived,
	RESERVATION_DURATION,
	takeDueNudges,
	type Want,
	want,
} from '../../src/core/lineup.ts'
import type { Checks } from './checks.ts'
import { type Faults, strikes } from './faults.ts'
import { Crash } from './network.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

export class SimulatedLineup {
	readonly #world: World
	readonly #faults: Faults
	readonly #checks: Checks
	/** Sends so many nudges on their way, after so many milliseconds. */
	readonly #nudge: (count: number, delay: number) => void
	readonly rows = new Map<string, Entry>()
	alarmAt: number | null = null
	#live: Lineup | null = null
	/** When claims were made since a document's last word, in the world's time. */
	readonly #claims = new Map<string, number[]>()

	constructor(world: World, faults: Faults, checks: Checks, nudge: (count: number, delay: number) => void) {
		this.#world = world
		this.#faults = faults
		this.#checks = checks
		this.#nudge = nudge
	}

	crash(): void {
		this.#live = null
		this.#claims.clear()
	}

	want(word: Want): void {
		const lineup = this.#wake()
		const known = this.rows.get(word.documentId)
		const entry = want(lineup, word, this.#world.clock())
		this.#mayCrash()
		if (entry === null) this.rows.delete(word.documentId)
		else if (entry !== 'unchanged') this.rows.set(word.documentId, entry)
		if (entry !== 'unchanged') this.#claims.delete(word.documentId)
		this.#checks.heard(word)
		this.#checks.wanted(known, this.rows.get(word.documentId), word)
		this.#world.say('lineup', word.seq, () => `want ${word.want} for ${word.jobId} seq ${word.seq}`)
		this.#attend()
		this.#mayCrash()
	}

	claim(nudged: boolean): { documentId: string; jobId: string } | null {
		const lineup = this.#wake()
		if (nudged) nudgeArrived(lineup)
		const next = claim(lineup, this.#world.clock())
		if (next) this.#claimed(next)
		this.#world.say('lineup', 3, () => `claim → ${next?.jobId ?? 'nobody'}`)
		this.#attend()
		this.#mayCrash()
		return next && { documentId: next.documentId, jobId: next.jobId }
	}

	forget(documentId: string, jobId: string): void {
		const other = this.rows.get(documentId)
		if (forget(this.#wake(), documentId, jobId)) this.rows.delete(documentId)
		if (other && other.jobId !== jobId && !this.rows.has(documentId)) {
			throw new Violation('W', `${other.jobId} was forgotten together with ${jobId}`)
		}
	}

	handBack(): void {
		if (handBack(this.#wake(), this.#world.clock())) this.#attend(HANDED_BACK_AFTER)
	}

	poke(): void {
		this.#wake()
		this.#attend()
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
		if (due > 0) this.#nudge(due, delay)
		const alarm = alarmToSet(lineup, this.alarmAt, now)
		if (alarm !== null) {
			this.alarmAt = alarm
			this.#planAlarm(alarm)
		}
		if (this.rows.size > 0 && (this.alarmAt === null || this.alarmAt > now + NUDGE_DURATION)) {
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
		if (this.#live) return this.#live
		this.#live = emptyLineup()
		for (const entry of this.rows.values()) this.#live.entries.set(entry.documentId, entry)
		return this.#live
	}

	#mayCrash(): void {
		if (!strikes(this.#world, this.#faults, this.#faults.crash)) return
		this.#world.say('lineup', 5, () => 'dies')
		this.crash()
		throw new Crash()
	}
}
