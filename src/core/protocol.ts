/**
 * What passes between the service and its clients: requests, answers and socket messages, in one place for both ends.
 */
import { z } from 'zod'
import { externalIdSchema, metadataSchema, metadataTextSchema } from './labels.ts'
import { conversionOptionsSchema } from './options.ts'
import { imageTypeSchema } from './pack.ts'
import { pageListSchema } from './pages.ts'
import { prioritySchema, snapshotSchema } from './snapshot.ts'

/**
 * A whole number as it stands in a path or a query. `z.coerce` would take an empty text for 0, and `0x10` for 16.
 *
 * @param minimum included, as is `maximum`
 */
export function wholeNumber(minimum: number, maximum: number) {
	return z
		.string()
		.regex(/^(?:0|[1-9]\d{0,15})$/, 'is a whole number')
		.transform(Number)
		.pipe(z.int().min(minimum).max(maximum))
		.meta({ type: 'integer', minimum, maximum })
}

/** The largest document that is taken, in bytes: what was measured to convert within an isolate's 128 MB. */
export const MAX_UPLOAD_BYTES = 32 * 1024 * 1024
/** … and in a form, which is held in memory. */
export const MAX_FORM_FILE_BYTES = 16 * 1024 * 1024

export const documentSchema = z
	.object({
		id: z.uuid(),
		externalId: z.string().nullable(),
		/** What came with the upload; a service of an older release says nothing of it. */
		metadata: metadataSchema.nullable().default(null),
		name: z.string(),
		contentType: z.string(),
		/** Bytes. */
		size: z.int(),
		createdAt: z.iso.datetime(),
	})
	.meta({ id: 'Document' })
export type PlatenDocument = z.infer<typeof documentSchema>

/** Query strings know only text. */
const flag = (otherwise: 'true' | 'false') =>
	z
		.enum(['true', 'false'])
		.default(otherwise)
		.transform((text) => text === 'true')

export const uploadQuerySchema = z.object({
	convert: flag('true'),
	priority: prioritySchema.default('normal'),
	quality: z.enum(['low', 'medium', 'high']).default('medium'),
	externalId: externalIdSchema.optional(),
	metadata: metadataTextSchema.optional(),
})

export const uploadedSchema = z
	.object({ document: documentSchema, conversion: snapshotSchema })
	.meta({ id: 'Uploaded' })
export type Uploaded = z.infer<typeof uploadedSchema>

export const listQuerySchema = z.object({
	cursor: z.string().max(200).optional(),
	limit: wholeNumber(1, 100).default(20).meta({ default: 20 }),
	/** Only the document that has this one: none or one, and as it is just now. */
	externalId: externalIdSchema.optional(),
})

export const conversionsQuerySchema = z.object({
	cursor: z
		.string()
		.regex(/^[1-9]\d{0,14}$/, 'is not one of ours')
		.transform(Number)
		.meta({ type: 'string', pattern: '^[1-9]\\d{0,14}$' })
		.optional(),
	limit: wholeNumber(1, 100).default(20).meta({ default: 20 }),
})

export const documentItemSchema = documentSchema
	.extend({
		/** As of the last milestone; the snapshot knows better. */
		status: snapshotSchema.shape.status,
		totalPages: z.int().nullable(),
	})
	.meta({ id: 'DocumentItem' })
export const documentListSchema = z
	.object({ items: z.array(documentItemSchema), nextCursor: z.string().nullable() })
	.meta({ id: 'DocumentList' })
export type DocumentList = z.infer<typeof documentListSchema>

const maxRetries = z.int().min(0).max(10)

/**
 * What opens a protected document. PDF looks at the first 127 bytes of it at most, so this is more than anybody has.
 * Control characters are in none: ISO 32000-2 prepares passwords by SASLprep, which forbids them.
 */
export const passwordSchema = z
	.string()
	.regex(/^[ -\uffff]{1,256}$/, 'has 1 to 256 characters, none of them a control character')
	.meta({
		format: 'password',
		description:
			'Of a protected document. Kept sealed until the conversion ends, and given back by nobody; it is no part of what an `Idempotency-Key` stands for.',
	})

export const startCommandSchema = z
	.object({
		action: z.literal('start'),
		priority: prioritySchema.default('normal'),
		/** While a conversion runs: give that one back, refuse, or cancel it and start anew. */
		onActive: z.enum(['return', 'reject', 'replace']).default('return'),
		/** Convert again although that was done already with these options. */
		forceReconvert: z.boolean().default(false),
		/** How often each part may be tried again; the service's own number when absent. */
		maxRetries: maxRetries.optional(),
		options: conversionOptionsSchema.default({ quality: 'medium' }),
		password: passwordSchema.optional(),
	})
	.meta({ id: 'StartCommand' })

