/** How many documents stand, at once: for lists. */
import { createRoute } from '@hono/zod-openapi'
import type { Caller } from '../../core/access.ts'
import { statusesQuerySchema, statusesSchema } from '../../core/protocol.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import { DeadlineExceeded, within } from '../../deadline.ts'
import { errorText } from '../../error-text.ts'
import { type Asking, looks, snapshotIn } from '../crowd/looks.ts'
import { json, refusals } from '../http/answers.ts'
import { askingOf, newApp } from '../http/app.ts'
import { signedIn } from '../http/guards.ts'

/** Who has not answered until then is named as unavailable. Milliseconds. */
const DEADLINE = 4_000
/** Documents that are asked at the same time. */
const AT_A_TIME = 10

const statuses = createRoute({
	method: 'get',
	path: '/conversion-statuses',
	operationId: 'getConversionStatuses',
	summary: 'How far many conversions are, at once',
	description:
		'In the order in which they were asked for. What is not there, or not yours, is left out; what does not answer in time is in `unavailable`. As `conversion-status`, each may be up to a second old.',
	tags: ['conversions'],
	security: [{ bearer: [] }],
	middleware: signedIn,
	request: { query: statusesQuerySchema },
	responses: { 200: json('Their snapshots', statusesSchema), ...refusals() },
})

export const statusesRoutes = newApp().openapi(statuses, async (context) => {
	// Ids are written in small letters; what is not is another text, and nobody's.
	const ids = [...new Set(context.req.valid('query').ids.split(','))]
	const { found, unavailable } = await standingsOf(askingOf(context), ids, context.get('caller'))
	const items = ids.flatMap((id) => found.get(id) ?? [])
	return context.json({ items, unavailable }, 200, { 'Cache-Control': 'private, no-cache' })
})

/** @returns the snapshots by document, and which did not answer */
async function standingsOf(asking: Asking, ids: readonly string[], caller: Caller) {
	const found = new Map<string, Snapshot>()
	const answered = new Set<string>()
	const left = ids.values()
	async function lane(): Promise<void> {
		for (const id of left) {
			try {
				const standing = await looks.of(asking, id, caller, 'read', 0)
				if (standing) found.set(id, snapshotIn(standing))
				answered.add(id)
			} catch (error) {
				console.warn('A document did not tell how it stands', { documentId: id, error: errorText(error) })
			}
		}
	}
	const all = Promise.all(Array.from({ length: AT_A_TIME }, lane))
	await within(DEADLINE, all).catch((error: unknown) => {
		if (!(error instanceof DeadlineExceeded)) throw error
	})
	return { found, unavailable: ids.filter((id) => !answered.has(id)) }
}
