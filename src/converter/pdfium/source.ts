/**
 * A document's bytes on their way into PDFium's heap. They are never held as a whole in JavaScript: with the wasm copy
 * that would be the document twice, in an isolate of 128 MB.
 */
import type { Attempt, Engine } from './engine.ts'

export type Source = ReadableStream<Uint8Array> | Uint8Array

export type Placed =
	| { outcome: 'placed'; pointer: number }
	| { outcome: 'failed'; code: 'out_of_memory' | 'invalid_document' | 'internal' }

/**
 * Copies a source of exactly `size` bytes into the heap, piece by piece.
 *
 * @param size in bytes, known before the first one came
 * @returns `placed` with the address, which the caller frees; or `invalid_document` when the source has fewer or more
 * bytes, `out_of_memory` when they do not fit, `internal` when reading failed. A stream is cancelled then.
 */
export async function placeSource(engine: Engine, source: Source, size: number): Promise<Placed> {
	if (size < 1) return await refuse(source, 'invalid_document')
	const allocated: Attempt<number> = engine.attempt((pdfium) => pdfium.malloc(size))
	if (allocated.outcome === 'failed') return await refuse(source, allocated.code)
	const pointer = allocated.value
	if (pointer === 0) return await refuse(source, 'out_of_memory')

	const filled = await fill(engine, pointer, source, size)
	if (filled === 'filled') return { outcome: 'placed', pointer }
	engine.attempt((pdfium) => pdfium.free(pointer))
	return { outcome: 'failed', code: filled }
}

async function fill(
	engine: Engine,
	pointer: number,
	source: Source,
	size: number,
): Promise<'filled' | 'invalid_document' | 'internal'> {
	if (source instanceof Uint8Array) {
		if (source.byteLength !== size) return 'invalid_document'
		engine.heap().set(source, pointer)
		return 'filled'
	}
	const reader = source.getReader()
	let filled = 0
	try {
		for (;;) {
			const { done, value } = await reader.read()
			if (done) return filled === size ? 'filled' : 'invalid_document'
			if (filled + value.byteLength > size) {
				await reader.cancel()
				return 'invalid_document'
			}
			engine.heap().set(value, pointer + filled)
			filled += value.byteLength
		}
	} catch {
		return 'internal'
	} finally {
		reader.releaseLock()
	}
}

async function refuse<C>(source: Source, code: C): Promise<{ outcome: 'failed'; code: C }> {
	// A stream that failed already has nobody left to tell.
	if (!(source instanceof Uint8Array)) await source.cancel().catch(() => {})
	return { outcome: 'failed', code }
}
