/**
 * WebP, by the wasm build of libwebp in `@jsquash/webp`.
 *
 * Its binding takes the picture as a C++ string and copies that byte by byte in JavaScript, which is a fifth of the whole
 * time. So the encoder is called with an empty picture, and where the binding is about to enter wasm, the real picture
 * (copied in one go) takes that one's place. This depends on the build's export names; the package is pinned, and
 * {@link createWebpEncoder} refuses another build.
 */
import createModule from '@jsquash/webp/codec/enc/webp_enc_simd.js'
import { defaultOptions } from '@jsquash/webp/meta.js'
import type { Bitmap } from '../pdfium/page.ts'

/** The build's minified names of what is needed of it. */
type WebpExports = {
	/** memory */
	readonly x: WebAssembly.Memory
	/** malloc */
	z(bytes: number): number
	/** free */
	A(pointer: number): void
	/** table of functions */
	readonly D: WebAssembly.Table
}

type Invoker = (target: number, picture: number, width: number, height: number, config: number) => number

type WebpCodec = {
	encode(picture: Uint8Array, width: number, height: number, options: typeof defaultOptions): Uint8Array | null
}

export type WebpEncoder = {
	/**
	 * @param quality 0 to 100
	 * @returns null when it could not be encoded (too little memory, too large a picture); never throws
	 */
	encode(bitmap: Bitmap, quality: number): Promise<Uint8Array | null>
	/** Bytes of its heap; 0 when there is none at the moment. */
	heapBytes(): number
}

/** libwebp's speed: 0 of 6. Method 2 saves a quarter of the bytes and takes 60 % longer. */
const METHOD = 0

/** More than a page of the largest allowed size needs. A heap above this is not kept. */
const KEPT_HEAP = 48 * 2 ** 20

/**
 * @param module `webp_enc_simd.wasm`, compiled
 */
export function createWebpEncoder(module: WebAssembly.Module): WebpEncoder {
	let instance: Instance | null = null
	return {
		async encode(bitmap, quality) {
			try {
				instance ??= await instantiate(module)
				const bytes = instance.encode(bitmap, quality)
				if (bytes === null || instance.heapBytes() > KEPT_HEAP) instance = null
				return bytes
			} catch {
				// A trap leaves the instance unusable.
				instance = null
				return null
			}
		},
		heapBytes: () => instance?.heapBytes() ?? 0,
	}
}

type Instance = { encode(bitmap: Bitmap, quality: number): Uint8Array | null; heapBytes(): number }

async function instantiate(module: WebAssembly.Module): Promise<Instance> {
	let wasm: WebpExports | undefined
	let pending: Bitmap | null = null

	const enter =
		(invoke: Invoker, exports: WebpExports): Invoker =>
		(target, emptyPicture, width, height, config) => {
			if (pending === null) return invoke(target, emptyPicture, width, height, config)
			const picture = placePicture(exports, pending)
			pending = null
			if (picture === 0) throw new RangeError('no heap for the picture')
			try {
				return invoke(target, picture, width, height, config)
			} finally {
				exports.A(picture)
			}
		}

	const codec = (await createModule({
		print: () => {},
		printErr: () => {},
		instantiateWasm(imports: WebAssembly.Imports, received: (instance: { exports: object }) => void) {
			const exports = new WebAssembly.Instance(module, imports).exports as unknown as WebpExports
			if (!(exports.x instanceof WebAssembly.Memory) || !(exports.D instanceof WebAssembly.Table)) {
				throw new Error('webp_enc_simd.wasm is not of the build that this was written for')
			}
			wasm = exports
			const get = (index: number) => enterable(exports.D.get(index), (invoke) => enter(invoke, exports))
			received({ exports: { ...exports, D: { get } } })
			return exports
		},
	} as Parameters<typeof createModule>[0])) as unknown as WebpCodec
	const exports = wasm
	if (!exports) throw new Error('the WebP encoder was not instantiated')

	return {
		encode(bitmap, quality) {
			pending = bitmap
			try {
				return codec.encode(new Uint8Array(), bitmap.width, bitmap.height, {
					...defaultOptions,
					quality,
					method: METHOD,
				})
			} finally {
				pending = null
			}
		},
		heapBytes: () => exports.x.buffer.byteLength,
	}
}

/** The binding asks the table for functions of several kinds; only the encoder's has these five parameters. */
function enterable(entry: unknown, wrap: (invoke: Invoker) => Invoker): unknown {
	return typeof entry === 'function' && entry.length === 5 ? wrap(entry as Invoker) : entry
}

/** As the binding lays out a `std::string`: its length in 4 bytes, then its bytes. */
function placePicture(exports: WebpExports, { pixels }: Bitmap): number {
	const pointer = exports.z(4 + pixels.byteLength + 1)
	if (pointer === 0) return 0
	new DataView(exports.x.buffer).setUint32(pointer, pixels.byteLength, true)
	new Uint8Array(exports.x.buffer, pointer + 4).set(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength))
	return pointer
}
