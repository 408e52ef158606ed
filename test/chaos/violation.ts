/** What must never happen, each kind with the invariant of the design that it breaks. */
export type ViolationKind =
	/** I1: a start that was answered 2xx did not come to an end. */
	| 'lost'
	/** I3: a job that had ended changed, or the same request was carried out twice. */
	| 'completed twice'
	/** I4, I8: a version or a percent fell, one version said two things, or what was erased came back. */
	| 'went back'
	/** I6: a page of a manifest cannot be read, or is not of the right length. */
	| 'unreadable page'
	/** I7: a row of D1 or of the lineup does not say what the object says. */
	| 'row differs'
	/** I9: something is owed, and no alarm is armed. */
	| 'alarm missing'
	/** I10: an object in R2 that nobody knows or will delete. */
	| 'orphan'

export interface Violation {
	kind: ViolationKind
	/** What was seen, with the ids that it takes to look for it in the state. */
	text: string
}
