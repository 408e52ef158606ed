/** Parts of requests that many routes have. */
import { z } from 'zod'
import { documentIdSchema } from '../../core/gate.ts'
import { MAX_PAGES } from '../../core/pages.ts'
import { idempotencyKeySchema, wholeNumber } from '../../core/protocol.ts'

export const byId = z.object({ id: documentIdSchema })
export const byPage = byId.extend({ page: wholeNumber(1, MAX_PAGES) })

export const keyed = z.object({
	'idempotency-key': idempotencyKeySchema.optional().meta({
		description: 'Makes the request safe to repeat for a day: the same key gets the same answer.',
	}),
})

/** A file's name, percent-encoded, since header values are ASCII. */
export const fileNamed = z.object({
	'x-filename': z
		.string()
		.max(4_096)
		.optional()
		.transform((header, issues) => {
			try {
				return fileName(header)
			} catch {
				issues.addIssue('is not percent-encoded UTF-8')
				return z.NEVER
			}
		})
		.meta({ type: 'string', description: 'The name of the file, percent-encoded.' }),
})

function fileName(header: string | undefined): string | null {
	if (header === undefined || header.trim() === '') return null
	// Control characters have no place in a name that is shown and saved.
	const clean = [...decodeURIComponent(header)].filter((character) => character >= ' ' && character !== '\u007f')
	return clean.join('').slice(0, 255) || null
}
