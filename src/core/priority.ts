/** Priorities, and who may have which. */
import { type Priority, prioritySchema } from './snapshot.ts'

const rank = (priority: Priority) => prioritySchema.options.indexOf(priority)

export function isAbove(priority: Priority, most: Priority): boolean {
	return rank(priority) > rank(most)
}

/** The priority itself, or the most that is allowed. */
export function lowered(priority: Priority, most: Priority): Priority {
	return isAbove(priority, most) ? most : priority
}
