/** What documents say to a lineup, and what comes of it, with a clock that is given each time. */
import type { Want } from '../../../src/core/lineup/entry.ts'
import { claim, createLineup, type Lineup, want } from '../../../src/core/lineup/lineup.ts'
import { type Turns, turnBegan, turnEnded } from '../../../src/core/lineup/turns.ts'

export const NOW = 1_000_000_000

/** A document's word: it wants one converter, nobody can see a page of it yet, and its owner has no other. */
export function asking(jobId: string, said: Partial<Want> = {}): Want {
	return {
		documentId: `document of ${jobId}`,
		jobId,
		owner: `owner of ${jobId}`,
		priority: 'normal',
		format: 'application/pdf',
		want: 1,
		firstPageOut: false,
		seq: 1,
		watched: false,
		...said,
	}
}

/** A lineup in which these have come, a millisecond after each other. */
export function lineupWith(...words: Want[]): Lineup {
	const lineup = createLineup([], null)
	for (const [index, word] of words.entries()) want(lineup, word, NOW + index)
	return lineup
}

/** The jobs in their order. */
export function orderOf({ line }: Lineup): string[] {
	return line.entries.map(({ jobId }) => jobId)
}

let converters = 0

/** Claims as another converter each time. @returns the job that is next */
export function claimed(lineup: Lineup, now: number, nudged = false): string | null {
	converters += 1
	return claim(lineup, { converter: `converter ${converters}`, nudged }, now)?.jobId ?? null
}

/** Turns of one converter, one after another, enough for an average. @returns when another began, which lasts still */
export function measured(turns: Turns, duration: number, { count = 10, converter = 'c', from = NOW } = {}): number {
	turnBegan(turns, converter, from)
	for (let turn = 1; turn <= count; turn++) {
		turnEnded(turns, converter, false, from + turn * duration)
		turnBegan(turns, converter, from + turn * duration)
	}
	return from + count * duration
}
