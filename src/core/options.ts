/**
 * What a caller may choose about a conversion.
 */
import { z } from 'zod'
import { pageListSchema } from './pages.ts'

export const qualitySchema = z.enum(['low', 'medium', 'high'])
export type Quality = z.infer<typeof qualitySchema>

export const conversionOptionsSchema = z
	.object({
		quality: qualitySchema.default('medium'),
		/** Pages to convert, as in `"1-5,9"`; all when absent. */
		pages: pageListSchema.optional(),
	})
	.strict()
	.meta({ id: 'ConversionOptions' })

export type ConversionOptions = z.infer<typeof conversionOptionsSchema>

/**
 * The size of a page image per quality.
 *
 * `width` is in pixels; `lossy` is the WebP quality of pages with many colours (0 to 100).
 */
export const rendering = {
	low: { width: 1000, lossy: 65 },
	medium: { width: 1600, lossy: 80 },
	high: { width: 2000, lossy: 90 },
} as const satisfies Record<Quality, { width: number; lossy: number }>

/** Width of a thumbnail in pixels. */
export const THUMBNAIL_WIDTH = 320

/**
 * No page image has more pixels than this, nor a longer side: the WebP encoder needs about 11 bytes of heap a pixel,
 * and an isolate has 128 MB for everything.
 */
export const MAX_PIXELS = 4_000_000
export const MAX_SIDE = 8_000

/**
 * The size in pixels at which a page is rendered: `width` wide, unless that would be too many pixels.
 *
 * @param points the page's own size in points (1/72 inch)
 */
export function renderSize(
	points: { width: number; height: number },
	width: number,
): { width: number; height: number } {
	const aspect = points.height > 0 && points.width > 0 ? points.height / points.width : 1
	const fitting = Math.min(width, Math.sqrt(MAX_PIXELS / aspect), MAX_SIDE, MAX_SIDE / aspect)
	const exact = Math.max(1, Math.floor(fitting))
	return { width: exact, height: Math.max(1, Math.min(MAX_SIDE, Math.floor(exact * aspect))) }
}
