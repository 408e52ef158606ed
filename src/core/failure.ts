/**
 * The closed catalogue of reasons why a job or a page fails.
 *
 * A code never changes its meaning; codes may be added. The text is for people
 * and says what to do next. Causes (stack traces, library messages) never get
 * in here: recording a failure cannot fail and cannot leak.
 */
import { z } from 'zod'

const catalogue = {
	invalid_document: {
		retryable: false,
		message: 'The file is damaged or is not a PDF. Open it elsewhere, save it again and upload it anew.',
	},
	password_required: {
		retryable: false,
		message: 'The document is protected. Enter its password to go on.',
	},
	password_wrong: {
		retryable: false,
		message: 'That is not the password of this document. Check it and try again.',
	},
	too_many_pages: {
		retryable: false,
		message: 'The document has more pages than can be converted. Split it and upload the parts.',
	},
	no_page_converted: {
		retryable: true,
		message: 'No page of the document could be converted. Try again; if it stays so, the file may be damaged.',
	},
	deadline_exceeded: {
		retryable: true,
		message: 'Converting took too long. Try again, or simplify the document.',
	},
	out_of_memory: {
		retryable: false,
		message: 'A page needs more memory than there is. Reduce its images and upload the document anew.',
	},
	converter_lost: {
		retryable: true,
		message: 'The conversion was interrupted too often. Try again.',
	},
	source_missing: {
		retryable: false,
		message: 'The uploaded file is no longer there. Upload it anew.',
	},
	internal: {
		retryable: true,
		message: 'Something went wrong on our side. Try again in a moment.',
	},
	degraded: {
		retryable: false,
		message: 'The page was converted, but some of its images had to be left out.',
	},
} as const satisfies Record<string, { retryable: boolean; message: string }>

export type FailureCode = keyof typeof catalogue

export const failureCodeSchema = z.enum(Object.keys(catalogue) as [FailureCode, ...FailureCode[]])

export const failureSchema = z
	.object({
		code: failureCodeSchema,
		message: z.string(),
		retryable: z.boolean(),
	})
	.meta({ id: 'Failure' })

export type Failure = z.infer<typeof failureSchema>

/** Whether somebody has to give the document's password, or another one, before anything can be converted. */
export function isAboutPassword(code: FailureCode): boolean {
	return code === 'password_required' || code === 'password_wrong'
}

/** What people are told of a failure: its code, its text, and whether trying again can help. */
export function failure(code: FailureCode): Failure {
	return { code, ...catalogue[code] }
}
