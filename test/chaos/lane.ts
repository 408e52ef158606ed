/** One service that is killed again and again, in rounds: kills under load, then rest, then everything is looked at. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Files } from './load/files.ts'
import { Ledger } from './load/ledger.ts'
import { createLoad } from './load/load.ts'
import { unreadablePages } from './load/pages.ts'
import { watchUnsettled } from './load/watcher.ts'
import type { Kill } from './plan.ts'
import { HALVES } from './points.ts'
import type { Random } from './random.ts'
import { type Recovery, recoveryFrom } from './recovery.ts'
import { type Instance, statePath } from './service/instance.ts'
import { missingAlarms } from './state/alarms.ts'
import { activeJobOf } from './state/document.ts'
import { lookAtFiles } from './state/files.ts'
import { brokenPromises, endingsOf } from './state/promises.ts'
import { differingRows } from './state/rows.ts'
import { readDocuments, readStored, type Stored } from './state/stored.ts'
import { count, emptyTally, type Tally } from './tally.ts'

/** A lease, the longest backoff and a lost nudge, twice over: what has not ended then never does. Milliseconds. */
const SETTLED_WITHIN = 180_000
const LOOK_EVERY = 1_000

export interface LaneOptions {
	instance: Instance
	files: Files
	/** The kills of each round. */
	rounds: readonly (readonly Kill[])[]
	random: Random
	signal: AbortSignal
	onRound: (text: string) => void
}

export async function runLane({ instance, files, rounds, random, signal, onRound }: LaneOptions): Promise<Tally> {
	const { client } = instance
	const ledger = new Ledger()
	const load = createLoad(instance, ledger, files, random)
	const tally = emptyTally()
	/** Jobs whose pages have all been read. */
	const read = new Set<string>()
	let previousAt = Date.now()

	/** @returns how those come on who were at work */
	async function killOnce({ half, killed, choice, within }: Kill): Promise<Recovery> {
		const target = instance.half(half)
		if (choice) await target.choose(choice)
		const loading = new AbortController()
		const work = Promise.all([
			load.run(loading.signal),
			watchUnsettled(client, ledger, loading.signal, () => undefined),
		])
		const ending = Promise.race([target.stopped(), work.then(() => 'never'), sleep(within, 'in time', { signal })])
		const stop = await ending.finally(() => loading.abort())
		const killedAt = Date.now()
		const halves = stop === 'crashed' ? HALVES : killed
		await instance.kill(halves)
		await work
		if (stop === 'crashed') {
			tally.crashes++
		} else {
			tally.kills++
			if (stop === 'at its point' && choice) count(tally.points, choice.point)
			else tally.atSomeTime++
			if (stop === 'in time' && choice) count(tally.missed, choice.point)
		}
		const documents = readDocuments(statePath(instance))
		// While the API runs its alarms change under our eyes.
		if (halves.includes('api')) tally.violations.push(...missingAlarms(documents))
		const recovery = recoveryFrom(documents, { killedAt, previousAt })
		previousAt = killedAt
		await instance.start(halves)
		return recovery
	}

	/** Waits until nothing is left to do, as far as it ever will be. */
	async function settle(recovery: Recovery | null): Promise<void> {
		const watching = new AbortController()
		const watched = watchUnsettled(client, ledger, watching.signal, (snapshot) => recovery?.heard(snapshot))
		const deadline = Date.now() + SETTLED_WITHIN
		const isSettled = () => isSettledState(readStored(statePath(instance))) && ledger.unsettled().length === 0
		try {
			while (Date.now() < deadline && !isSettled()) {
				const crash = Promise.race(HALVES.map((half) => instance.half(half).stopped()))
				const next = await Promise.race([crash, watched, sleep(LOOK_EVERY, undefined, { signal })])
				if (next !== 'crashed') continue
				tally.crashes++
				await instance.kill(HALVES)
				await instance.start(HALVES)
			}
		} finally {
			watching.abort()
		}
		await watched
		tally.recoveries.push(...(recovery?.durations() ?? []))
	}

	/** Looks at everything, also at what was well in earlier rounds. */
	async function reconcile(): Promise<void> {
		for (const snapshot of ledger.those(({ status }) => status === 'completed')) {
			if (read.has(snapshot.jobId ?? '')) continue
			tally.violations.push(...(await unreadablePages(client, snapshot)))
			read.add(snapshot.jobId ?? '')
		}
		await instance.kill(HALVES)
		const stored = readStored(statePath(instance))
		const found = lookAtFiles(stored)
		tally.superfluous = found.superfluous
		tally.starts = ledger.promised.size
		tally.ended = endingsOf(ledger, stored.documents)
		tally.violations.push(
			...brokenPromises(ledger, stored.documents),
			...differingRows(stored),
			...missingAlarms(stored.documents),
			...found.violations,
			...ledger.violations.splice(0),
		)
	}

	for (const [index, round] of rounds.entries()) {
		const startedAt = Date.now()
		await instance.start(HALVES)
		let recovery: Recovery | null = null
		for (const kill of round) recovery = await killOnce(kill)
		const killedAt = Date.now()
		await settle(recovery)
		const settledAt = Date.now()
		await reconcile()
		const seconds = (from: number, to: number) => `${((to - from) / 1000).toFixed(0)} s`
		onRound(
			`round ${index + 1} of ${rounds.length}: ${round.length} kills in ${seconds(startedAt, killedAt)}, ` +
				`settled after ${seconds(killedAt, settledAt)}; so far ${ledger.promised.size} starts, ` +
				`${tally.violations.length} violations`,
		)
		// What is broken stays broken: to go on would only say so again.
		if (tally.violations.length > 0) break
	}
	return tally
}

function isSettledState(stored: Stored): boolean {
	return !stored.documents.some(activeJobOf) && differingRows(stored).length === 0
}
