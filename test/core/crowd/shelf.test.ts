import { expect, test } from 'vitest'
import { Shelf } from '../../../src/core/crowd/shelf.ts'

const limits = { entries: 3, bytes: 1_000, keptFor: 900 }

test('an answer is kept until its time is over, counted from when it was asked for', () => {
	const shelf = new Shelf<string>(limits)
	shelf.put('a', 'answer', 10_000, 10)
	expect(shelf.get('a', 10_000)).toBe('answer')
	expect(shelf.get('a', 10_899)).toBe('answer')
	expect(shelf.get('a', 10_900)).toBeNull()
	expect(shelf.size).toBe(0)
	expect(shelf.get('b', 10_000)).toBeNull()
})

test('an answer that a clock ahead has asked for is not shown once the clock was put back', () => {
	const shelf = new Shelf<string>(limits)
	shelf.put('a', 'answer', 10_000, 10)
	expect(shelf.get('a', 9_999)).toBeNull()
})

test('of too many, those go that nobody has asked for longest', () => {
	const shelf = new Shelf<string>(limits)
	for (const key of ['a', 'b', 'c']) shelf.put(key, key, 0, 10)
	shelf.get('a', 1)
	shelf.put('d', 'd', 1, 10)
	expect(['a', 'b', 'c', 'd'].map((key) => shelf.get(key, 2))).toEqual(['a', null, 'c', 'd'])
})

test('what is kept stays within its bytes, and what alone takes half of them is not kept', () => {
	const shelf = new Shelf<string>(limits)
	shelf.put('a', 'a', 0, 400)
	shelf.put('b', 'b', 0, 400)
	expect(shelf.bytes).toBe(800)
	shelf.put('c', 'c', 0, 300)
	expect(shelf.bytes).toBe(700)
	expect(shelf.get('a', 1)).toBeNull()
	shelf.put('b', 'a larger b', 0, 501)
	expect(shelf.get('b', 1)).toBeNull()
	expect(shelf.bytes).toBe(300)
	shelf.put('c', 'another c', 0, 200)
	expect(shelf.bytes).toBe(200)
	shelf.drop('c')
	shelf.drop('c')
	expect(shelf.bytes).toBe(0)
})
