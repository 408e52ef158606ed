/**
 * Which colours a picture has, found in one pass that gives up on photos after a few thousand pixels.
 */
import type { Bitmap } from '../pdfium/page.ts'

/** Beyond this many colours a picture is no drawing: its shades do not fit a palette without being seen to differ. */
export const MAX_COLOURS = 4096

/** Pixels that are looked at to guess the paper: a prime of them, so that they fall into all columns. */
const PAPER_SAMPLES = 251

const SLOTS = 16_384
const SLOT_BITS = 14
/** Knuth's multiplicative hash: the upper bits of colour × 2³² / golden ratio spread neighbouring shades. */
const SPREAD = 0x9e3779b1

/** Buffers of the pass. Made once and used for every page, because clearing them is cheaper than allocating them. */
export type ColourScratch = {
	readonly keys: Int32Array
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
		keys: new Int32Array(SLOTS),
		numbers: new Uint16Array(SLOTS),
		colours: new Uint32Array(MAX_COLOURS),
		counts: new Uint32Array(MAX_COLOURS),
		indices: new Uint16Array(0),
		blank: new Uint8Array(0),
	}
}

/** Views into the scratch: valid until its next use. */
export type Colours = {
	/** RGBA; the paper, then the others in the order of first appearance. */
	colours: Uint32Array
	/** Pixels of each colour. */
	counts: Uint32Array
	/** For each pixel the number of its colour; 0 is the paper, the likely background. */
	indices: Uint16Array
	/** For each line 1 if it is paper throughout. */
	blank: Uint8Array
}

/**
 * Numbers the colours of a picture.
 *
 * Pages are runs, of paper above all: so paper is skipped eight pixels at a time, and another colour is looked up only
 * where it begins.
 *
 * @param bitmap of opaque pixels: 0 cannot occur, so it marks a free slot
 * @returns null as soon as there are more than {@link MAX_COLOURS}
 */
export function collectColours(bitmap: Bitmap, scratch: ColourScratch): Colours | null {
	const { width, height } = bitmap
	const total = width * height
	reserve(scratch, total, height)
	const { keys, numbers, colours, counts, indices, blank } = scratch
	// As signed numbers all pixels are integers of the machine, where half of the unsigned ones would be doubles.
	const pixels = new Int32Array(bitmap.pixels.buffer, bitmap.pixels.byteOffset, total)
	const paper = likelyPaper(pixels)
	colours[0] = paper
	counts[0] = 0
	let found = 1
	let at = 0
	while (at < total) {
		const start = at
		const colour = pixels[at++] as number
		if (colour === paper) {
			// Its number is 0, and that is what the indices are.
			at = endOfRun(pixels, at, paper)
			if (at - start >= width) blank.fill(1, Math.ceil(start / width), Math.floor(at / width))
			counts[0] = (counts[0] as number) + at - start
			continue
		}
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
		indices[start] = number
		while (at < total && pixels[at] === colour) indices[at++] = number
		counts[number] = (counts[number] as number) + at - start
	}
	return {
		colours: colours.subarray(0, found),
		counts: counts.subarray(0, found),
		indices: indices.subarray(0, total),
		blank: blank.subarray(0, height),
	}
}

/** Makes the buffers large enough and clears what the last picture left in them. */
function reserve(scratch: ColourScratch, total: number, height: number): void {
	if (scratch.indices.length < total) scratch.indices = new Uint16Array(total)
	else scratch.indices.fill(0, 0, total)
	if (scratch.blank.length < height) scratch.blank = new Uint8Array(height)
	else scratch.blank.fill(0, 0, height)
	scratch.keys.fill(0)
}

/** The most frequent of some pixels all over the picture. A wrong guess costs time only. */
function likelyPaper(pixels: Int32Array): number {
	const counts = new Map<number, number>()
	let most = 0
	let paper = pixels[0] as number
	const step = Math.max(1, Math.floor(pixels.length / PAPER_SAMPLES))
	for (let at = 0; at < pixels.length; at += step) {
		const colour = pixels[at] as number
		const count = (counts.get(colour) ?? 0) + 1
		counts.set(colour, count)
		if (count > most) {
			most = count
			paper = colour
		}
	}
	return paper
}

/** @returns where the run of a colour that holds up to `at` ends */
function endOfRun(pixels: Int32Array, from: number, colour: number): number {
	let at = from
	const last = pixels.length - 8
	while (
		at <= last &&
		(((pixels[at] as number) ^ colour) |
			((pixels[at + 1] as number) ^ colour) |
			((pixels[at + 2] as number) ^ colour) |
			((pixels[at + 3] as number) ^ colour) |
			((pixels[at + 4] as number) ^ colour) |
			((pixels[at + 5] as number) ^ colour) |
			((pixels[at + 6] as number) ^ colour) |
			((pixels[at + 7] as number) ^ colour)) ===
			0
	) {
		at += 8
	}
	while (at < pixels.length && pixels[at] === colour) at++
	return at
}
