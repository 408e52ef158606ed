/**
 * Keeps one engine warm between documents, and replaces it when it is worn out or broken.
 *
 * Several may be alive for a moment (a document can outlast its engine's turn), so callers open one document at a time.
 */
import { createEngine, type Engine, HEAP_CAP } from './engine.ts'

export type Engines = {
	/** A usable engine: the one in use, or a new one of the same module. Takes 2 to 16 ms when new. */
	take(): Promise<Engine>
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
		async take() {
			if (current && !current.worn()) return current
			current = null
			const fresh = await createEngine(module, heapCap)
			made++
			current = fresh
			return fresh
		},
		made: () => made,
	}
}
