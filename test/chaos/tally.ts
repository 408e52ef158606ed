/** What came of it all, and how it is put into words. */
import type { Violation, ViolationKind } from './violation.ts'

export interface Tally {
	kills: number
	/** How often it was killed at each point. */
	points: Map<string, number>
	/** Kills that came at some time, by plan or because the point was not passed in time. */
	atSomeTime: number
	/** Runtimes that ended by themselves. */
	crashes: number
	/** How often each was waited for in vain. */
	missed: Map<string, number>
	/** Starts that were answered 2xx. */
	starts: number
	/** How those ended, by status. */
	ended: Map<string, number>
	/** Objects in R2 that nobody refers to and that their document is going to delete. */
	superfluous: number
	/** Milliseconds, of jobs whose converter was killed. */
	recoveries: number[]
	violations: Violation[]
}

export function emptyTally(): Tally {
	return {
		kills: 0,
		points: new Map(),
		atSomeTime: 0,
		crashes: 0,
		missed: new Map(),
		starts: 0,
		ended: new Map(),
		superfluous: 0,
		recoveries: [],
		violations: [],
	}
}

/** Counts a thing. */
export function count(counts: Map<string, number>, name: string, times = 1): void {
	counts.set(name, (counts.get(name) ?? 0) + times)
}

export function sumOf(tallies: readonly Tally[]): Tally {
	const sum = emptyTally()
	for (const tally of tallies) {
		sum.kills += tally.kills
		sum.atSomeTime += tally.atSomeTime
		sum.crashes += tally.crashes
		sum.starts += tally.starts
		sum.superfluous += tally.superfluous
		sum.recoveries.push(...tally.recoveries)
		sum.violations.push(...tally.violations)
		for (const which of ['points', 'missed', 'ended'] as const) {
			for (const [name, times] of tally[which]) count(sum[which], name, times)
		}
	}
	return sum
}

const headings: Record<ViolationKind, string> = {
	lost: 'lost',
	'completed twice': 'completed twice',
	'went back': 'went back',
	'unreadable page': 'unreadable pages',
	'row differs': 'rows that differ',
	'alarm missing': 'alarms missing',
	orphan: 'orphans',
}

/** All of it in one line. */
export function closingLine(tally: Tally): string {
	const { kills, points, atSomeTime, starts, ended, recoveries, violations, superfluous, crashes } = tally
	const endings = [...ended].sort().map(([status, times]) => `${times} ${status}`)
	const found = Object.entries(headings).map(
		([kind, words]) => `${violations.filter((violation) => violation.kind === kind).length} ${words}`,
	)
	return [
		`chaos: ${kills} kills at ${points.size} points (${atSomeTime} at some time)`,
		`, ${starts} starts (${endings.join(', ')}), ${found.join(', ')}`,
		`; ${superfluous} superfluous packs to be deleted`,
		crashes > 0 ? `; ${crashes} runtimes crashed by themselves` : '',
		recoveries.length > 0
			? `; recovery median ${seconds(recoveries, 0.5)}, p99 ${seconds(recoveries, 0.99)} (${recoveries.length} jobs)`
			: '',
	].join('')
}

/** @param share of them that took no longer */
function seconds(durations: readonly number[], share: number): string {
	const sorted = durations.toSorted((one, other) => one - other)
	const at = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
	return `${(at / 1000).toFixed(1)} s`
}
