/**
 * The guards of the engine, each with a way to take it out: a change to the text of the source, applied to a copy. What
 * is looked for must be there exactly once, so a guard that has moved is noticed rather than silently not tested.
 */

export interface Guard {
	name: string
	file: string
	/** Found exactly once, and replaced. */
	without: readonly [text: string, replacement: string]
	/** Another that would do alone, so both have to go. */
	also?: Pick<Guard, 'file' | 'without'>
}

const work = 'src/core/job/rules/work.ts'
const life = 'src/core/job/rules/life.ts'
const told = 'src/core/job/rules/told.ts'
const due = 'src/core/job/due.ts'
const transition = 'src/core/job/transition.ts'
const progress = 'src/core/job/progress.ts'
const sweep = 'src/core/job/sweep.ts'
const estimate = 'src/core/job/estimate.ts'
const lineup = 'src/core/lineup/lineup.ts'
const line = 'src/core/lineup/line.ts'
const order = 'src/core/lineup/order.ts'
const nudges = 'src/core/lineup/nudges.ts'
const called = 'src/core/job/rules/called.ts'
const calls = 'src/core/job/calls.ts'

/** What is wanted is told again every half a minute, which heals what these guard against. */
const unrepeated: Pick<Guard, 'file' | 'without'> = {
	file: due,
	without: ['(want > 0 && (isNoticed ||', '(want < 0 && (isNoticed ||'],
}

