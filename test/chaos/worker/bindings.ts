/** The API Worker's bindings with points around every call. */
import { surround, surrounded } from './surround.ts'

const known = new WeakMap<ApiEnv, ApiEnv>()

/** The same for the same environment, since the service remembers what it has checked. */
export function withPoints(env: ApiEnv): ApiEnv {
	const made = known.get(env) ?? {
		...env,
		FILES: surround(env.FILES, (method, [key]) =>
			Array.isArray(key) ? `files.${method}` : `files.${method}(${kindOf(key)})`,
		),
		HISTORY: historyWithPoints(env.HISTORY),
		NUDGES: surround(env.NUDGES, () => 'nudges.send'),
		DOCUMENTS: namespaceWithPoints(env.DOCUMENTS, 'document'),
		LINEUP: namespaceWithPoints(env.LINEUP, 'lineup'),
	}
	known.set(env, made)
	return made
}

function kindOf(key: unknown): string {
	return String(key).endsWith('/source') ? 'source' : 'pack'
}

function namespaceWithPoints<N extends object>(namespace: N, name: string): N {
	return new Proxy(namespace, {
		get(_, property) {
			const value: unknown = Reflect.get(namespace, property, namespace)
			if (typeof value !== 'function') return value
			return (...args: unknown[]) => {
				const answer: unknown = Reflect.apply(value, namespace, args)
				const isStub = property === 'get' || property === 'getByName'
				return isStub ? surround(answer as object, (method) => `${name}.${method}`) : answer
			}
		},
	})
}

/** D1 runs statements, not its own methods; and `batch` knows only statements of its own making. */
function historyWithPoints(database: D1Database): D1Database {
	const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>()

	function statement(original: D1PreparedStatement, name: string): D1PreparedStatement {
		const wrapped = new Proxy(original, {
			get(_, property) {
				const value: unknown = Reflect.get(original, property, original)
				if (typeof value !== 'function') return value
				return (...args: unknown[]) => {
					const call = () => Reflect.apply(value, original, args)
					return property === 'bind' ? statement(call() as D1PreparedStatement, name) : surrounded(name, call)
				}
			},
		})
		originals.set(wrapped, original)
		return wrapped
	}

	return new Proxy(database, {
		get(_, property) {
			if (property === 'prepare') {
				return (query: string) =>
					statement(database.prepare(query), /^\s*select\b/i.test(query) ? 'history.read' : 'history.write')
			}
			if (property === 'batch') {
				return (statements: D1PreparedStatement[]) =>
					surrounded('history.batch', () => database.batch(statements.map((each) => originals.get(each) ?? each)))
			}
			const value: unknown = Reflect.get(database, property, database)
			return typeof value === 'function' ? value.bind(database) : value
		},
	})
}
