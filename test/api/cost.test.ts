import { beforeAll, expect, test } from 'vitest'
import type { Lease } from '../../src/core/gate.ts'
import { installMeter } from './meter.ts'
import { finish, gate, statusOf, uploaded } from './service.ts'

const cost = await installMeter()

/** A job as a converter works on it: through the lineup, with reports, to the end. */
async function job(pageCount: number, reportsPerLease: number): Promise<typeof cost> {
	Object.assign(cost, { rows: 0, alarms: 0, d1Rows: 0, puts: 0 })
	const { document, conversion } = await uploaded({ query: '?priority=urgent' })
	const claim = await gate.claim(true)
	expect(claim).toEqual({ documentId: document.id, jobId: conversion.jobId })
	let lease: Lease | null = claim && (await gate.lease(claim))
	while (lease) {
		const holder = { documentId: document.id, fence: lease.fence }
		if (lease.pageCount === null) await gate.opened({ ...holder, pageCount })
		for (let rendered = 1; rendered <= reportsPerLease; rendered++) await gate.report({ ...holder, rendered })
		const finished = await finish(lease, { more: true })
		lease = finished.verdict === 'go on' ? finished.next : null
	}
	expect((await statusOf(document.id)).status).toBe('completed')
	// The last words to lineup and history are said after the answer.
	await new Promise((resolve) => setTimeout(resolve, 200))
	return { ...cost }
}

// The lineup makes its own table once and for all.
beforeAll(() => job(1, 0))

/** Rows with alarms, both objects together, the document's own table included. */
test.each([
	{ pages: 1, rows: 13, d1Rows: 8, puts: 2 },
	{ pages: 10, rows: 16, d1Rows: 8, puts: 3 },
	{ pages: 100, rows: 34, d1Rows: 8, puts: 9 },
])('a job of $pages pages costs at most $rows rows, $d1Rows D1 rows and $puts PUTs', async ({ pages, ...most }) => {
	const measured = await job(pages, Math.min(pages, 4))
	console.info(`cost of ${pages} pages`, JSON.stringify(measured))
	expect(measured.rows + measured.alarms).toBeLessThanOrEqual(most.rows)
	expect(measured.d1Rows).toBeLessThanOrEqual(most.d1Rows)
	expect(measured.puts).toBeLessThanOrEqual(most.puts)
	expect(measured.puts).toBeGreaterThanOrEqual(2)
	expect(measured.rows).toBeGreaterThan(0)
	expect(measured.d1Rows).toBeGreaterThan(0)
})
