import { describe, expect, test } from 'vitest'
import { nextPages, pagesToShow, stateWithoutPicture } from '../../src/web/document/page-plan.ts'
import { snapshotWith } from './fixtures.ts'

const none = () => false

describe('the next pages to ask for', () => {
	test('are those that are ready and not had', () => {
		expect(nextPages('1-5,9', (page) => page < 3, 100)).toBe('3-5,9')
	})

	test('are none when all are had, or none is ready', () => {
		expect(nextPages('1-5', () => true, 100)).toBeNull()
		expect(nextPages('', none, 100)).toBeNull()
	})

	test('are no more than the limit, the first ones first', () => {
		expect(nextPages('1-1158', none, 400)).toBe('1-400')
		expect(nextPages('1-1158', (page) => page <= 400, 400)).toBe('401-800')
	})

	test('fit into a query however scattered they are', () => {
		const scattered = nextPages('5001-10000', (page) => page % 2 === 0, 4_000)
		expect(scattered?.length).toBeLessThanOrEqual(2_000)
		expect(scattered?.startsWith('5001,5003,')).toBe(true)
	})
})

describe('the pages that have a place', () => {
	test('are all of the document, ready or not', () => {
		expect(pagesToShow(snapshotWith({ totalPages: 4, readyPages: '2' }))).toEqual([1, 2, 3, 4])
	})

	test('are none before their number is known', () => {
		expect(pagesToShow(snapshotWith({ totalPages: null, readyPages: '' }))).toEqual([])
	})

	test('are those known so far when only some were chosen', () => {
		const failedPages = [{ page: 7, code: 'internal' as const }]
		expect(pagesToShow(snapshotWith({ totalPages: 4, readyPages: '8-9', failedPages }))).toEqual([7, 8, 9])
	})
})

test('a page without a picture says why', () => {
	const state = (page: number, status: 'processing' | 'completed' | 'failed') =>
		stateWithoutPicture(page, { status }, new Set([1]), new Set([2]))
	expect([state(1, 'processing'), state(2, 'processing'), state(3, 'processing')]).toEqual([
		'loading',
		'failed',
		'waiting',
	])
	expect([state(3, 'completed'), state(3, 'failed')]).toEqual(['failed', 'missing'])
})
