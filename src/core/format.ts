/** Kinds of documents, by their media types, and who converts them. */
import { z } from 'zod'

export const PDF = 'application/pdf'

/** What this service's own converters can convert; everything else is for somebody's own. */
export const BUILT_IN_FORMATS: readonly string[] = [PDF]

const TOKEN = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*'
const CONTENT_TYPE = new RegExp(`^(${TOKEN}/${TOKEN})(?:\\s*;\\s*${TOKEN}=(?:"[\\w .+/-]*"|[\\w.+/-]+))*$`)

/** A media type without parameters, as in `text/plain`. */
export const formatSchema = z
	.string()
	.max(127)
	.regex(
		/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/,
		'is a media type in small letters, as in text/plain',
	)

/**
 * The format that a `Content-Type` stands for: what is before its parameters.
 *
 * @returns null when it is none
 */
export function formatOf(contentType: string): string | null {
	if (contentType.length > 255) return null
	return CONTENT_TYPE.exec(contentType.trim())?.[1]?.toLowerCase() ?? null
}
