/** Counts what is billed, and by what it was caused: rows, alarms, writes to R2, requests to objects, queue messages. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { DocumentObject } from '../../src/api/document/object.ts'
import { LineupObject } from '../../src/api/lineup/object.ts'
import { lineup } from './inside.ts'

/** What is billed for: each has a price of its own. */
export const billed = ['object row', 'D1 row', 'R2 PUT', 'object request', 'queue message'] as const
export type Billed = (typeof billed)[number]

/** Dollars per million (docs of the platform, 2026); a queue message is written, read and deleted. */
export const price = {
	'object row': 1,
	'D1 row': 1,
	'R2 PUT': 4.5,
	'object request': 0.15,
	'queue message': 3 * 0.4,
} as const satisfies Record<Billed, number>

export class Meter {
	readonly #counts = new Map<string, { what: Billed; cause: string; count: number }>()

	add(what: Billed, cause: string, count = 1): void {
		if (count === 0) return
		const known = this.#counts.get(`${what} ${cause}`)
		if (known) known.count += count
		else this.#counts.set(`${what} ${cause}`, { what, cause, count })
	}

	total(what: Billed): number {
		let sum = 0
		for (const entry of this.#counts.values()) if (entry.what === what) sum += entry.count
		return sum
	}

	/** How often something was, for a cause or for all that begin like it. */
	count(what: Billed, cause: string): number {
		let sum = 0
		for (const entry of this.#counts.values()) {
			if (entry.what === what && entry.cause.startsWith(cause)) sum += entry.count
		}
		return sum
	}

	entries(): { what: Billed; cause: string; count: number }[] {
		const order = (what: Billed) => billed.indexOf(what)
		return [...this.#counts.values()].sort((one, other) => order(one.what) - order(other.what))
	}

	reset(): void {
		this.#counts.clear()
	}
}

type Method = (this: unknown, ...parameters: unknown[]) => unknown

/** Wraps a method of a prototype, so that each call of it is seen. */
function wrap(prototype: object, name: string, wrapped: (original: Method) => Method): void {
	const original: Method = Reflect.get(prototype, name)
	Reflect.set(prototype, name, wrapped(original))
}

/** Counts the calls that come from outside. */
function countCalls(meter: Meter, prototype: object, who: string): void {
	for (const name of Object.getOwnPropertyNames(prototype)) {
		// Nobody but the cron pokes from outside; the alarm does from within. How many of an owner's documents wait is asked
		// every ten seconds at most, however many come.
		if (name === 'constructor' || name === 'poke' || name === 'waiting') continue
		wrap(prototype, name, (original) => {
			return function (...parameters) {
				meter.add('object request', `${who}.${name}`)
				return original.apply(this, parameters)
			}
		})
	}
}

function causeOf(query: string, bindings: unknown[]): string {
	if (/^CREATE TABLE/.test(query)) return / (line|pause) /.test(query) ? 'lineup: its tables' : 'document: its table'
	if (/ line /.test(query)) return /^DELETE/.test(query) ? 'lineup: entry deleted' : 'lineup: entry'
	if (/ pause /.test(query)) return 'lineup: pause'
	const kind = /^INSERT INTO record/.test(query) ? String(bindings[0]) : 'other'
	return `document: ${kind.replace(/\/.*/, '')} row`
}

/**
 * Wraps the very methods of the runtime that the Workers call, once for the isolate that they share with the tests.
 */
export async function installMeter(): Promise<Meter> {
	const meter = new Meter()
	countCalls(meter, DocumentObject.prototype, 'document')
	countCalls(meter, LineupObject.prototype, 'lineup')
	await runInDurableObject(lineup(), (_, state) => {
		wrap(Object.getPrototypeOf(state.storage.sql), 'exec', (original) => {
			return function (...parameters) {
				const cursor = original.apply(this, parameters) as SqlStorageCursor<Record<string, SqlStorageValue>>
				const [query, ...bindings] = parameters
				meter.add('object row', causeOf(String(query), bindings), cursor.rowsWritten)
				return cursor
			}
		})
		wrap(Object.getPrototypeOf(state.storage), 'setAlarm', (original) => {
			return function (...parameters) {
				// Billed as a row.
				meter.add('object row', this === state.storage ? 'lineup: alarm' : 'document: alarm')
				return original.apply(this, parameters)
			}
		})
	})
	wrap(Object.getPrototypeOf(env.HISTORY), 'batch', (original) => {
		return async function (...parameters) {
			const results = (await original.apply(this, parameters)) as D1Result[]
			const [statements] = parameters as [object[]]
			for (const [index, { meta }] of results.entries()) {
				const table = /into "?(\w+)/i.exec(String(Reflect.get(statements[index] ?? {}, 'statement')))?.[1]
				meter.add('D1 row', table ?? 'other', meta.rows_written)
			}
			return results
		}
	})
	wrap(Object.getPrototypeOf(env.FILES), 'put', (original) => {
		return function (...parameters) {
			meter.add('R2 PUT', /source$/.test(String(parameters[0])) ? 'source' : 'pack')
			return original.apply(this, parameters)
		}
	})
	wrap(Object.getPrototypeOf(env.NUDGES), 'sendBatch', (original) => {
		return function (...parameters) {
			meter.add('queue message', 'nudge', [...(parameters[0] as Iterable<unknown>)].length)
			return original.apply(this, parameters)
		}
	})
	return meter
}
