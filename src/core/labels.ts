/** What an application says of a document in its own words: its id there, and whatever else is to come back with it. */
import { z } from 'zod'

/** In Unicode characters, as JSON Schema counts. */
const MAX_EXTERNAL_ID = 200

/** Without flags, since the contract knows none. */
const WITHOUT_CONTROLS = '^[^\\u0000-\\u001f\\u007f-\\u009f]+$'

/** An application's own id of a document: unique per owner, and compared as it is written. */
export const externalIdSchema = z
	.string()
	.regex(new RegExp(WITHOUT_CONTROLS), 'has no control characters, and is not empty')
	.refine((text) => [...text].length <= MAX_EXTERNAL_ID, `has at most ${MAX_EXTERNAL_ID} characters`)
	.meta({
		minLength: 1,
		maxLength: MAX_EXTERNAL_ID,
		description: 'Your own id of the document, unique among your documents.',
	})

/** The most that `metadata` may have, in bytes of UTF-8, written as short as JSON can be. */
export const MAX_METADATA_BYTES = 2_048

/** Longer texts are not even read. */
const MAX_METADATA_TEXT = 16_384

export const metadataSchema = z.record(z.string(), z.unknown())
export type Metadata = z.infer<typeof metadataSchema>

/** `metadata` as it comes with an upload: JSON text, given on as the same written shortly. */
export const metadataTextSchema = z
	.string()
	.max(MAX_METADATA_TEXT)
	.transform((text, issues) => {
		const short = shortJson(text)
		if (short === null) issues.addIssue('is no JSON object')
		else if (bytesOf(short) > MAX_METADATA_BYTES) issues.addIssue(`has more than ${MAX_METADATA_BYTES} bytes`)
		return short ?? z.NEVER
	})
	.meta({
		type: 'string',
		maxLength: MAX_METADATA_TEXT,
		contentMediaType: 'application/json',
		contentSchema: { type: 'object' },
		description: `A JSON object of at most ${MAX_METADATA_BYTES} bytes. It comes back as it is.`,
	})

/** The object that a text of {@link metadataTextSchema} is. */
export function metadataOf(text: string | null): Metadata | null {
	return text === null ? null : JSON.parse(text)
}

function shortJson(text: string): string | null {
	try {
		const value: unknown = JSON.parse(text)
		const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
		return isObject ? JSON.stringify(value) : null
	} catch {
		return null
	}
}

/** Bytes of a text in UTF-8. */
function bytesOf(text: string): number {
	let bytes = 0
	for (const character of text) {
		const code = character.codePointAt(0) ?? 0
		bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4
	}
	return bytes
}
