/** Puts a point before and a point after each call of a method. */
import { passed } from './points.ts'

// biome-ignore lint/suspicious/noExplicitAny: methods of bindings that are only handed on
type Method = (...args: any[]) => unknown

/**
 * The same object, with points around its methods. Everything else is handed on as it is.
 *
 * @param nameOf how the points of a call are called, or null where there shall be none; `:before` and `:after` are added
 */
export function surround<T extends object>(target: T, nameOf: (method: string, args: unknown[]) => string | null): T {
	return new Proxy(target, {
		get(_, property) {
			// Methods of bindings know only the real object; for a remote one every property is a method.
			const value: unknown = Reflect.get(target, property, target)
			if (typeof value !== 'function' || typeof property !== 'string') return value
			return (...args: unknown[]) => {
				const call = () => Reflect.apply(value as Method, target, args)
				const name = nameOf(property, args)
				return name === null ? call() : surrounded(name, call)
			}
		},
	})
}

/** Calls with a point before, and one after the answer is there. */
export function surrounded<R>(name: string, call: () => R): R {
	passed(`${name}:before`)
	const answer = call()
	if (!isPromise(answer)) {
		passed(`${name}:after`)
		return answer
	}
	return answer.then((value) => {
		passed(`${name}:after`)
		return value
	}) as R
}

/**
 * Puts points around methods of a class: `:begin` when the call has arrived, `:end` when the answer is about to leave.
 *
 * @param name of the class, for the points
 */
// biome-ignore lint/suspicious/noExplicitAny: any class
export function surroundMethods(type: { prototype: any }, base: { prototype: object }, name: string): void {
	for (const [method, { value }] of Object.entries(Object.getOwnPropertyDescriptors(base.prototype))) {
		if (method === 'constructor' || typeof value !== 'function') continue
		const original = value as Method
		type.prototype[method] = function (this: unknown, ...args: unknown[]): unknown {
			passed(`${name}.${method}:begin`)
			const answer = Reflect.apply(original, this, args)
			if (!isPromise(answer)) {
				passed(`${name}.${method}:end`)
				return answer
			}
			return answer.finally(() => passed(`${name}.${method}:end`))
		}
	}
}

function isPromise(value: unknown): value is Promise<unknown> {
	return (
		value instanceof Promise || (typeof value === 'object' && value !== null && 'then' in value && 'finally' in value)
	)
}
