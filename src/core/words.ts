/**
 * Where the words of a page are: what a text that can be selected over the image, and a search in it, need.
 *
 * A word is written short, since a page has hundreds: `["word", x, y, width, height]`, in reading order, and behind that
 * what differs from the usual.
 */
import { z } from 'zod'

/** Coordinates count ten-thousandths of the image, from its left and from its top: of its width or of its height. */
export const WORDS_SCALE = 10_000

/** What stands between a word and the next. */
export const AFTER = { space: 0, lineEnd: 1, nothing: 2 } as const

const part = z.int().min(0).max(WORDS_SCALE)

export const wordSchema = z.tuple([
	z.string(),
	part.describe('x'),
	part.describe('y'),
	part.describe('width'),
	part.describe('height'),
	/**
	 * Of {@link AFTER}; a space when absent. `nothing`: it goes on in the next word, as one does that a hyphen divides at
	 * the end of a line; its text is without that hyphen.
	 */
	z.int().min(0).max(2).optional(),
	/** Quarter turns clockwise by which it lies on the image; 0 when absent. */
	z.int().min(0).max(3).optional(),
])
export type Word = z.infer<typeof wordSchema>

export const pageWordsSchema = z.object({
	words: z.array(wordSchema),
	/** The page has more characters than are looked at for their places; its text is whole. */
	truncated: z.literal(true).optional(),
})
export type PageWords = z.infer<typeof pageWordsSchema>

export const documentWordsSchema = z.object({
	jobId: z.uuid(),
	totalPages: z.int().nullable(),
	/** The pages that are ready, in order; `words` is null when an older release converted them. */
	pages: z.array(
		z.object({
			page: z.int(),
			/** Pixels. */
			width: z.int(),
			height: z.int(),
			words: pageWordsSchema.shape.words.nullable(),
			truncated: pageWordsSchema.shape.truncated,
		}),
	),
})
export type DocumentWords = z.infer<typeof documentWordsSchema>

export const textQuerySchema = z.object({
	job: z.uuid().optional(),
	format: z.enum(['text', 'words']).default('text'),
})

const separators = { [AFTER.space]: ' ', [AFTER.lineEnd]: '\n', [AFTER.nothing]: '' }

/** The words as running text, lines ended by line feeds: what a search looks through. */
export function textOfWords(words: readonly Word[]): string {
	const text = words.map(([word, , , , , after = AFTER.space], index) =>
		index === words.length - 1 ? word : word + separators[after as keyof typeof separators],
	)
	return text.join('')
}
