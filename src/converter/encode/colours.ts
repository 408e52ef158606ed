/**
 * Which colours a picture has, found in one pass that gives up on photos after a few thousand pixels.
 */
import type { Bitmap } from '../pdfium/page.ts'

/** Beyond this many colours a picture is no drawing: its shades do not fit a palette without being seen to differ. */
export const MAX_COLOURS = 4096

const SLOTS = 16_384
const SLOT_BITS = 14
/** Knuth's multiplicative hash: the upper bits of colour × 2³² / golden ratio spread neighbouring shades. */
const SPREAD = 0x9e3779b1

/** Buffers of the pass. Made once and used for every page, because clearing them is cheaper than allocating them. */
export type ColourScratch = {
	readonly keys: Uint32Array
	readonly numbers: Uint16Array
	readonly colours: Uint32Array
	readonly counts: Uint32Array
	/** Colour number per pixel; grows to the largest picture seen. */
	indices: Uint16Array
	/** 1 for each line that is paper throughout; grows likewise. */
	blank: Uint8Array
}

export function createColourScratch(): ColourScratch {
	return {
		keys: new Uint32Array(SLOTS),
		numbers: new Uint16Array(SLOTS),
		colours: new Uint32Array(MAX_COLOURS),
		counts: new Uint32Array(MAX_COLOURS),
		indices: new Uint16Array(0),
		blank: new Uint8Array(0),
	}
}

/** Views into the scratch: valid until its next use. */
export type Colours = {
	/** RGBA, in the order of first appearance. */
	colours: Uint32Array
	/** Pixels of each colour. */
	counts: Uint32Array
	/** For each pixel the number of its colour; 0 is the paper, the colour of the first pixel. */
	indices: Uint16Array
	/** For each line 1 if it is paper throughout. */
	blank: Uint8Array
}

/**
 * Numbers the colours of a picture.
 *
 * Pages are runs: of the first colour (paper) above all, so those are skipped eight pixels at a time, and others are
 * looked up only where the colour changes.
 *
 * @param bitmap of opaque pixels: 0 cannot occur, so it marks a free slot
 * @returns null as soon as there are more than {@link MAX_COLOURS}
 */
export function collectColours({ pixels, width, height }: Bitmap, scratch: ColourScratch): Colours | null {
	const { keys, numbers, colours, counts } = scratch
	const total = pixels.length
	if (scratch.blank.length < height) scratch.blank = new Uint8Array(height)
	const blank = scratch.blank
	blank.fill(0, 0, height)
	if (scratch.indices.length < total) scratch.indices = new Uint16Array(total)
	const indices = scratch.indices
	keys.fill(0)
	indices.fill(0, 0, total)

	const paper = pixels[0] as number
	let found = 0
	let at = 0
	while (at < total) {
		const colour = pixels[at] as number
		let slot = Math.imul(colour, SPREAD) >>> (32 - SLOT_BITS)
		let key = keys[slot] as number
		while (key !== colour && key !== 0) {
			slot = (slot + 1) & (SLOTS - 1)
			key = keys[slot] as number
		}
		if (key === 0) {
			if (found === MAX_COLOURS) return null
			keys[slot] = colour
			numbers[slot] = found
			colours[found] = colour
			counts[found] = 0
			found++
		}
		const number = numbers[slot] as number
		const start = at++
		if (colour === paper) {
			// The indices are 0 there already.
			const last = total - 8
			while (
				at <= last &&
				(((pixels[at] as number) ^ paper) |
					((pixels[at + 1] as number) ^ paper) |
					((pixels[at + 2] as number) ^ paper) |
					((pixels[at + 3] as number) ^ paper) |
					((pixels[at + 4] as number) ^ paper) |
					((pixels[at + 5] as number) ^ paper) |
					((pixels[at + 6] as number) ^ paper) |
					((pixels[at + 7] as number) ^ paper)) ===
					0
			) {
				at += 8
			}
			while (at < total && pixels[at] === paper) at++
			if (at - start >= width) blank.fill(1, Math.ceil(start / width), Math.floor(at / width))
		} else {
			indices[start] = number
			while (at < total && pixels[at] === colour) indices[at++] = number
		}
		counts[number] = (counts[number] as number) + at - start
	}
	return {
		colours: colours.subarray(0, found),
		counts: counts.subarray(0, found),
		indices: indices.subarray(0, total),
		blank: blank.subarray(0, height),
	}
}
