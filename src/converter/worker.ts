/** The converter Worker. It knows the gate and nothing else of the service. */
import pdfiumModule from '@embedpdf/pdfium/pdfium.wasm'
import webpModule from '@jsquash/webp/codec/enc/webp_enc_simd.wasm'
import { errorText } from '../error-text.ts'
import { createImageEncoder } from './encode/image.ts'
import { type Gate, parsedGate } from './gate.ts'
import { createEngines } from './pdfium/engines.ts'
import { createReader } from './reader.ts'
import { work } from './work.ts'

const engines = createEngines(pdfiumModule)
const encoder = createImageEncoder(webpModule)

/** Invocations can share an isolate and its 128 MB, so only one of them works at a time. */
let busy = false

/** This isolate's name; it cannot be drawn before somebody calls. */
let name: string | null = null

/** The binding's type says nothing of the methods behind it, since the API Worker is none of this Worker's code. */
function gateOf(env: ConverterEnv): Gate {
	return parsedGate(env.GATE as unknown as Gate)
}

export default {
	async queue(batch, env): Promise<void> {
		// A nudge is spent by being heard, whatever comes of it: the lineup sends others as long as somebody waits.
		batch.ackAll()
		const gate = gateOf(env)
		if (busy) return await gate.handBack()
		busy = true
		name ??= crypto.randomUUID()
		try {
			await work({
				gate,
				converter: name,
				encoder,
				reader: createReader(gate, engines),
				now: () => Date.now(),
				breathe: () => scheduler.wait(0),
			})
		} catch (error) {
			console.error('A converter gave up', { error: errorText(error) })
		} finally {
			busy = false
		}
	},

	/** Says whether the converter is there, and with `?gate` whether it can reach the service. */
	async fetch(request, env): Promise<Response> {
		const url = new URL(request.url)
		if (url.pathname !== '/healthz') return new Response('Not found', { status: 404 })
		if (!url.searchParams.has('gate')) return new Response('ok')
		try {
			await gateOf(env).ping()
			return new Response('ok')
		} catch {
			return new Response('The gate does not answer', { status: 503 })
		}
	},
} satisfies ExportedHandler<ConverterEnv>