/** Goes on where a failed or cancelled conversion ended; whatever is left out stays as it was. */
export const retryCommandSchema = z
	.object({
		action: z.literal('retry'),
		priority: prioritySchema.optional(),
		maxRetries: maxRetries.optional(),
		/** May only say what they were. */
		options: conversionOptionsSchema.optional(),
		/** The one that was given before is not known any more. */
		password: passwordSchema.optional(),
	})
	.meta({ id: 'RetryCommand' })

export const cancelCommandSchema = z.object({ action: z.literal('cancel') }).meta({ id: 'CancelCommand' })

export const conversionCommandSchema = z
	.discriminatedUnion('action', [startCommandSchema, retryCommandSchema, cancelCommandSchema])
	.meta({ id: 'ConversionCommand' })
export type ConversionCommand = z.infer<typeof conversionCommandSchema>
/** Commands as a client may write them: whatever has a default may be left out. */
export type StartRequest = Omit<z.input<typeof startCommandSchema>, 'action'>
export type RetryRequest = Omit<z.input<typeof retryCommandSchema>, 'action'>

/** What an operator may tell the lineup. */
export const queueCommandSchema = z.object({ action: z.enum(['pause', 'resume']) }).meta({ id: 'QueueCommand' })

/** The longest that a status read may wait for news, in seconds. */
export const LONGEST_WAIT = 25

export const statusQuerySchema = z.object({
	/** A version: none below it is answered; with `wait`, the answer comes as soon as there is a higher one. */
	since: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
	/** Seconds. */
	wait: z
		.string()
		.regex(/^\d{1,2}(\.\d{1,3})?$/, 'is a number of seconds')
		.transform(Number)
		.pipe(z.number().min(0).max(LONGEST_WAIT))
		.meta({ type: 'number', minimum: 0, maximum: LONGEST_WAIT, multipleOf: 0.001 })
		.optional(),
})

/** How many documents' conversions may be asked for at once. */
export const MOST_STATUSES = 50

const UUID = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'

export const statusesQuerySchema = z.object({
	/** Separated by commas; twice the same counts as once. */
	ids: z
		.string()
		.regex(new RegExp(`^${UUID}(?:,${UUID}){0,${MOST_STATUSES - 1}}$`), `is 1 to ${MOST_STATUSES} ids, with commas`),
})

export const statusesSchema = z
	.object({
		/** In the order in which they were asked for, without those that are not there or not the caller's. */
		items: z.array(snapshotSchema),
		/** Documents that did not answer in time: ask again in a moment. */
		unavailable: z.array(z.string()),
	})
	.meta({ id: 'Statuses' })
export type Statuses = z.infer<typeof statusesSchema>

/** Makes a POST safe to repeat for a day: as long as anybody will reasonably try again. */
export const idempotencyKeySchema = z
	.string()
	.min(1)
	.max(255)
	.regex(/^[\x21-\x7e]+$/, 'visible ASCII characters')

export const ticketSchema = z.object({ ticket: z.string(), expiresAt: z.iso.datetime() }).meta({ id: 'Ticket' })

/** The WebSocket subprotocol that is spoken, and how a ticket is written beside it. */
export const SOCKET_PROTOCOL = 'platen.v1'
export const TICKET_PROTOCOL_PREFIX = 'ticket.'

/** Everything that the server says on a socket. */
export const socketMessageSchema = z.discriminatedUnion('type', [
	z.object({ type: z.literal('snapshot'), snapshot: snapshotSchema }),
])

export const manifestQuerySchema = z.object({
	job: z.uuid().optional(),
	/** Only these pages, as in `"1-5,9"`. */
	pages: pageListSchema.optional(),
})

export const manifestPageSchema = z
	.object({
		page: z.int(),
		/** Pixels; null for a page that is not ready. */
		width: z.int().nullable(),
		height: z.int().nullable(),
		type: imageTypeSchema.nullable(),
		state: z.enum(['ready', 'degraded', 'failed']),
		imageUrl: z.string().nullable(),
		thumbnailUrl: z.string().nullable(),
		textUrl: z.string().nullable(),
		/** JSON, see `pageWordsSchema`; null also for a page that an older release converted. */
		wordsUrl: z.string().nullable().default(null),
	})
	.meta({ id: 'Page' })
export type ManifestPage = z.infer<typeof manifestPageSchema>

export const manifestSchema = z
	.object({
		jobId: z.uuid(),
		totalPages: z.int().nullable(),
		pages: z.array(manifestPageSchema),
	})
	.meta({ id: 'Manifest' })
export type Manifest = z.infer<typeof manifestSchema>

/** RFC 9457, with a stable `code`. */
export const problemSchema = z
	.object({
		type: z.string(),
		title: z.string(),
		status: z.int(),
		code: z.string(),
		detail: z.string(),
		/** Names the request, as the log does: `urn:platen:request:<id>`. */
		instance: z.string().optional(),
	})
	.meta({ id: 'Problem', description: 'RFC 9457, with a stable `code`.' })
export type Problem = z.infer<typeof problemSchema>
