/**
 * A line for each format. Built-in converters are called, and take PDFs; somebody's own converters come by themselves, and
 * take what they can. Nothing is shared but a pause: so places and waits are among those that wait for the same
 * converters, and nobody is given what he cannot convert.
 */
import { PDF } from '../format.ts'
import type { Claimant } from '../gate.ts'
import type { Entry, Place, Want } from './entry.ts'
import type { Lineup, Pause } from './lineup.ts'
import * as one from './lineup.ts'
import { compareEntries } from './order.ts'
import { turnEnded } from './turns.ts'
import * as watching from './watch.ts'

export interface Lineups {
	readonly pdf: Lineup
	/** By format. */
	readonly others: Map<string, Lineup>
}

/** @param entries all that are kept, in any order */
export function createLineups(entries: Iterable<Entry>, paused: Pause | null): Lineups {
	const byFormat = Map.groupBy(entries, ({ format }) => format)
	const pdf = one.createLineup(byFormat.get(PDF) ?? [], paused)
	const others = new Map<string, Lineup>()
	for (const [format, each] of byFormat) if (format !== PDF) others.set(format, one.createLineup(each, paused, false))
	return { pdf, others }
}

export function allOf({ pdf, others }: Lineups): Lineup[] {
	return [pdf, ...others.values()]
}

/** How many documents of an owner wait, of all formats and priorities. */
export function waitingOf(lineups: Lineups, owner: string): number {
	return allOf(lineups).reduce((sum, { line }) => sum + line.waitingOf(owner), 0)
}

function ofFormat({ pdf, others }: Lineups, format: string): Lineup {
	if (format === PDF) return pdf
	const known = others.get(format) ?? one.createLineup([], pdf.paused, false)
	others.set(format, known)
	return known
}

/** See {@link one.want}. */
export function want(lineups: Lineups, word: Want, now: number): Entry | null | 'unchanged' {
	const lineup = ofFormat(lineups, word.format)
	const astray = allOf(lineups).find((each) => each !== lineup && each.line.of(word.documentId))
	const entry = astray?.line.of(word.documentId)
	// A document never changes its format, but a release that knew none has put it into the wrong line.
	if (astray && entry) {
		if (word.seq < entry.seq) return 'unchanged'
		one.forget(astray, entry.documentId, entry.jobId)
	}
	const written = one.want(lineup, word, now)
	return entry && written === 'unchanged' ? null : written
}

/** Where a document stands, of which this is the word; it counts as told. */
export function placeTold(lineups: Lineups, word: Want, now: number): Place | null {
	const lineup = ofFormat(lineups, word.format)
	const place = watching.placeOf(lineup, word, now)
	watching.told(lineup, word.documentId, place, now)
	return place
}

/** Whether a claim for some formats would find somebody. */
export function isNeeded(lineups: Lineups, formats: readonly string[], now: number): boolean {
	return firstOf(lineups, formats, now) !== null
}

/** Of those who are first in their lines, the one that runs before the others. */
function firstOf(
	{ pdf, others }: Lineups,
	formats: readonly string[],
	now: number,
): { lineup: Lineup; next: Entry } | null {
	let first: { lineup: Lineup; next: Entry } | null = null
	for (const [format, lineup] of [[PDF, pdf] as const, ...others]) {
		const next = formats.includes(format) ? one.nextInLine(lineup, now) : null
		if (next && (first === null || compareEntries(next, first.next) < 0)) first = { lineup, next }
	}
	return first
}

/** See {@link one.claim}. */
export function claim(
	lineups: Lineups,
	{ formats, ...claimant }: Claimant & { formats: readonly string[] },
	now: number,
): Entry | null {
	const first = firstOf(lineups, formats, now)
	// Who is given nothing has ended its last turn all the same, and a nudge has arrived.
	const lineup = first?.lineup ?? (formats.includes(PDF) ? lineups.pdf : null)
	for (const each of allOf(lineups)) {
		if (each !== lineup) turnEnded(each.turns, claimant.converter, claimant.nudged, now)
	}
	return lineup && one.claim(lineup, claimant, now)
}

/** See {@link one.forget}. */
export function forget(lineups: Lineups, documentId: string, jobId: string): boolean {
	return allOf(lineups).some((each) => one.forget(each, documentId, jobId))
}

/** See {@link one.pause}. */
export function pause(lineups: Lineups, by: string, now: number): Pause {
	const paused = one.pause(lineups.pdf, by, now)
	for (const each of lineups.others.values()) one.pause(each, paused.by, paused.since)
	return paused
}

export function resume(lineups: Lineups): void {
	for (const each of allOf(lineups)) one.resume(each)
}

/** See {@link watching.takeRefreshed}. */
export function takeRefreshed(lineups: Lineups, now: number): watching.Refreshed[] {
	return allOf(lineups).flatMap((each) => watching.takeRefreshed(each, now))
}

export function unwatch(lineups: Lineups, documentId: string): void {
	for (const each of allOf(lineups)) watching.unwatch(each, documentId)
}

/** The earliest of what each line needs. See {@link one.alarmToSet}. */
export function alarmToSet(lineups: Lineups, alarmAt: number | null, now: number): number | null {
	const times = allOf(lineups)
		.map((each) => one.alarmToSet(each, alarmAt, now))
		.filter((time) => time !== null)
	return times.length === 0 ? null : Math.min(...times)
}
