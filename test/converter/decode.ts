/** Images back to pixels, by decoders that are not ours. */
import createDecoder from '@jsquash/webp/codec/dec/webp_dec.js'
import { PNG } from 'pngjs'
import type { ImageType } from '../../src/core/pack.ts'
import { webpDecoder } from './modules.ts'

/** RGBA, 8 bits each. */
export type Decoded = { width: number; height: number; data: Uint8Array | Uint8ClampedArray }

export async function decodeImage(type: ImageType, bytes: Uint8Array): Promise<Decoded> {
	return type === 'image/png' ? PNG.sync.read(Buffer.from(bytes)) : await decodeWebp(bytes)
}

export async function decodeWebp(bytes: Uint8Array): Promise<Decoded> {
	const scope = globalThis as { ImageData?: unknown }
	// Node has none, and the decoder makes one of its result.
	scope.ImageData ??= function (this: Decoded, data: Uint8ClampedArray, width: number, height: number) {
		Object.assign(this, { data, width, height })
	}
	const module = await createDecoder({
		instantiateWasm(imports: WebAssembly.Imports, received: (instance: WebAssembly.Instance) => void) {
			const instance = new WebAssembly.Instance(webpDecoder, imports)
			received(instance)
			return instance.exports
		},
	} as Parameters<typeof createDecoder>[0])
	return (module as unknown as { decode(bytes: Uint8Array): Decoded }).decode(bytes)
}
