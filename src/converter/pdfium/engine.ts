/**
 * One instance of PDFium, and the two things that can go wrong with it.
 *
 * - It traps or aborts: what is left in its heap cannot be trusted. {@link Engine.attempt} turns that into an outcome
 *   and marks the engine broken; everything that lived in it is lost, and the next document needs a new engine.
 * - It wants more heap than an isolate has. The heap is capped, and a refused growth is counted, because PDFium then
 *   either aborts or leaves images out without saying so.
 */
import { init } from '@embedpdf/pdfium'
import type { FailureCode } from '../../core/failure.ts'
import type { PdfiumExports } from './exports.ts'

const MEBIBYTE = 2 ** 20
const WASM_PAGE = 2 ** 16

/**
 * The most heap PDFium gets, in bytes. An isolate has 128 MB for this, the WebP encoder (17 to 50 MB) and JavaScript;
 * pages that swell past {@link WORN_HEAP} are encoded after their engine was dropped, so the two never peak together.
 */
export const HEAP_CAP = 96 * MEBIBYTE

/** An engine whose heap is above this many bytes is replaced at the next chance: a wasm heap never shrinks. */
export const WORN_HEAP = 64 * MEBIBYTE

/** An engine that has loaded this many pages is replaced at the next chance: small leaks and fragments end there. */
export const WORN_PAGES = 100

export type EngineFailure = Extract<FailureCode, 'out_of_memory' | 'internal'>

export type Attempt<T> = { outcome: 'done'; value: T } | { outcome: 'failed'; code: EngineFailure }

export type Engine = {
	/**
	 * Runs a piece of work against PDFium.
	 *
	 * @returns `failed` with `out_of_memory` when heap was refused while it ran, else `internal`, when it threw or when
	 * the engine was broken already. It never throws.
	 */
	attempt<T>(work: (pdfium: PdfiumExports) => T): Attempt<T>
	/** A view of the whole heap; valid until the next call into PDFium, which may move it. */
	heap(): Uint8Array
	heapBytes(): number
	/** How often the heap was refused growth so far. */
	refusals(): number
	/** To be called once per page loaded, for {@link Engine.worn}. */
	countPage(): void
	/** How many pages were loaded in it, of whatever document. */
	pages(): number
	/** True after a trap or abort: nothing in it can be used any more. */
	broken(): boolean
	/** True when it should be replaced as soon as no document is open in it. */
	worn(): boolean
	/** Why it broke, for logs only. */
	fault(): unknown
	/** Breaks it on purpose, so that its heap can be collected. */
	drop(): void
}

/**
 * Instantiates PDFium from a module that was compiled before: workerd refuses to compile at run time.
 *
 * @param heapCap in bytes
 * @throws when the module is not the `pdfium.wasm` of the installed package
 */
export async function createEngine(module: WebAssembly.Module, heapCap: number = HEAP_CAP): Promise<Engine> {
	let refusals = 0
	const exports = await instantiate(module, heapCap, () => {
		refusals++
	})
	exports.PDFiumExt_Init()

	let living: PdfiumExports | null = exports
	let fault: unknown = null
	let pages = 0

	const engine: Engine = {
		attempt(work) {
			if (living === null) return { outcome: 'failed', code: 'internal' }
			const before = refusals
			try {
				return { outcome: 'done', value: work(living) }
			} catch (cause) {
				living = null
				fault = cause
				return { outcome: 'failed', code: refusals > before ? 'out_of_memory' : 'internal' }
			}
		},
		heap: () => (living ? new Uint8Array(living.memory.buffer) : new Uint8Array()),
		heapBytes: () => (living ? living.memory.buffer.byteLength : 0),
		refusals: () => refusals,
		countPage() {
			pages++
		},
		pages: () => pages,
		broken: () => living === null,
		worn: () => living === null || refusals > 0 || pages >= WORN_PAGES || engine.heapBytes() > WORN_HEAP,
		fault: () => fault,
		drop() {
			living = null
		},
	}
	return engine
}

type EmscriptenImports = WebAssembly.Imports & { env: Record<string, (requested: number) => unknown> }

/** What the package's `init` takes, as far as it is used here. */
type Overrides = {
	instantiateWasm(imports: EmscriptenImports, received: (instance: WebAssembly.Instance) => void): object
	print(line: string): void
	printErr(line: string): void
}

async function instantiate(module: WebAssembly.Module, heapCap: number, onRefusal: () => void): Promise<PdfiumExports> {
	let exports: PdfiumExports | undefined
	const overrides: Overrides = {
		instantiateWasm(imports, received) {
			const resize = imports.env.emscripten_resize_heap
			if (!resize) throw new Error('pdfium.wasm is not of the build that this was written for')
			const instance = new WebAssembly.Instance(module, {
				...imports,
				env: {
					...imports.env,
					emscripten_resize_heap(requested: number) {
						const grown = resize(requested)
						if (!grown) onRefusal()
						return grown
					},
				},
			})
			exports = instance.exports as PdfiumExports
			capGrowth(exports.memory, heapCap)
			received(instance)
			return instance.exports
		},
		// Its output is about memory and fonts, line by line, and can hold content of the document.
		print: () => {},
		printErr: () => {},
	}
	await init(overrides as unknown as Parameters<typeof init>[0])
	if (!exports) throw new Error('PDFium was not instantiated')
	return exports
}

/**
 * The build exports its memory, so no maximum can be given to it; but it grows through JavaScript only, by this object's
 * `grow`. Emscripten asks for 20, 10 and 5 % more than needed before it gives up, so a refusal here is no failure yet.
 */
function capGrowth(memory: WebAssembly.Memory, heapCap: number): void {
	const grow = memory.grow.bind(memory)
	memory.grow = (pages) => {
		if (memory.buffer.byteLength + pages * WASM_PAGE > heapCap) throw new RangeError('over the cap of the heap')
		return grow(pages)
	}
}
