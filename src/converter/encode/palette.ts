/**
 * From the colours of a picture to a palette of at most 256.
 */
import type { Colours } from './colours.ts'

export const MAX_PALETTE = 256

/**
 * How coarse shades may become, in steps of a channel's 256. Lines and letters in two or three inks have a few hundred
 * shades of antialiasing; joined by steps of 8 no pixel moves by more than 7, which is less than WebP does to them.
 */
const STEPS = [2, 4, 8] as const

export type Palette = {
	/** RGBA. */
	entries: Uint32Array
	/** The palette entry of each colour number. */
	entryOf: Uint8Array
	/** False when shades were joined. */
	exact: boolean
}

/**
 * @returns a palette with exactly the picture's colours when they are few enough, else one of joined shades, the most
 * frequent of each group standing for it (so paper and flat areas keep their very colour), else null
 */
export function choosePalette({ colours, counts }: Pick<Colours, 'colours' | 'counts'>): Palette | null {
	if (colours.length <= MAX_PALETTE) {
		return { entries: colours.slice(), entryOf: Uint8Array.from(colours.keys()), exact: true }
	}
	for (const step of STEPS) {
		const palette = join(colours, counts, step)
		if (palette) return palette
	}
	return null
}

function join(colours: Uint32Array, counts: Uint32Array, step: number): Palette | null {
	const mask = ~(0x010101 * (step - 1)) >>> 0
	const groups = new Map<number, number>()
	const entries = new Uint32Array(MAX_PALETTE)
	const most = new Uint32Array(MAX_PALETTE)
	const entryOf = new Uint8Array(colours.length)
	for (const [number, colour] of colours.entries()) {
		const key = colour & mask
		let entry = groups.get(key)
		if (entry === undefined) {
			entry = groups.size
			if (entry === MAX_PALETTE) return null
			groups.set(key, entry)
		}
		entryOf[number] = entry
		const count = counts[number] ?? 0
		if (count > (most[entry] ?? 0)) {
			most[entry] = count
			entries[entry] = colour
		}
	}
	return { entries: entries.slice(0, groups.size), entryOf, exact: false }
}
