/** What must never happen, has. */
export class Violation extends Error {
	/** I1 to I10 as in docs/engine.md, or what else was broken. */
	readonly invariant: string

	constructor(invariant: string, detail: string) {
		super(detail)
		this.name = 'Violation'
		this.invariant = invariant
	}
}
