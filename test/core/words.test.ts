import { expect, test } from 'vitest'
import { AFTER, pageWordsSchema, textOfWords, type Word } from '../../src/core/words.ts'

const word = (text: string, ...more: number[]) => [text, 0, 0, 10, 10, ...more] as Word

test('words are joined by what stands between them', () => {
	const words = [
		word('Two'),
		word('lines,', AFTER.lineEnd),
		word('one'),
		word('di', AFTER.nothing),
		word('vided.', AFTER.lineEnd, 1),
	]
	expect(textOfWords(words)).toBe('Two lines,\none divided.')
	expect(textOfWords([])).toBe('')
})

test.each([
	{ what: 'a place outside of the image', words: [['a', 0, 0, 10_001, 5]] },
	{ what: 'a place that is no whole number', words: [['a', 0.5, 0, 10, 5]] },
	{ what: 'no place', words: [['a', 1, 2, 3]] },
	{ what: 'five quarter turns', words: [['a', 0, 0, 1, 1, 0, 5]] },
])('$what is not understood', ({ words }) => {
	expect(pageWordsSchema.safeParse({ words }).success).toBe(false)
})
