/** The file that is to be converted. */
import { readFile } from 'node:fs/promises'
import { MAX_UPLOAD_BYTES } from '../../src/core/protocol.ts'
import { Complaint } from '../local/complaint.ts'
import { isCode } from '../local/system-error.ts'

/** Where readers look for the header; some programs put other things before it. Bytes. */
const HEADER_WITHIN = 1_024

/**
 * Reads a PDF.
 *
 * @throws Complaint when there is none, it is something else, or it is larger than the service takes
 */
export async function readPdf(path: string): Promise<Uint8Array<ArrayBuffer>> {
	const bytes = await read(path)
	if (!bytes.subarray(0, HEADER_WITHIN).includes('%PDF-')) throw new Complaint(`${path} is not a PDF.`)
	if (bytes.length > MAX_UPLOAD_BYTES) {
		throw new Complaint(`${path} is larger than the ${MAX_UPLOAD_BYTES / 1024 / 1024} MB that can be converted.`)
	}
	return new Uint8Array(bytes)
}

async function read(path: string): Promise<Buffer> {
	try {
		return await readFile(path)
	} catch (error) {
		if (isCode(error, 'ENOENT')) throw new Complaint(`There is no file ${path}.`)
		if (isCode(error, 'EISDIR')) throw new Complaint(`${path} is a folder. Give one PDF file.`)
		if (isCode(error, 'EACCES')) throw new Complaint(`${path} may not be read.`)
		throw error
	}
}
