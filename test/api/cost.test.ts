import { runDurableObjectAlarm } from 'cloudflare:test'
import { beforeAll, expect, test } from 'vitest'
import type { Lease } from '../../src/core/gate.ts'
import { lineup, ring } from './inside.ts'
import { billed, installMeter, price } from './meter.ts'
import { alice, claim, commanded, finish, gate, manifestOf, open, statusOf, uploaded } from './service.ts'
import { Owner } from './webhook/owner.ts'

const meter = await installMeter()

/** A job as a converter works on it: through the lineup, with source and reports, to the end. */
async function convert(pageCount: number, reportsPerLease: number, token = alice): Promise<string> {
	meter.reset()
	const { document, conversion } = await uploaded({ query: '?priority=urgent', token })
	const claimed = await claim({ nudged: true })
	expect(claimed).toEqual({ documentId: document.id, jobId: conversion.jobId })
	let lease: Lease | null = claimed && (await gate.lease(claimed))
	while (lease) {
		const holder = { documentId: document.id, fence: lease.fence }
		if (lease.pageCount === null) {
			await new Response(await gate.source(holder)).arrayBuffer()
			await gate.opened({ ...holder, pageCount })
		}
		for (let rendered = 1; rendered <= reportsPerLease; rendered++) await gate.report({ ...holder, rendered })
		const finished = await finish(lease, { more: true })
		lease = finished.verdict === 'go on' ? finished.next : null
	}
	expect(await claim()).toBeNull()
	// The last words to lineup and history are said after the answer.
	await new Promise((resolve) => setTimeout(resolve, 200))
	// Set when the job began, and not taken back.
	expect(await ring(document.id)).toBe(true)
	return document.id
}

function report(pages: number): string {
	const lines = meter.entries().map(({ what, cause, count }) => `${`${count}`.padStart(4)}  ${what.padEnd(16)}${cause}`)
	const sums = billed.map((what) => `${what}s ${meter.total(what)}`)
	return [
		`A job of ${pages} ${pages === 1 ? 'page' : 'pages'}`,
		...lines,
		`      ${sums.join(', ')}`,
		`      ${dollars()}`,
	].join('\n')
}

/** What a million such jobs cost, without CPU time and without those who watch. */
function perMillion(): number {
	return billed.reduce((sum, what) => sum + meter.total(what) * price[what], 0)
}

function dollars(): string {
	return `$${perMillion().toFixed(2)} a million, without CPU time and readers`
}

// The lineup makes its own table once and for all.
beforeAll(() => convert(1, 0))

/** Rows with alarms, both objects together, the document's own table included. */
test.each([
	{ pages: 1, rows: 13, d1Rows: 8, puts: 2, requests: 13, nudges: 1, dollars: 33 },
	{ pages: 10, rows: 16, d1Rows: 8, puts: 3, requests: 21, nudges: 1, dollars: 42 },
	{ pages: 100, rows: 34, d1Rows: 8, puts: 9, requests: 60, nudges: 8, dollars: 100 },
])(
	'a job of $pages pages costs at most $rows rows, $d1Rows D1 rows, $puts PUTs and $requests requests',
	async ({ pages, ...most }) => {
		const id = await convert(pages, Math.min(pages, 4))
		console.info(report(pages))
		expect(meter.total('object row')).toBeLessThanOrEqual(most.rows)
		expect(meter.total('D1 row')).toBeLessThanOrEqual(most.d1Rows)
		expect(meter.total('R2 PUT')).toBe(most.puts)
		expect(meter.total('object request')).toBeLessThanOrEqual(most.requests)
		expect(meter.total('queue message')).toBeLessThanOrEqual(most.nudges)
		expect(perMillion()).toBeLessThanOrEqual(most.dollars)
		// What must have been written was counted.
		expect(meter.count('object row', 'document: document row')).toBe(1)
		expect(meter.count('object row', 'document: job row')).toBeGreaterThanOrEqual(3)
		expect(meter.count('object row', 'document: pack row')).toBe(most.puts - 1)
		expect(meter.count('object row', 'document: alarm')).toBeGreaterThanOrEqual(1)
		expect(meter.count('object row', 'lineup: entry')).toBeGreaterThanOrEqual(2)
		expect(meter.count('D1 row', 'documents')).toBeGreaterThanOrEqual(2)
		expect(meter.count('D1 row', 'conversion_jobs')).toBeGreaterThanOrEqual(2)
		expect(meter.count('object request', 'document.finish')).toBe(most.puts - 1)
		expect(meter.count('object request', 'lineup.want')).toBeGreaterThanOrEqual(2)
		expect((await statusOf(id)).status).toBe('completed')
	},
)

test('a webhook that answers costs its owner two rows a job at most, and no request of an object', async () => {
	await convert(10, 4)
	const without = billed.map((what) => meter.total(what))
	const owner = await Owner.begin()
	await owner.sets()
	await convert(10, 4, owner.token)
	console.info(report(10))
	expect(await owner.calls()).toHaveLength(2)
	// One, when the first page was answered before the job has ended: then the answer is in a row that is written anyway.
	expect(meter.total('object row')).toBeLessThanOrEqual((without[0] ?? 0) + 2)
	expect(meter.total('D1 row')).toBe(without[1])
	expect(meter.total('object request')).toBeLessThanOrEqual(without[3] ?? 0)
})

test('a job that finds the lineup asleep costs two alarms more', async () => {
	while (await runDurableObjectAlarm(lineup()));
	await convert(10, 4)
	// One for the nudge, and an earlier one for the claim.
	expect(meter.count('object row', 'lineup: alarm')).toBe(2)
	expect(meter.total('object row')).toBeLessThanOrEqual(18)
})

test('a read, a report in between and a start that is given back cost no row', async () => {
	const { document } = await uploaded()
	const lease = await open(document.id, 17)
	await statusOf(document.id)
	await new Promise((resolve) => setTimeout(resolve, 200))
	meter.reset()
	await statusOf(document.id)
	await commanded(document.id, { action: 'start' })
	await gate.lease({ documentId: document.id, jobId: crypto.randomUUID() })
	await manifestOf(document.id)
	expect(await gate.report({ documentId: document.id, fence: lease.fence, rendered: 0 })).toBe('go on')
	await new Promise((resolve) => setTimeout(resolve, 200))
	expect(meter.total('object row')).toBe(0)
	expect(meter.total('D1 row')).toBe(0)
	expect(meter.total('R2 PUT')).toBe(0)
})
