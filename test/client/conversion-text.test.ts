import { describe, expect, test } from 'vitest'
import { factsOf, headlineOf, isLocked, namePages, remarksOf } from '../../src/web/document/conversion-text.ts'
import { formatSoon } from '../../src/web/format.ts'
import { snapshotWith } from './fixtures.ts'

test('pages are named, as ranges where they are neighbours, until they are too many', () => {
	expect([[3], [17, 3], [3, 7, 8, 9], [1, 3, 5, 7, 9, 11, 13]].map(namePages)).toEqual([
		'Page 3',
		'Pages 3 and 17',
		'Pages 3 and 7–9',
		'7 pages',
	])
})

describe('what is remarked', () => {
	test('of a completed conversion: each reason with its pages, and what is incomplete', () => {
		const failedPages = [
			{ page: 3, code: 'converter_lost' as const },
			{ page: 5, code: 'out_of_memory' as const },
			{ page: 4, code: 'converter_lost' as const },
		]
		const snapshot = snapshotWith({ status: 'completed', failedPages, failedPageCount: 105 })
		expect(remarksOf(snapshot, 9, [7])).toEqual([
			'Pages 3–4 could not be converted. The conversion was interrupted too often. Try again.',
			expect.stringMatching(/^Page 5 could not be converted\. A page needs more memory/),
			'102 more pages could not be converted.',
			'Page 7 is incomplete: some of its images had to be left out.',
		])
	})

	test('of one that failed or was cancelled: why, and that nothing is lost', () => {
		const failure = { code: 'converter_lost' as const, message: 'Interrupted.', retryable: true }
		expect(remarksOf(snapshotWith({ status: 'failed', failure }), 2, [])).toEqual([
			'Interrupted.',
			'2 pages are ready and stay. Trying again goes on with the others.',
		])
		expect(remarksOf(snapshotWith({ status: 'cancelled' }), 0, [])).toEqual([])
	})

	test('of one that lacks its password: that, and nothing of trying again', () => {
		const failure = { code: 'password_wrong' as const, message: 'Not that one.', retryable: false }
		const snapshot = snapshotWith({ status: 'failed', failure })
		expect([isLocked(snapshot), headlineOf(snapshot)]).toEqual([true, 'A password is needed'])
		expect(remarksOf(snapshot, 2, [])).toEqual(['Not that one.', '2 pages are ready and stay.'])
		const damaged = snapshotWith({ status: 'failed', failure: { ...failure, code: 'invalid_document' } })
		expect([isLocked(damaged), headlineOf(damaged)]).toEqual([false, 'The document could not be converted'])
	})

	test('nothing while it goes on', () => {
		expect(remarksOf(snapshotWith({ failedPageCount: 1 }), 3, [1])).toEqual([])
	})
})

test('while a retry is due, the retries before are not told', () => {
	const nextRetryAt = '2026-10-20T12:00:04.000Z'
	expect(factsOf(snapshotWith({ retryCount: 2 }))).toContain('tried again 2 times')
	expect(factsOf(snapshotWith({ retryCount: 2, nextRetryAt }))).toEqual(['4 of 14 pages'])
})

test('what is due soon is told in steps', () => {
	expect([-1, 0, 1, 10_000, 10_001, 24_000, 55_000, 58_000, 150_000].map(formatSoon)).toEqual([
		'now',
		'now',
		'in a few seconds',
		'in a few seconds',
		'in about 20 s',
		'in about 30 s',
		'in about 1 min',
		'in about 1 min',
		'in about 3 min',
	])
})
