import { expect, test } from 'vitest'
import { MAX_PIXELS, MAX_SIDE, renderSize } from '../../src/core/options.ts'
import { formatRanges, parseRanges } from '../../src/core/pages.ts'

test('ranges are written sorted, with neighbours joined', () => {
	const ranges = [
		{ first: 9, last: 9 },
		{ first: 4, last: 5 },
		{ first: 1, last: 3 },
	]
	expect(formatRanges(ranges)).toBe('1-5,9')
	expect(parseRanges('9,1-3, 4-5')).toEqual(parseRanges('1-5,9'))
})

test.each(['', '0', '5-3', 'a', '1-', '-1', '1,,2', '1-10001', '1.5'])('%j is no list of pages', (text) => {
	expect(parseRanges(text)).toBeNull()
})

test.each([
	{ name: 'A4', points: { width: 595, height: 842 }, width: 1600, height: 2264 },
	{ name: 'a slide', points: { width: 960, height: 540 }, width: 1600, height: 900 },
])('$name is rendered as wide as asked', ({ points, width, height }) => {
	expect(renderSize(points, 1600)).toEqual({ width, height })
})

test.each([
	{ name: 'A0, high', points: { width: 2384, height: 3370 }, asked: 2000 },
	{ name: 'a banner', points: { width: 100, height: 14_400 }, asked: 1600 },
	{ name: 'a strip', points: { width: 14_400, height: 10 }, asked: 1600 },
	{ name: 'a page without size', points: { width: 0, height: 0 }, asked: 1600 },
])('$name stays within what an isolate can hold', ({ points, asked }) => {
	const { width, height } = renderSize(points, asked)
	expect(width * height).toBeLessThanOrEqual(MAX_PIXELS)
	expect(Math.max(width, height)).toBeLessThanOrEqual(MAX_SIDE)
	expect(Math.min(width, height)).toBeGreaterThanOrEqual(1)
})
