/** The lineup as an operator sees it. */
import { z } from 'zod'
import { prioritySchema } from '../snapshot.ts'
import type { Entry } from './entry.ts'
import { available, type Lineup } from './lineup.ts'
import type { Lineups } from './lineups.ts'
import { compareEntries } from './order.ts'
import { atWork, turnDuration, waitInLine } from './turns.ts'

const duration = z.number().nonnegative().nullable()

const waitingSchema = z.object({
	/** Documents that wait for a converter. */
	depth: z.object({
		low: z.int(),
		normal: z.int(),
		high: z.int(),
		urgent: z.int(),
		total: z.int(),
	}),
	/** Converters that they want in all. */
	wanted: z.int(),
	/** Converters that are at work. */
	running: z.int(),
	/** How long a converter stays with a document, recently. */
	turnDuration: duration,
	/** How many documents a minute get a converter, at most. */
	turnsPerMinute: z.number().nonnegative().nullable(),
	/** How long a normal document would wait that came now. */
	expectedWait: duration,
	/** Those who are next. */
	waiting: z.array(
		z.object({
			position: z.int().positive(),
			documentId: z.string(),
			jobId: z.string(),
			priority: prioritySchema,
			wanted: z.int(),
			firstPageOut: z.boolean(),
			expectedWait: duration,
		}),
	),
})

/** Times are ISO 8601 UTC, durations milliseconds; null is what cannot be told. */
export const queueSchema = waitingSchema
	.extend({
		paused: z.object({ since: z.iso.datetime(), by: z.string() }).nullable(),
		/** Those who wait for somebody's own converter: each format has a line of its own. */
		others: z.array(waitingSchema.extend({ format: z.string() })).default([]),
	})
	.meta({ id: 'Queue' })
export type Queue = z.infer<typeof queueSchema>

/** All lines. @param named how many of those who wait are named of each */
export function overviewOfAll({ pdf, others }: Lineups, named: number, now: number): Queue {
	const ofOthers = [...others].map(([format, lineup]) => {
		const { paused: _, ...waiting } = overviewOf(lineup, named, now)
		return { ...waiting, format }
	})
	return { ...overviewOf(pdf, named, now), others: ofOthers }
}

/** @param named how many of those who wait are named */
export function overviewOf(lineup: Lineup, named: number, now: number): Omit<Queue, 'others'> {
	const { line, paused, turns } = lineup
	const depth = { low: 0, normal: 0, high: 0, urgent: 0, total: line.size }
	const waiting: Queue['waiting'] = []
	const wait = (ahead: number) => (paused ? null : waitInLine(turns, ahead, now))
	const newcomer = { documentId: '', arrival: now, priority: 'normal', firstPageOut: false } as const
	let ahead = 0
	let aheadOfNewcomer = 0
	for (const [index, entry] of line.entries.entries()) {
		depth[entry.priority] += 1
		if (waiting.length < named) waiting.push({ ...row(entry), position: index + 1, expectedWait: wait(ahead) })
		ahead += available(lineup, entry)
		if (compareEntries(entry, newcomer) <= 0) aheadOfNewcomer = ahead
	}
	const running = atWork(turns, now)
	const turn = turnDuration(turns, now)
	return {
		paused: paused && { since: new Date(paused.since).toISOString(), by: paused.by },
		depth,
		wanted: line.places,
		running,
		turnDuration: turn,
		turnsPerMinute: turn === null || running === 0 ? null : (60_000 / Math.max(1, turn)) * running,
		expectedWait: wait(aheadOfNewcomer),
		waiting,
	}
}

function row({ documentId, jobId, priority, want, firstPageOut }: Entry) {
	return { documentId, jobId, priority, wanted: want, firstPageOut }
}
