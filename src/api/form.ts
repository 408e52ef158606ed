/** An upload as browsers' forms send it: with the fields beside the file, and held in memory, so it is bounded. */
import { z } from 'zod'
import { MAX_FORM_FILE_BYTES, uploadQuerySchema } from '../core/protocol.ts'
import { within } from '../deadline.ts'
import { malformed } from './http/app.ts'
import { Refusal } from './problem.ts'
import { openPdf, type PdfUpload, sizedBody, UPLOAD_DEADLINE } from './upload.ts'

/** What the fields and the lines between the parts may take. Bytes. */
const MAX_AROUND_FILE = 64 * 1024
/** A longer field is none of ours. Bytes. */
const MAX_FIELD = 32 * 1024

const fileTooLarge = `A file in a form may have ${MAX_FORM_FILE_BYTES / 1024 / 1024} MB. Send a larger one as the body itself.`

/** The form as the contract shows it. No schema that parses: that would take every body, PDFs too, for a form. */
export const uploadFormSchema = {
	type: 'object' as const,
	required: ['file'],
	properties: {
		file: {
			type: 'string' as const,
			contentMediaType: 'application/pdf',
			description: `The document, up to ${MAX_FORM_FILE_BYTES / 1024 / 1024} MB; its own name counts.`,
		},
		...z.toJSONSchema(uploadQuerySchema, { io: 'input' }).properties,
	},
}

export interface UploadForm {
	file: File
	/** As in the query, which they overrule. */
	fields: z.output<typeof uploadQuerySchema>
}

export function isForm(contentType: string | null): boolean {
	return contentType !== null && /^multipart\/form-data\s*(;|$)/i.test(contentType)
}

/**
 * @param query as it came, for what the form leaves out
 * @throws Refusal `length_required`, `too_large`, `empty_upload`, `incomplete_upload` or `malformed`
 */
export async function readForm(request: Request, query: Record<string, string>): Promise<UploadForm> {
	const limit = MAX_FORM_FILE_BYTES + MAX_AROUND_FILE
	const { body, length } = await sizedBody(request, limit, fileTooLarge)
	const form = await parsed(body, request.headers.get('Content-Type') ?? '', length)
	const [file, ...others] = form.getAll('file')
	if (!(file instanceof File) || others.length > 0) {
		throw new Refusal('malformed', 'file: send one file, in a field of this name.')
	}
	const fields = uploadQuerySchema.safeParse({ ...query, ...(await textsOf(form)) })
	if (!fields.success) throw malformed(fields.error.issues, 'form')
	return { file, fields: fields.data }
}

async function parsed(body: ReadableStream<Uint8Array>, type: string, length: number): Promise<FormData> {
	let received = 0
	const bounded = new TransformStream<Uint8Array, Uint8Array>({
		transform(part, controller) {
			received += part.byteLength
			if (received > length) controller.error(new Error('more than was declared'))
			else controller.enqueue(part)
		},
	})
	const form = new Response(body.pipeThrough(bounded), { headers: { 'Content-Type': type } }).formData()
	const whole = await within(UPLOAD_DEADLINE, form).catch(() => {
		// Whoever gave up waiting is not waited for.
		form.catch(() => undefined)
		return null
	})
	if (received !== length) {
		throw new Refusal('incomplete_upload', 'The form did not arrive as long as it says. Upload it again.')
	}
	if (whole) return whole
	throw new Refusal('malformed', 'The body is not the form that its Content-Type says. Send multipart/form-data.')
}

/**
 * Reads the beginning of a form's file.
 *
 * @throws Refusal `empty_upload`, `too_large` or `unsupported_type`
 */
export async function openFile(file: File): Promise<PdfUpload> {
	if (file.size === 0) throw new Refusal('empty_upload', 'The file is empty. Choose another.')
	if (file.size > MAX_FORM_FILE_BYTES) throw new Refusal('too_large', fileTooLarge)
	return await openPdf(file.stream(), file.size)
}

/** The fields that there are. Forms send those that were left empty as well. */
async function textsOf(form: FormData): Promise<Record<string, string>> {
	const texts: Record<string, string> = {}
	for (const name of Object.keys(uploadQuerySchema.shape)) {
		const value = form.getAll(name).at(-1)
		// A part with a type of its own, as JSON may have, comes as a file.
		const text = value instanceof File ? await value.slice(0, MAX_FIELD).text() : value?.slice(0, MAX_FIELD)
		if (text !== undefined && text !== '') texts[name] = text
	}
	return texts
}
