/** What passes between the harness and the Workers that it kills. */

/** Where a Worker is told its point, by `PUT`. */
export const CONTROL_PATH = '/chaos'

/** Begins the line that says that the chosen point is reached. */
export const MARKER = 'chaos: stopped at '

/** Where a Worker shall stop. */
export interface Choice {
	point: string
	/** Counted from the moment it is chosen, from 1. */
	nth: number
}
