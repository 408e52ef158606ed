declare module '*.wasm' {
	const module: WebAssembly.Module
	export default module
}

declare module 'pngjs' {
	export const PNG: { sync: { read(bytes: Uint8Array): { width: number; height: number; data: Buffer } } }
}
