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
		.meta({ type: 'string', format: 'percent-encoded', description: 'The name of the file, percent-encoded UTF-8.' }),
})

function fileName(header: string | undefined): string {
	if (header === undefined || header.trim() === '') return 'document.pdf'
	return cleanName(decodeURIComponent(header))
}

/** A file's name without control characters, which have no place in what is shown and saved; never empty. */
export function cleanName(name: string): string {
	const clean = [...name].filter((character) => character >= ' ' && character !== '\u007f')
	return clean.join('').slice(0, 255) || 'document.pdf'
}
