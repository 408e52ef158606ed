/**
 * A pack: the immutable object that one lease produces. It is a ZIP with stored entries, so everybody can open it, and
 * its index says where each page's bytes lie, so a page is one ranged read.
 */
import { z } from 'zod'
import { failureCodeSchema } from './failure.ts'
import { pageNumberSchema } from './pages.ts'

export const imageTypeSchema = z.enum(['image/png', 'image/webp'])
export type ImageType = z.infer<typeof imageTypeSchema>

/** Where bytes lie in the pack. */
const extent = { offset: z.int().nonnegative(), length: z.int().nonnegative() }

export const packPageSchema = z.object({
	page: pageNumberSchema,
	/** Pixels. */
	width: z.int().positive(),
	height: z.int().positive(),
	/** Some of its images had to be left out. */
	degraded: z.literal(true).optional(),
	image: z.object({ type: imageTypeSchema, ...extent }),
	thumbnail: z.object({ type: imageTypeSchema, ...extent }),
	text: z.object(extent),
	/** JSON; packs of older releases have none. The shortest is `{"words":[]}`. */
	words: z.object({ ...extent, length: z.int().min(12) }).optional(),
})
export type PackPage = z.infer<typeof packPageSchema>

export const packIndexSchema = z.object({ pages: z.array(packPageSchema).max(1_000) })
export type PackIndex = z.infer<typeof packIndexSchema>

export const failedPageSchema = z.object({ page: pageNumberSchema, code: failureCodeSchema })
