/**
 * The points at which the service is killed. `worker/` counts more of them; these are the ones that a running service
 * passes often enough to be waited for.
 *
 * `before`/`after` are those of whoever calls, `begin`/`end` those of whoever is called. Of what an object writes,
 * nothing is on the disk until its turn has ended: `after` and `asked` are still in it, `durable` is behind it.
 */

/** The two processes. */
export type Half = 'api' | 'converter'
export const HALVES: readonly Half[] = ['api', 'converter']

export interface Point {
	half: Half
	name: string
	/** It is stopped at the first to this many-th time that it is passed. */
	upTo: number
}

const often = 2
const seldom = 1

export const POINTS: readonly Point[] = [
	// An upload, a command, an erasure.
	...at('api', 'http.POST', ['before', 'after'], often),
	...at('api', 'files.put(source)', ['before', 'after'], often),
	...at('api', 'document.reserve', ['before', 'after', 'begin', 'end'], often),
	...at('api', 'document.create', ['before', 'after', 'begin', 'end'], often),
	...at('api', 'document.command', ['before', 'after', 'begin', 'end'], often),
	...at('api', 'http.DELETE', ['before', 'after'], seldom),
	...at('api', 'document.erase', ['before', 'after', 'begin', 'end'], seldom),
	...at('api', 'files.delete', ['before', 'after'], seldom),
	// What an object writes.
	...at('api', 'document.transaction', ['before', 'written', 'after', 'durable'], 6),
	...at('api', 'document.setAlarm', ['before', 'asked', 'durable'], often),
	...at('api', 'lineup.write', ['before', 'after'], often),
	...at('api', 'lineup.setAlarm', ['before', 'asked', 'durable'], seldom),
	// What is told to others.
	...at('api', 'lineup.want', ['before', 'after', 'begin', 'end'], often),
	...at('api', 'nudges.send', ['before', 'after'], often),
	...at('api', 'history.batch', ['before', 'after'], often),
	// Alarms: those of objects with leases that expire.
	...at('api', 'document.alarm', ['begin', 'end'], seldom),
	...at('api', 'lineup.alarm', ['begin', 'end'], seldom),
	// The gate, and what it does behind it.
	...at('api', 'gate.claim', ['begin', 'end'], often),
	...at('api', 'lineup.claim', ['before', 'after'], often),
	...at('api', 'gate.lease', ['begin', 'end'], often),
	...at('api', 'document.lease', ['before', 'after'], often),
	...at('api', 'gate.source', ['begin', 'end'], often),
	...at('api', 'files.get(source)', ['before', 'after'], often),
	...at('api', 'gate.opened', ['begin', 'end'], often),
	...at('api', 'gate.report', ['begin', 'end'], often),
	...at('api', 'gate.finish', ['begin', 'end'], often),
	...at('api', 'files.put(pack)', ['before', 'after'], often),
	...at('api', 'document.finish', ['before', 'after'], often),
	...at('api', 'gate.fail', ['begin', 'end'], seldom),
	...at('api', 'files.get(pack)', ['before', 'after'], often),
	// The converter.
	...at('converter', 'converter.queue', ['before', 'after'], often),
	...at('converter', 'converter.claim', ['before', 'after'], often),
	...at('converter', 'converter.lease', ['before', 'after'], often),
	...at('converter', 'converter.source', ['before', 'after'], often),
	...at('converter', 'converter.opened', ['before', 'after'], often),
	...at('converter', 'converter.report', ['before', 'after'], often),
	...at('converter', 'converter.finish', ['before', 'after'], often),
	...at('converter', 'converter.fail', ['before', 'after'], seldom),
]

function at(half: Half, call: string, moments: readonly string[], upTo: number): Point[] {
	return moments.map((moment) => ({ half, name: `${call}:${moment}`, upTo }))
}
