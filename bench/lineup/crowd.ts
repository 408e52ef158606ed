/** Those who wait, as a busy service would have them: many owners, some with much, in all priorities. */
import type { Priority } from '../../src/core/snapshot.ts'

const OWNERS = 500
/** Converters at work: as many as a queue's consumers can be. */
export const FLEET = 250

/** In twenty. */
const PRIORITIES: Priority[] = [
	'urgent',
	...Array<Priority>(3).fill('high'),
	...Array<Priority>(12).fill('normal'),
	...Array<Priority>(4).fill('low'),
]

/** Whose the n-th document is: a fifth of all are of ten owners. */
export function ownerOf(index: number): string {
	return `owner-${index % 5 === 0 ? (index / 5) % 10 : index % OWNERS}`
}

export function priorityOf(index: number): Priority {
	// A step that has no factor in common with the rest, so that each owner has all of them.
	return PRIORITIES[(index * 7 + Math.floor(index / OWNERS)) % PRIORITIES.length] ?? 'normal'
}

export function converterOf(index: number): string {
	return `converter-${index % FLEET}`
}
