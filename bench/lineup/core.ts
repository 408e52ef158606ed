/** The rules alone, without workerd: how long each takes while many wait and a full fleet is at work. */
import type { Entry, Want } from '../../src/core/lineup/entry.ts'
import { alarmToSet, claim, createLineup, type Lineup, takeDueNudges, want } from '../../src/core/lineup/lineup.ts'
import { SPACING } from '../../src/core/lineup/order.ts'
import { overviewOf } from '../../src/core/lineup/overview.ts'
import { placeOf, takeRefreshed } from '../../src/core/lineup/watch.ts'
import { converterOf, FLEET, ownerOf, priorityOf } from './crowd.ts'

const NOW = Date.UTC(2026, 10, 20)
/** One in so many is looked at by somebody. */
const WATCHED_EACH = 100
const NAMED = 50
const STARTS = 3

/** Microseconds of each step, by its name. */
export type CoreTimes = Map<string, number[]>

/** @param lives how many small documents come and go */
export function timeCore(waiting: number, lives: number): CoreTimes {
	const times: CoreTimes = new Map()
	const time = <T>(name: string, act: () => T): T => {
		const startedAt = performance.now()
		const result = act()
		const took = (performance.now() - startedAt) * 1000
		const known = times.get(name)
		if (known) known.push(took)
		else times.set(name, [took])
		return result
	}
	const entries = Array.from({ length: waiting }, (_, index) => entryOf(index))
	let lineup = createLineup([], null)
	for (let start = 0; start < STARTS; start++) lineup = time('createLineup', () => createLineup(entries, null))
	watchSome(lineup)
	sendFleet(lineup)
	for (let life = 0; life < lives; life++) {
		const word = wordOf(waiting + life)
		time('want, a newcomer', () => want(lineup, word, NOW))
		time('placeOf the newcomer', () => placeOf(lineup, word, NOW))
		time('placeOf the last', () => placeOf(lineup, wordAgain(lineup.line.entries.at(-1)), NOW))
		const next = time('claim', () => claim(lineup, { converter: converterOf(life), nudged: false }, NOW))
		const done = { ...wordAgain(next), want: 0 }
		time('want, no more', () => want(lineup, done, NOW))
		time('placeOf one that is worked on', () => placeOf(lineup, done, NOW))
		time('takeDueNudges', () => takeDueNudges(lineup, NOW))
		time('alarmToSet', () => alarmToSet(lineup, NOW + 1, NOW))
		lineup.refreshedAt = 0
		time('takeRefreshed', () => takeRefreshed(lineup, NOW))
		time('overviewOf', () => overviewOf(lineup, NAMED, NOW))
	}
	return times
}

function wordOf(index: number): Want {
	return {
		// As random as the ids are, and the same in each run.
		documentId: `${Math.imul(index + 1, 0x9e3779b1) >>> 0}-${index}`,
		jobId: `job-${index}`,
		owner: ownerOf(index),
		priority: priorityOf(index),
		format: 'application/pdf',
		want: 1,
		firstPageOut: false,
		seq: 1,
		watched: false,
	}
}

/** What somebody who waits would say next. */
function wordAgain(entry: Entry | null | undefined): Want {
	if (!entry) throw new Error('Somebody waits, and nobody was given')
	const { arrival: _, ...word } = entry
	return { ...word, seq: word.seq + 1, watched: false }
}

function entryOf(index: number): Entry {
	const { watched: _, ...word } = wordOf(index)
	return { ...word, arrival: NOW + Math.floor(index / 500) * SPACING }
}

function watchSome(lineup: Lineup): void {
	for (const [index, { documentId }] of lineup.line.entries.entries()) {
		if (index % WATCHED_EACH === 0) lineup.watched.set(documentId, { told: null, at: NOW })
	}
}

/** As many nudges and reservations are out as can be. */
function sendFleet(lineup: Lineup): void {
	takeDueNudges(lineup, NOW)
	for (let index = 0; index < FLEET; index++) claim(lineup, { converter: converterOf(index), nudged: false }, NOW)
}
