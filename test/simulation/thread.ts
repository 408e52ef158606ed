/** One thread of a campaign. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Report, Share } from './campaign.ts'
import { simulate } from './simulate.ts'

/** Seeds between two reports. */
const REPORTED_AFTER = 200

const { from, stride, seeds, stopAtFirst }: Share = workerData
let report: Report = { seeds: 0, events: 0, violations: [] }

for (let index = 0; index < seeds; index++) {
	const run = simulate(from + index * stride)
	report.seeds += 1
	report.events += run.events
	if (run.violation) report.violations.push(run)
	const isOver = index === seeds - 1 || (stopAtFirst && run.violation !== null)
	if (isOver || report.seeds === REPORTED_AFTER) {
		parentPort?.postMessage(report)
		report = { seeds: 0, events: 0, violations: [] }
	}
	if (isOver) break
}
