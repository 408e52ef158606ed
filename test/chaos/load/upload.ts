/** Uploads that may be repeated, as a careful client sends them: with a key, so that twice is as good as once. */
import { randomUUID } from 'node:crypto'
import { refusalOf, unanswered } from '../../../src/client/error.ts'
import { uploadedSchema } from '../../../src/core/protocol.ts'
import type { Snapshot } from '../../../src/core/snapshot.ts'
import type { UploadFile } from './files.ts'

/** Milliseconds. */
const ANSWER_WITHIN = 30_000

export interface KeyedUpload {
	file: UploadFile
	/** Whether its conversion begins with it. */
	convert: boolean
	key: string
}

export function newUpload(file: UploadFile, convert: boolean): KeyedUpload {
	return { file, convert, key: randomUUID() }
}

/** @throws PlatenError as the client's methods do */
export async function upload(
	{ address, token }: { address: string; token: string },
	{ file, convert, key }: KeyedUpload,
): Promise<Snapshot> {
	const answer = await answerOf(`${address}/api/documents?convert=${convert}`, {
		method: 'POST',
		headers: {
			Authorization: `Bearer ${token}`,
			'Content-Type': 'application/pdf',
			'X-Filename': encodeURIComponent(file.name),
			'Idempotency-Key': key,
		},
		body: file.bytes,
		signal: AbortSignal.timeout(ANSWER_WITHIN),
	})
	if (answer.status >= 400) throw refusalOf(answer.status, answer.body)
	return uploadedSchema.parse(JSON.parse(answer.body)).conversion
}

async function answerOf(url: string, init: RequestInit): Promise<{ status: number; body: string }> {
	try {
		const response = await fetch(url, init)
		return { status: response.status, body: await response.text() }
	} catch (error) {
		throw unanswered(error)
	}
}