export const guards: readonly Guard[] = [
	{
		name: 'fence: only a current lease counts',
		file: work,
		without: ['isLeased(candidate) && candidate.fence === fence)', 'isLeased(candidate))'],
	},
	{
		name: 'fence: each lease has a new one',
		file: work,
		without: ['const fence = conversion.fence + 1', 'const fence = Math.max(1, conversion.fence)'],
	},
	{
		name: 'terminal: what is cancelled has no chunks left',
		file: life,
		without: ['			progress: percentOf(job),\n		},\n		chunks: [],', '			progress: percentOf(job),\n		},'],
	},
	{
		name: 'lease: not before its backoff is over',
		file: work,
		without: ['isWaiting(chunk) && (chunk.notBefore <= now ||', 'isWaiting(chunk) && (now > 0 ||'],
	},
	{
		name: 'lease: a document that is open is not opened again',
		file: work,
		without: ['if (job.totalPages !== null) return', 'if (now < 0) return'],
	},
	{
		name: 'lease: a late report takes nothing back',
		file: work,
		without: ['Math.max(chunk.rendered, event.rendered)', 'event.rendered'],
	},
	{
		name: 'one active job: a start finds the running one',
		file: life,
		without: [
			"	if (isActive(job)) {\n		if (event.onActive === 'return')",
			"	if (isActive(job) && now < 0) {\n		if (event.onActive === 'return')",
		],
	},
	{
		name: 'version: rises with every visible change',
		file: transition,
		without: [
			'write ? before.sequence + 1 : before.sequence, write ? 0 : before.tick + 1',
			'before.sequence, before.tick',
		],
	},
	{
		name: 'version: rises for what only memory knows',
		file: transition,
		without: ['write ? 0 : before.tick + 1)', 'write ? 0 : before.tick)'],
	},
	{
		name: 'version: a running job that comes back is a new version',
		file: work,
		without: [
			'if (!isActive(job)) return unchanged(null)\n	const told',
			'if (job === null || conversion.tick >= 0) return unchanged(null)\n	const told',
		],
	},
	{
		name: 'version: a waiting job that comes back is a new version',
		file: work,
		without: [
			'if (!isActive(job)) return unchanged(null)\n	const told',
			"if (job?.phase.status !== 'processing') return unchanged(null)\n	const told",
		],
	},
	{
		name: 'percent: after a crash it stands where it may have been shown',
		file: progress,
		without: [
			'return { floor: job.progress.ceiling, ceiling: job.progress.ceiling }',
			'return { floor: 0, ceiling: job.progress.ceiling }',
		],
	},
	{
		name: 'percent: no further than what was saved',
		file: progress,
		without: [
			'Math.max(job.progress.floor, Math.min(actualPercent(job), job.progress.ceiling))',
			'Math.max(job.progress.floor, actualPercent(job))',
		],
		also: {
			file: work,
			without: ['if (!isHeldBack(next) && !isRenewalDue)', 'if (!isRenewalDue || isHeldBack === undefined)'],
		},
	},
	{
		name: 'percent: not taken back with a lost lease',
		file: transition,
		without: ['const shown = percentOf(before)', 'const shown = 0 * percentOf(before)'],
	},
	{
		name: 'watchdog: a lease that is not renewed ends',
		file: work,
		without: ['Math.min(expiresAt, endsAt) <= now ||', 'endsAt <= now ||'],
	},
	{
		name: 'watchdog: a lease that is renewed for ever ends',
		file: work,
		without: [
			'const next = withChunk(job, chunk, { ...chunk, rendered, expiresAt })',
			'const next = withChunk(job, chunk, { ...chunk, rendered, expiresAt: now + LEASE_DURATION, endsAt: now + LONGEST_LEASE })',
		],
	},
	{
		name: 'watchdog: the alarm rings when a lease ends',
		file: due,
		without: [
			'if (isLeased(chunk)) times.push(Math.min(chunk.expiresAt, chunk.endsAt))',
			'if (isLeased(chunk)) continue',
		],
	},
	{
		name: 'alarm: an active job is looked at',
		file: due,
		without: [
			"if (due !== null && !isSet) effects.push({ type: 'setAlarm', at: due })",
			"if (due !== null && !isSet && !isActive(conversion.job)) effects.push({ type: 'setAlarm', at: due })",
		],
	},
	{
		name: 'alarm: what is owed to the history has one',
		file: due,
		without: ['	if (milestone > told.history) {', '	if (milestone < 0) {'],
	},
	{
		name: 'alarm: rings when a backoff is over',
		file: due,
		without: ['times.push(chunk.notBefore)', 'continue'],
	},
	{
		name: 'alarm: one that got lost is set again',
		file: due,
		without: [' && doing.alarmAt > now - ALARM_LATE_AFTER', ''],
	},
	{
		name: 'alarm: what is owed to the lineup has one',
		file: due,
		without: ['if (want !== told.want || want > 0) {', 'if (want > MAX_CONVERTERS) {'],
	},
	{
		name: 'alarm: what is to be swept has one',
		file: due,
		without: ['} else if (sweepAt !== null) {', '} else if (sweepAt === 0) {'],
	},
	{
		name: 'alarm: a reservation has one',
		file: due,
		without: ["} else if (life.state === 'reserved') {", "} else if (life.state === 'forgotten') {"],
	},
	{
		name: 'alarm: a tombstone has one',
		file: due,
		without: ["if (life.state === 'erased' && life.successor", "if (life.state === 'forgotten' && life.successor"],
	},
	{
		name: 'owed: what is under way is not begun again',
		file: due,
		without: ['return { ...doing, lineup: true, watchers', 'return { ...doing, watchers'],
	},
	{
		name: 'retries: bounded',
		file: work,
		without: ['if (isRetryable && losses <= job.maxRetries) {', 'if (isRetryable) {'],
	},
	{
		name: 'retries: a chunk lost twice is taken apart',
		file: work,
		without: [
			'rangeLength(chunk.pages) > 1 && (losses >= SPLIT_AFTER || losses > job.maxRetries)',
			'rangeLength(chunk.pages) > 100',
		],
	},
	{
		name: 'retries: each page that was taken apart has a try of its own',
		file: work,
		without: [
			'split(chunk.pages, Math.min(losses, job.maxRetries), notBefore)',
			'split(chunk.pages, losses, notBefore)',
		],
	},
	{
		name: 'retries: only of what has ended',
		file: life,
		without: ["(job?.phase.status !== 'failed' && job?.phase.status !== 'cancelled')", 'job === null'],
	},
	{
		name: 'retries: a failure that cannot be helped is not tried again',
		file: work,
		without: ['const isRetryable = failure(code).retryable', 'const isRetryable = failure(code) !== undefined'],
	},
	{
		name: 'pages: a pack holds what it says',
		file: work,
		without: [
			'if (!isComplete || !sameNumbers(converted, event.converted)) return superseded(conversion, event, now)',
			'',
		],
	},
	{
		name: 'pages: none is done before the document is open',
		file: work,
		without: ['if (job.totalPages === null || event.through <', 'if (event.through <'],
	},
	{
		name: 'pages: none beyond the lease',
		file: work,
		without: ['event.through < chunk.pages.first || event.through > chunk.pages.last', 'event.through < 0'],
	},
	{
		name: 'pages: the rest of a lease that was finished in part waits',
		file: work,
		without: ['event.through < chunk.pages.last\n			? [{', 'event.through < 0\n			? [{'],
	},
	{
		name: 'pages: a retry keeps those that are ready',
		file: life,
		without: ['		ready: job.ready,\n		chunks,', '		ready: [],\n		chunks,'],
	},
	{
		name: 'pages: a retry refers to the packs that it keeps',
		file: life,
		without: ['packsFrom: job.packsFrom ?? conversion.number,', 'packsFrom: null,'],
	},
	{
		name: 'pages: a retry of a retry refers to the packs of the first',
		file: life,
		without: ['packsFrom: job.packsFrom ?? conversion.number,', 'packsFrom: conversion.number,'],
	},
	{
		name: 'replace: the old job is written down as it ended',
		file: transition,
		without: ['closed: versioned(closed, ended, 0),', 'closed: null,'],
	},
	{
		name: 'want: told until the lineup has answered',
		file: told,
		without: [
			'const missed = { ...told, wantAt: now, wantMisses: told.wantMisses + 1 }',
			'const missed = { ...told, want: event.want, wantAt: now }',
		],
		also: unrepeated,
	},
	{
		name: 'want: what was said of one job is not said of the next',
		file: told,
		without: ['if (job?.id !== event.jobId) return unchanged(null)', 'if (job === null) return unchanged(null)'],
		also: unrepeated,
	},
	{
		name: 'want: another job overrules what was said of the one before',
		file: life,
		without: ['told.want === 0 ? 0 : UNKNOWN_WANT', 'told.want'],
	},
	{
		name: 'want: an older word changes nothing',
		file: lineup,
		without: ['if (known ? !isNewer(asked, known) : left', 'if (known ? now < 0 : left'],
	},
	{
		name: 'want: an older word does not bring back who has left',
		file: lineup,
		without: ['left !== null && asked.seq < left.seq', 'left !== null && now < 0'],
	},
	{
		name: 'lineup: a job that is gone is forgotten',
		file: lineup,
		without: ['return lineup.line.remove(documentId)', "return documentId === ''"],
	},
	{
		name: 'lineup: only the job that is gone is forgotten',
		file: lineup,
		without: [
			'if (lineup.line.of(documentId)?.jobId !== jobId) return false',
			'if (jobId === documentId) return false',
		],
		also: unrepeated,
	},
	{
		name: 'lineup: a claim is a reservation',
		file: lineup,
		without: ['?? []), now + RESERVATION_DURATION])', '?? [])])'],
	},
	{
		name: 'lineup: reservations end',
		file: lineup,
		without: ['expiresAt > now && expiresAt <= now + 2 * RESERVATION_DURATION', 'expiresAt > 0'],
	},
	{
		name: 'lineup: nudges that nobody answers are replaced',
		file: nudges,
		without: ['(sentAt) => sentAt + NUDGE_DURATION > now && sentAt <= now + NUDGE_DURATION', '(sentAt) => sentAt > 0'],
	},
	{
		name: 'lineup: looks again when nobody comes',
		file: lineup,
		without: ['if (lineup.line.size === 0) return null', 'if (lineup.line.size >= 0) return null'],
	},
	{
		name: 'lineup: nudges do not multiply',
		file: nudges,
		without: ['if (since >= 0 && since < HANDED_BACK_AFTER) return false', ''],
	},
	{
		name: 'order: the first in line is next',
		file: line,
		without: ['compareEntries(other, entry) < 0', 'compareEntries(other, entry) > 0'],
	},
	{
		name: 'order: priorities count',
		file: order,
		without: ['arrival - priorityHeadstart[priority] -', 'arrival - 0 * priorityHeadstart[priority] -'],
	},
	{
		name: 'order: a first page comes sooner',
		file: order,
		without: ['(firstPageOut ? 0 : FIRST_PAGE_HEADSTART)', '(firstPageOut ? 0 : 0 * FIRST_PAGE_HEADSTART)'],
	},
	{
		name: "order: an owner's documents keep their distance",
		file: order,
		without: ['Math.max(now, lastOfOwner + SPACING)', 'Math.max(now, lastOfOwner)'],
	},
	{
		name: 'order: who comes back has its place, but for a turn',
		file: lineup,
		without: ['else if (left?.jobId === asked.jobId)', 'else if (left?.jobId === asked.documentId)'],
	},
	{
		name: 'order: a turn ends',
		file: work,
		without: ["if (isTurnOver(chunk, now)) return { outcome: { outcome: 'yield' }, change }", ''],
	},
	{
		name: 'clock: put back, it holds no turn',
		file: work,
		without: ['turnEndsAt <= now || turnEndsAt > now + TURN_DURATION', 'turnEndsAt <= now'],
	},
	{
		name: 'order: no priority is higher than allowed',
		file: life,
		without: ['priority: lowered(start.priority, start.maxPriority),', 'priority: start.priority,'],
	},
	{
		name: 'pause: nobody is given work',
		file: lineup,
		without: ['if (lineup.paused) return null', ''],
	},
	{
		name: 'pause: nobody is called',
		file: lineup,
		without: ['lineup.paused ? 0 : unreserved(lineup)', 'unreserved(lineup)'],
	},
	{
		name: 'place: only of the job that has it',
		file: told,
		without: ['if (job?.id !== jobId) return unchanged(null)', 'if (job === null) return unchanged(null)'],
	},
	{
		name: 'place: what has ended has none any more',
		file: told,
		without: ['if (!isActive(job) || (place === null', 'if ((place === null'],
	},
	{
		name: 'estimate: what was lost does not count as done',
		file: estimate,
		without: ['processed < pace.processed || now < pace.at', 'now < pace.at'],
	},
	{
		name: 'lineup: a job has eight converters at most',
		file: work,
		without: ['!isActive(job) || job.chunks.filter(isLeased).length >= MAX_CONVERTERS', '!isActive(job)'],
	},
	{
		name: 'clock: put back, it holds no reservation',
		file: lineup,
		without: ['expiresAt > now && expiresAt <= now + 2 * RESERVATION_DURATION', 'expiresAt > now'],
	},
	{
		name: 'clock: put back, it holds no lease',
		file: work,
		without: [' || endsAt > now + 2 * LONGEST_LEASE', ''],
	},
	{
		name: 'clock: put back, it holds nothing that is told again',
		file: due,
		without: ['return time <= now || time > now + furthest', 'return time <= now'],
	},
	{
		name: 'clock: put back, it holds no backoff',
		file: work,
		without: [' || chunk.notBefore > now + job.retryPolicy.maxDelay)', ')'],
	},
	{
		name: 'history: told until it has answered',
		file: told,
		without: [
			'const missed = { ...told, historyAt: now, historyMisses: told.historyMisses + 1 }',
			'const missed = { ...told, history: event.sequence }',
		],
	},
	{
		name: 'history: told up to what was said, not up to now',
		file: told,
		without: ['const history = Math.max(told.history, event.sequence)', 'const history = conversion.sequence'],
	},
	{
		name: 'history: every end is a milestone',
		file: transition,
		without: [
			'milestone: change.milestone ? sequence : next.milestone,',
			"milestone: change.milestone && next.job?.phase.status === 'queued' ? sequence : next.milestone,",
		],
	},
	{
		name: 'history: an older word does not overwrite a newer',
		file: 'test/simulation/storage.ts',
		without: ['if (!known || known.version < row.version) table', 'table'],
	},
	{
		name: 'tombstone: nothing is created in its place',
		file: life,
		without: ["if (conversion.life.state !== 'reserved' || conversion.sweepAt !== null) return", 'if (now < 0) return'],
	},
	{
		name: 'tombstone: it stays when the document goes',
		file: life,
		without: ["const life = { state: 'erased', at: now, successor: 0 }", "const life = { state: 'forgotten' }"],
	},
	{
		name: 'tombstone: one that others come after stays',
		file: life,
		without: [' && life.successor === 0 && sweepAt === null', ' && sweepAt === null'],
		also: {
			file: due,
			without: ["if (life.state === 'erased' && life.successor === 0)", "if (life.state === 'erased')"],
		},
	},
	{
		name: 'tombstone: whoever comes after it is decided once',
		file: life,
		without: ['if (life.successor > event.after) return', 'if (life.successor < 0) return'],
	},
	{
		name: 'tombstone: it outlives what may still come',
		file: life,
		without: ['mayGo && life.at + TOMBSTONE_KEPT <= now', 'mayGo'],
	},
	{
		name: 'reservation: what is being swept cannot be created',
		file: life,
		without: [
			"conversion.life.state !== 'reserved' || conversion.sweepAt !== null",
			"conversion.life.state !== 'reserved'",
		],
	},
	{
		name: 'reservation: ends',
		file: life,
		without: ['life.since + RESERVED_FOR <= now', 'life.since < 0'],
	},
	{
		name: 'sweep: what a lost lease may have left is looked for',
		file: work,
		without: [
			'return { ...settled(littered(conversion, now), job, now), outcome: null }',
			'return { ...settled(conversion, job, now), outcome: null }',
		],
	},
	{
		name: 'sweep: what a lease that was given up may have left is looked for',
		file: work,
		without: ['return settled(littered(conversion, now), lost(', 'return settled(conversion, lost('],
	},
	{
		name: 'sweep: what comes late is looked for',
		file: work,
		without: ['if (event.converted.length === 0 || event.fence > conversion.fence) return', 'return'],
	},
	{
		name: 'sweep: what a job that is cancelled may have left is looked for',
		file: life,
		without: ['return job.chunks.some(isLeased) ? littered(ended, now) : ended', 'return ended'],
	},
	{
		name: 'sweep: what an unfinished job has goes when another begins',
		file: life,
		without: ["job && job.phase.status !== 'completed' ? littered(conversion, now) : conversion", 'conversion'],
	},
	{
		name: 'sweep: what a job has that is replaced goes',
		file: life,
		without: ['withJob(littered(closed, now), freshJob(event, now))', 'withJob(closed, freshJob(event, now))'],
	},
	{
		name: 'sweep: what a superseded converter has left is looked for',
		file: work,
		without: [
			'const sweptThrough = Math.min(conversion.sweptThrough, event.fence - 1)',
			'const { sweptThrough } = conversion',
		],
	},
	{
		name: 'sweep: what another job took the place of goes',
		file: work,
		without: [
			'const before = conversion.number > 1 ? littered(conversion, now) : conversion',
			'const before = conversion',
		],
	},
	{
		name: 'sweep: not while packs come and go',
		file: due,
		without: ['sweepAt !== null && sweepAt <= now && !isActive(job)', 'sweepAt !== null && sweepAt <= now'],
	},
	{
		name: 'sweep: not before what is under way has arrived',
		file: 'src/core/job/rules/ruling.ts',
		without: ['export const UNREFERENCED_KEPT = 3_600_000', 'export const UNREFERENCED_KEPT = 1'],
	},
	{
		name: 'sweep: what is served stays',
		file: sweep,
		without: ['[packNumbers(conversion), served && packNumbers(served)]', '[packNumbers(conversion)]'],
	},
	{
		name: 'sweep: what the current job has stays',
		file: sweep,
		without: ['[packNumbers(conversion), served && packNumbers(served)]', '[served && packNumbers(served)]'],
	},
	{
		name: 'sweep: what a retry goes on with stays',
		file: sweep,
		without: ['from <= job && job <= to', 'job === to'],
	},
	{
		name: 'sweep: what was accepted is not loose',
		file: sweep,
		without: ['.filter((each) => !accepted.has(each))', ''],
	},
	{
		name: 'sweep: what was erased goes',
		file: life,
		without: ['sweepAt: now, sweptThrough: 0 }', 'sweepAt: null, sweptThrough: 0 }'],
	},
	{
		name: 'sweep: erased twice, since things are still under way',
		file: life,
		without: ['sweepAt: now < last ? last : null, sweptThrough: 0', 'sweepAt: last < 0 ? last : null, sweptThrough: 0'],
	},
	{
		name: 'sweep: tried again when it failed',
		file: life,
		without: [
			'if (!event.answered) return bookkeeping({ ...conversion, sweepAt: now + SWEEP_AGAIN_AFTER }, null, false)',
			'',
		],
	},
	{
		name: 'webhook: what has happened is to be told',
		file: called,
		without: [
			"if (isActive(was) && status !== 'queued'",
			"if (isActive(was) && status === 'failed' && status !== 'queued'",
		],
	},
	{
		name: 'webhook: the first page is told',
		file: called,
		without: [
			'if (was.firstPageAt === null && is.firstPageAt !== null) events.push(',
			'if (is.firstPageAt === 0) events.push(',
		],
	},
	{
		name: 'webhook: a job that is replaced is told as cancelled',
		file: called,
		without: ['eventsBetween(before, closed ?? after)', 'eventsBetween(before, after)'],
	},
	{
		name: 'webhook: nothing is told of what was erased',
		file: called,
		without: ["if (after.life.state !== 'kept') return after", "if (after.life.state === 'forgotten') return after"],
	},
	{
		name: 'webhook: what was not taken is told again',
		file: calls,
		without: ['if (longest === undefined) return null', 'if (longest === undefined || call.tries >= 0) return null'],
	},
	{
		name: 'webhook: not told again before its time',
		file: calls,
		without: ['const notBefore = now + wait', 'const notBefore = now + 0 * wait'],
	},
	{
		name: 'webhook: nobody is called who has none',
		file: calls,
		without: ['return isWanted ? pending.filter(', 'return isWanted || pending.length > 0 ? pending.filter('],
	},
	{
		name: 'webhook: what waits goes with it',
		file: called,
		without: ['pending: isKnown ? [] : calls.pending', 'pending: isKnown ? calls.pending : calls.pending'],
	},
	{
		name: 'webhook: the alarm rings for it',
		file: due,
		without: [
			'if (calls.isWanted && calls.pending.length > 0) {',
			'if (calls.isWanted && calls.pending.length > 99) {',
		],
	},
	{
		name: 'webhook: called once at a time',
		file: due,
		without: ['if (calls.length > 0 && !doing.webhook)', 'if (calls.length > 0)'],
	},
	{
		name: 'idempotency: a key counts once',
		file: 'src/core/idempotency.ts',
		without: ['if (kept === null || kept.expiresAt <= now) return', 'if (kept === null || kept.expiresAt > 0) return'],
	},
	{
		name: 'password: goes to every converter of its job',
		file: work,
		without: [
			"{ status: 'processing', startedAt: now, sealedPassword }",
			"{ status: 'processing', startedAt: now, sealedPassword: null }",
		],
	},
	{
		name: 'password: a retry has one of its own',
		file: life,
		without: ['sealedPassword: event.sealedPassword ?? null,', 'sealedPassword: null,'],
	},
	{
		name: 'password: ends with the job',
		file: life,
		without: ["			status: 'cancelled',\n", "			...job.phase,\n			status: 'cancelled',\n"],
	},
	{
		name: 'password: without it no page is said to be bad',
		file: work,
		without: ['if (isAboutPassword(event.code)) return', 'if (isAboutPassword(event.code) && now < 0) return'],
	},
]
