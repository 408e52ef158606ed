import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { createImageEncoder } from '../../src/converter/encode/image.ts'
import type { Workshop } from '../../src/converter/lease.ts'
import { createEngines } from '../../src/converter/pdfium/engines.ts'
import { createReader } from '../../src/converter/reader.ts'
import { work } from '../../src/converter/work.ts'
import { makePdf } from '../fixtures/pdf.ts'
import { CoreGate } from './core-gate.ts'
import { pdfium, webp } from './modules.ts'

const encoder = createImageEncoder(webp)

/** @param stepping milliseconds that each page takes, by the clock of converter and gate */
function workshopAt(gate: CoreGate, stepping = 0): Workshop {
	return {
		gate,
		converter: 'this one',
		encoder,
		reader: createReader(gate, createEngines(pdfium)),
		now: () => gate.now,
		breathe: async () => {
			gate.now += stepping
			await new Promise((resolve) => setImmediate(resolve))
		},
	}
}

function pages(count: number): Uint8Array {
	return makePdf(Array.from({ length: count }, (_, index) => ({ text: index === 1 ? [] : [`Page ${index + 1}`] })))
}

test('a document becomes packs that hold each page once, the first page alone', async () => {
	const gate = new CoreGate(pages(20))
	await work(workshopAt(gate))
	expect(gate.conversion.job?.phase.status).toBe('completed')
	expect(gate.finishes.map(({ pack }) => pack?.index.pages.map(({ page }) => page))).toEqual([
		[1],
		Array.from({ length: 16 }, (_, index) => index + 2),
		[18, 19, 20],
	])
	const entries = gate.packs.flatMap((pack) => Object.entries(unzipSync(pack)))
	expect(entries.filter(([name]) => name.startsWith('page-'))).toHaveLength(20)
	const texts = entries.filter(([name]) => name.startsWith('text-')).map(([, bytes]) => new TextDecoder().decode(bytes))
	expect(texts[0]).toContain('Page 1')
	// A page without any text is delivered like the others.
	expect(texts[1]).toBe('')
	expect(texts[19]).toContain('Page 20')
	expect(gate.calls.filter((call) => call === 'source')).toHaveLength(1)
	// Nobody waits any more, so nobody else is to be called.
	expect(gate.calls.at(-1)).toBe('claim')
})

test('a damaged document is given up with a code, not tried again', async () => {
	const gate = new CoreGate(pages(3).subarray(0, 300))
	await work(workshopAt(gate))
	expect(gate.conversion.job?.phase).toMatchObject({ status: 'failed', code: 'invalid_document' })
	expect(gate.finishes).toEqual([])
})

test('a protected document is given up with what it lacks, and converted once it has it', async () => {
	const source = makePdf([{ text: ['first'] }, { text: ['second'] }], { revision: 6, user: 'open sesame' })
	const gate = new CoreGate(source)
	const workshop = workshopAt(gate)
	await work(workshop)
	expect(gate.conversion.job?.phase).toMatchObject({ status: 'failed', code: 'password_required' })
	gate.retry('open Sesame')
	await work(workshop)
	expect(gate.conversion.job?.phase).toMatchObject({ status: 'failed', code: 'password_wrong' })
	gate.retry('open sesame')
	await work(workshop)
	expect(gate.conversion.job?.phase).toMatchObject({ status: 'completed' })
	expect(gate.conversion.job?.ready).toEqual([{ first: 1, last: 2 }])
	expect(gate.calls.filter((call) => call.startsWith('fail'))).toEqual([
		'fail password_required',
		'fail password_wrong',
	])
})

test('a document that one job had open is opened anew for the next, with that one’s password', async () => {
	const source = makePdf([{ text: ['first'] }], { revision: 3, user: 'open sesame' })
	const gate = new CoreGate(source, { quality: 'low' }, 'open sesame')
	const { reader } = workshopAt(gate)
	const lease = await gate.lease()
	if (!lease) throw new Error('there was nothing to lease')
	expect((await reader.open(lease)).outcome).toBe('opened')
	expect((await reader.open({ ...lease, fence: 2 })).outcome).toBe('opened')
	expect(gate.calls.filter((call) => call === 'source')).toHaveLength(1)
	const next = { ...lease, jobId: '00000000-0000-4000-8000-000000000003', fence: 3 }
	expect(await reader.open({ ...next, password: null })).toEqual({ outcome: 'failed', code: 'password_required' })
})

test('a converter whose lease is gone stops within a page', async () => {
	const gate = new CoreGate(pages(17))
	const workshop = workshopAt(gate, 300)
	const { report } = gate
	gate.report = async (said) => {
		if (said.rendered === 2) gate.cancel()
		return await report.call(gate, said)
	}
	await work(workshop)
	expect(gate.finishes.map(({ pack }) => pack?.index.pages.length)).toEqual([1])
	expect(gate.calls.filter((call) => call === 'report').length).toBeLessThanOrEqual(3)
})

test('a result whose answer was lost is sent again, and the work not done again', async () => {
	const gate = new CoreGate(pages(1))
	gate.lost.push('finish')
	await work(workshopAt(gate))
	expect(gate.calls.filter((call) => call === 'finish')).toHaveLength(2)
	expect(gate.conversion.job?.phase.status).toBe('completed')
})

test('what takes long is delivered in parts, and the lineup is asked in between', async () => {
	const gate = new CoreGate(pages(12))
	await work(workshopAt(gate, 1_200))
	const parts = gate.finishes.map(({ pack }) => pack?.index.pages.length ?? 0)
	expect(parts.length).toBeGreaterThan(2)
	expect(Math.max(...parts)).toBeLessThanOrEqual(5)
	expect(gate.calls.filter((call) => call === 'claim').length).toBeGreaterThan(1)
	expect(parts.reduce((sum, part) => sum + part, 0)).toBe(12)
})

test('a converter ends when its budget is spent, though there is more to do', async () => {
	const gate = new CoreGate(pages(40))
	await work(workshopAt(gate, 4_000))
	expect(gate.conversion.job?.phase.status).toBe('processing')
	const done = gate.finishes.reduce((sum, { pack }) => sum + (pack?.index.pages.length ?? 0), 0)
	expect(done).toBeGreaterThan(3)
	expect(done).toBeLessThan(9)
	// So the lineup calls another.
	expect(gate.calls.at(-1)).toBe('leave')
})
