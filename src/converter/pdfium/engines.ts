/**
 * Keeps one engine warm between documents, and replaces it when it is worn out or broken.
 *
 * Several may be alive for a moment (a document can outlast its engine's turn), so callers open one document at a time.
 */
import { createEngine, type Engine, HEAP_CAP } from './engine.ts'

/** A source of at least this many bytes gets an engine that nothing was left behind in, as it needs the room. */
const LARGE_SOURCE = 8 * 2 ** 20

export type Engines = {
	/**
	 * A usable engine: the one in use, or a new one of the same module. Takes 2 to 16 ms when new.
	 *
	 * @param size of the document that is to be opened in it, in bytes
	 */
	take(size?: number): Promise<Engine>
	/** How many engines were made so far. */
	made(): number
}

/**
 * @param module `pdfium.wasm`, compiled; see {@link createEngine}
 * @param heapCap of each engine, in bytes
 */
export function createEngines(module: WebAssembly.Module, heapCap: number = HEAP_CAP): Engines {
	let current: Engine | null = null
	let made = 0
	return {
		async take(size = 0) {
			if (current && !current.worn() && (current.pages() === 0 || size < LARGE_SOURCE)) return current
			current = null
			const fresh = await createEngine(module, heapCap)
			made++
			current = fresh
			return fresh
		},
		made: () => made,
	}
}
