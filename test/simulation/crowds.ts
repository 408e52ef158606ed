/** The crowds that the lineup is judged by. */
import type { Arrival } from './crowd.ts'
import { Random } from './random.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Fifty documents of low priority wait, and an urgent one comes ten seconds later. */
export function lowAndUrgent(): Arrival[] {
	const random = new Random(50)
	const low = Array.from({ length: 50 }, (_, index) => ({
		at: index,
		owner: `owner ${index % 5}`,
		priority: 'low' as const,
		pages: random.between(5, 40),
	}))
	return [...low, { at: 10_000, owner: 'somebody', priority: 'urgent', pages: 10 }]
}

/** One owner comes with a hundred documents, another a little later with one. */
export function hundredAndOne(): Arrival[] {
	const random = new Random(101)
	const many = Array.from({ length: 100 }, (_, index) => ({
		at: index * 20,
		owner: 'many',
		priority: 'normal' as const,
		pages: random.between(10, 40),
	}))
	return [...many, { at: 5_000, owner: 'one', priority: 'normal', pages: 10 }]
}

/** Documents of all sizes and priorities, of forty owners, one after the other for an hour. */
export function steady(perSecond: number, duration = HOUR): Arrival[] {
	const random = new Random(3_600)
	const arrivals: Arrival[] = []
	for (let at = 0; at < duration; at += (-Math.log(1 - random.next()) / perSecond) * 1_000) {
		arrivals.push({
			at: Math.floor(at),
			owner: `owner ${Math.floor(random.next() ** 2 * 40)}`,
			priority: random.pick(['low', 'normal', 'normal', 'normal', 'normal', 'normal', 'high', 'high', 'urgent']),
			pages: drawPages(random),
		})
	}
	return arrivals
}

/** Two hundred documents of all sizes at once. */
export function batch(): Arrival[] {
	const random = new Random(200)
	return Array.from({ length: 200 }, (_, index) => ({
		at: index * 10,
		owner: `owner ${index % 7}`,
		priority: 'normal' as const,
		pages: drawPages(random),
	}))
}

/** Most are short, a few are books: 20 pages in the mean. */
function drawPages(random: Random): number {
	const dice = random.next()
	if (dice < 0.6) return random.between(1, 6)
	if (dice < 0.9) return random.between(7, 40)
	if (dice < 0.99) return random.between(41, 150)
	return random.between(151, 500)
}
