/** Counts what is billed: rows that objects write, alarms they set (each is a row), D1 rows and R2 writes. */

import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

export interface Cost {
	/** Rows written by SQL in objects, the schema's own included. */
	rows: number
	/** `setAlarm` calls in objects; each is billed as a row. */
	alarms: number
	/** Rows written in D1, indexes included. */
	d1Rows: number
	puts: number
}

/**
 * Wraps the very methods of the runtime that the Workers call, once for the isolate that they share with the tests.
 */
export async function installMeter(): Promise<Cost> {
	const cost: Cost = { rows: 0, alarms: 0, d1Rows: 0, puts: 0 }
	const stub = env.LINEUP.get(env.LINEUP.idFromName('meter'))
	await runInDurableObject(stub, (_, state) => {
		const sql = Object.getPrototypeOf(state.storage.sql)
		const exec = sql.exec
		sql.exec = function (this: SqlStorage, query: string, ...bindings: unknown[]) {
			const cursor = exec.call(this, query, ...bindings)
			cost.rows += cursor.rowsWritten
			return cursor
		}
		const storage = Object.getPrototypeOf(state.storage)
		const setAlarm = storage.setAlarm
		storage.setAlarm = function (this: DurableObjectStorage, ...parameters: unknown[]) {
			cost.alarms += 1
			return setAlarm.call(this, ...parameters)
		}
	})
	const database = Object.getPrototypeOf(env.HISTORY)
	const batch = database.batch
	database.batch = async function (this: D1Database, ...parameters: unknown[]) {
		const results: D1Result[] = await batch.apply(this, parameters)
		for (const { meta } of results) cost.d1Rows += meta.rows_written
		return results
	}
	const bucket = Object.getPrototypeOf(env.FILES)
	const put = bucket.put
	bucket.put = function (this: R2Bucket, ...parameters: unknown[]) {
		cost.puts += 1
		return put.call(this, ...parameters)
	}
	return cost
}
