/** The wasm modules, compiled as Node can; inside workerd they are imported. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const compile = (name: string) => WebAssembly.compile(readFileSync(require.resolve(name)))

export const pdfium = await compile('@embedpdf/pdfium/pdfium.wasm')
export const webp = await compile('@jsquash/webp/codec/enc/webp_enc_simd.wasm')
export const webpDecoder = await compile('@jsquash/webp/codec/dec/webp_dec.wasm')
