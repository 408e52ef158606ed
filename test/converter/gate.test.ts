import { expect, test } from 'vitest'
import { parsedGate } from '../../src/converter/gate.ts'
import { createEngines } from '../../src/converter/pdfium/engines.ts'
import { createReader } from '../../src/converter/reader.ts'
import { makePdf } from '../fixtures/pdf.ts'
import { CoreGate } from './core-gate.ts'
import { pdfium } from './modules.ts'

/** Answers as RPC gives them: each wants to be given back. */
function counted(gate: CoreGate) {
	const open = new Set<object>()
	const handedOut = { count: 0 }
	const stub = new Proxy(gate, {
		get(target, name) {
			const member = Reflect.get(target, name)
			if (typeof member !== 'function') return member
			return async (...parameters: unknown[]) => {
				const answer: unknown = await member.apply(target, parameters)
				if (typeof answer !== 'object' || answer === null) return answer
				handedOut.count += 1
				open.add(answer)
				return Object.assign(answer, { [Symbol.dispose]: () => open.delete(answer) })
			}
		},
	})
	return { stub, open, handedOut }
}

test('everything that comes over the gate is given back, the source after it was read', async () => {
	const core = new CoreGate(makePdf([{ text: ['one'] }]))
	const { stub, open, handedOut } = counted(core)
	const gate = parsedGate(stub)
	const claim = await gate.claim({ converter: 'this one', nudged: true })
	const lease = claim && (await gate.lease(claim))
	if (!lease) throw new Error('there was nothing to lease')
	const opening = await createReader(gate, createEngines(pdfium)).open(lease)
	expect(opening.outcome).toBe('opened')
	expect(handedOut.count).toBe(3)
	expect(open.size).toBe(0)
})

test('an answer that is not of the protocol is refused', async () => {
	const core = new CoreGate(makePdf([{ text: ['one'] }]))
	core.claim = async () => ({ documentId: 'x', jobId: 'y' })
	await expect(parsedGate(core).claim({ converter: 'this one', nudged: true })).rejects.toThrow()
})
