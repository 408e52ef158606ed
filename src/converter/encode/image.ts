/**
 * Chooses how a picture is stored: few colours become an indexed PNG, many a WebP.
 */
import type { ImageType } from '../../core/pack.ts'
import type { Bitmap, Size } from '../pdfium/page.ts'
import { type ColourScratch, type Colours, collectColours, createColourScratch } from './colours.ts'
import { choosePalette, type Palette } from './palette.ts'
import { createRowScratch, encodeIndexedPng, type RowScratch } from './png.ts'
import { createWebpEncoder, type WebpEncoder } from './webp.ts'

export type EncodedImage = { type: ImageType; bytes: Uint8Array }

/** An encoder with the buffers it reuses: up to 24 bytes a pixel altogether. One picture at a time. */
export type ImageEncoder = { webp: WebpEncoder; colours: ColourScratch; rows: RowScratch }

/** @param webp `webp_enc_simd.wasm`, compiled */
export function createImageEncoder(webp: WebAssembly.Module): ImageEncoder {
	return { webp: createWebpEncoder(webp), colours: createColourScratch(), rows: createRowScratch() }
}

/**
 * What is known of a picture's colours; null when they are too many for a palette. It uses the encoder's buffers: good
 * until the next picture.
 */
export function studyColours(encoder: ImageEncoder, bitmap: Bitmap): FewColours | null {
	const colours = collectColours(bitmap, encoder.colours)
	const palette = colours && choosePalette(colours)
	return palette && { colours, palette }
}

export type FewColours = { colours: Colours; palette: Palette }

/** An indexed PNG. */
export function encodeFewColours(encoder: ImageEncoder, size: Size, { colours, palette }: FewColours): EncodedImage {
	return { type: 'image/png', bytes: encodeIndexedPng(size, colours, palette, encoder.rows) }
}

/**
 * @param quality of WebP, 0 to 100
 * @returns null when there is too little memory
 */
export async function encodeManyColours(
	{ webp }: ImageEncoder,
	bitmap: Bitmap,
	quality: number,
): Promise<EncodedImage | null> {
	const bytes = await webp.encode(bitmap, quality)
	return bytes && { type: 'image/webp', bytes }
}

/** Either way, as its colours demand. */
export async function encodeImage(
	encoder: ImageEncoder,
	bitmap: Bitmap,
	quality: number,
): Promise<EncodedImage | null> {
	const few = studyColours(encoder, bitmap)
	return few ? encodeFewColours(encoder, bitmap, few) : encodeManyColours(encoder, bitmap, quality)
}
