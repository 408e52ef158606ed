/** What the bench asks of its Worker, and what it hears. */

/** What is done again and again, by calls from inside the Worker. */
export const works = ['bare', 'want', 'life', 'claim', 'overview'] as const
export type Work = (typeof works)[number]

/** How many requests the object gets for one of each. */
export const requestsFor = { bare: 1, want: 1, life: 3, claim: 1, overview: 1 } as const satisfies Record<Work, number>

/** A Worker's clock knows milliseconds only. */
export const CLAIMS_AT_A_TIME = 10

export type Order =
	/** Answers how long all of it took, in milliseconds. */
	| { type: 'work'; work: Work; lineup: string; count: number; inFlight: number }
	/** Answers how long each ten claims took, one after the other; everybody stays in line. */
	| { type: 'claims'; lineup: string; count: number; nudged: boolean }
	/** Answers how many rows are written for one small document that comes while others wait, step by step. */
	| { type: 'rows'; lineup: string }
	/** Answers how long one claim took, and how many waited then. */
	| { type: 'first'; lineup: string }
	/** Has an object wait for nobody, so that its alarm does not disturb others. */
	| { type: 'rest'; lineup: string }

export interface Answers {
	work: number
	claims: number[]
	rows: { want: number; claim: number; done: number }
	first: { ms: number; waiting: number }
	rest: null
}
