import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../../../src/core/lineup/entry.ts'
import { Line } from '../../../src/core/lineup/line.ts'
import { compareEntries } from '../../../src/core/lineup/order.ts'
import { prioritySchema } from '../../../src/core/snapshot.ts'

type Change = { type: 'put'; entry: Entry } | { type: 'remove'; documentId: string }

const documentId = fc.nat(30).map((number) => `document ${number}`)
const entry: fc.Arbitrary<Entry> = fc.record({
	documentId,
	jobId: fc.constant('job'),
	owner: fc.constantFrom('alice', 'bob', 'carol'),
	priority: fc.constantFrom(...prioritySchema.options),
	format: fc.constant('application/pdf'),
	want: fc.integer({ min: 1, max: 8 }),
	firstPageOut: fc.boolean(),
	seq: fc.constant(1),
	// Few, so that many are equal.
	arrival: fc.nat(20).map((seconds) => seconds * 60_000),
})
const change: fc.Arbitrary<Change> = fc.oneof(
	{ weight: 3, arbitrary: fc.record({ type: fc.constant('put'), entry }) },
	{ weight: 1, arbitrary: fc.record({ type: fc.constant('remove'), documentId }) },
)

/** What a line must say, told by the plainest means. */
function checkLine(line: Line, known: ReadonlyMap<string, Entry>): void {
	const sorted = [...known.values()].sort(compareEntries)
	expect(line.entries).toEqual(sorted)
	expect(line.size).toBe(sorted.length)
	expect(line.places).toBe(sorted.reduce((sum, { want }) => sum + want, 0))
	for (const [index, each] of sorted.entries()) {
		expect(line.indexOf(each)).toBe(index)
		expect(line.of(each.documentId)).toBe(each)
	}
}

test('whoever comes and goes, it is a sorted list of those who are there', () => {
	fc.assert(
		fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
			const line = new Line()
			const known = new Map<string, Entry>()
			for (const each of changes) {
				if (each.type === 'put') {
					line.put(each.entry)
					known.set(each.entry.documentId, each.entry)
				} else {
					expect(line.remove(each.documentId)).toBe(known.delete(each.documentId))
				}
			}
			checkLine(line, known)
		}),
		{ numRuns: 500 },
	)
})

test('the latest of an owner is remembered until none of theirs waits', () => {
	fc.assert(
		fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
			const line = new Line()
			const latest = new Map<string, number>()
			const keyOf = ({ owner, priority }: Entry) => `${owner} ${priority}`
			for (const each of changes) {
				const before = line.of(each.type === 'put' ? each.entry.documentId : each.documentId)
				const isAlone = before && line.entries.filter((other) => keyOf(other) === keyOf(before)).length === 1
				if (isAlone) latest.delete(keyOf(before))
				if (each.type === 'remove') {
					line.remove(each.documentId)
				} else {
					line.put(each.entry)
					const last = latest.get(keyOf(each.entry)) ?? 0
					latest.set(keyOf(each.entry), Math.max(last, each.entry.arrival))
				}
				for (const owner of ['alice', 'bob', 'carol']) {
					for (const priority of prioritySchema.options) {
						expect(line.lastOfOwner({ owner, priority })).toBe(latest.get(`${owner} ${priority}`) ?? null)
					}
				}
			}
		}),
		{ numRuns: 300 },
	)
})

test('ten thousand keep their order, whoever moves', () => {
	const line = new Line()
	const known = new Map<string, Entry>()
	const put = (number: number, arrival: number) => {
		const priority = prioritySchema.options[number % 4] ?? 'normal'
		const each: Entry = {
			documentId: `document ${number}`,
			jobId: 'job',
			owner: `owner ${number % 100}`,
			priority,
			format: 'application/pdf',
			want: 1,
			firstPageOut: number % 3 === 0,
			seq: 1,
			arrival,
		}
		line.put(each)
		known.set(each.documentId, each)
	}
	for (let number = 0; number < 10_000; number++) put(number, (number * 7_919) % 1_000_003)
	for (let number = 0; number < 10_000; number += 3) put(number, (number * 104_729) % 1_000_003)
	for (let number = 0; number < 10_000; number += 7) {
		line.remove(`document ${number}`)
		known.delete(`document ${number}`)
	}
	checkLine(line, known)
})
