/** Counts the rows that are billed, whichever object of this isolate writes them. */

let count = 0
let isCounting = false

/** From now on; what it costs is only paid by what is measured after. */
export function countRows(storage: DurableObjectStorage): void {
	if (isCounting) return
	isCounting = true
	const sql = Object.getPrototypeOf(storage.sql) as SqlStorage
	const { exec } = sql
	sql.exec = function (this: SqlStorage, ...parameters) {
		const cursor = exec.apply(this, parameters)
		count += cursor.rowsWritten
		return cursor
	} as SqlStorage['exec']
	const shared = Object.getPrototypeOf(storage) as DurableObjectStorage
	const { setAlarm } = shared
	shared.setAlarm = function (this: DurableObjectStorage, ...parameters) {
		// Billed as a row.
		count += 1
		return setAlarm.apply(this, parameters)
	}
}

/** How many were written since it was last asked. */
export function takeRows(): number {
	const rows = count
	count = 0
	return rows
}
