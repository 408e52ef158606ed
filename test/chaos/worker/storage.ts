/** An object's storage with points before, in and after what it writes. */
import { isChosen, passed } from './points.ts'

/**
 * Puts points into an object's storage. The state is changed in place: the runtime takes only its own.
 *
 * @param name of the object, for the points
 */
export function putPointsIntoStorage(ctx: DurableObjectState, name: string): DurableObjectState {
	const { storage } = ctx
	let inTransaction = false

	function exec(query: string, ...bindings: SqlStorageValue[]): SqlStorageCursor<Record<string, SqlStorageValue>> {
		if (/^\s*select\b/i.test(query)) return storage.sql.exec(query, ...bindings)
		if (!inTransaction) passed(`${name}.write:before`)
		const cursor = storage.sql.exec(query, ...bindings)
		passed(inTransaction ? `${name}.transaction:written` : `${name}.write:after`)
		return cursor
	}

	function transactionSync<T>(closure: () => T): T {
		passed(`${name}.transaction:before`)
		inTransaction = true
		try {
			return storage.transactionSync(closure)
		} finally {
			inTransaction = false
			// Nothing of this turn is on the disk yet.
			passed(`${name}.transaction:after`)
			const durable = `${name}.transaction:durable`
			// Now it is, and whoever asked has no answer yet.
			if (isChosen(durable)) void storage.sync().then(() => passed(durable))
		}
	}

	function setAlarm(...args: Parameters<DurableObjectStorage['setAlarm']>): Promise<void> {
		passed(`${name}.setAlarm:before`)
		const set = storage.setAlarm(...args)
		passed(`${name}.setAlarm:asked`)
		return set.then(() => passed(`${name}.setAlarm:durable`))
	}

	const sql = withMethods(storage.sql, { exec })
	const withPoints = withMethods(storage, { sql, transactionSync, setAlarm })
	return Object.defineProperty(ctx, 'storage', { value: withPoints })
}

/** The same object with some of its properties replaced. */
function withMethods<T extends object>(target: T, replaced: Partial<Record<keyof T, unknown>>): T {
	return new Proxy(target, {
		get(_, property) {
			if (property in replaced) return replaced[property as keyof T]
			const value: unknown = Reflect.get(target, property, target)
			return typeof value === 'function' ? value.bind(target) : value
		},
	})
}
