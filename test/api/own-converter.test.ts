import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { settingsOf } from '../../src/api/env.ts'
import { SourceAddresses } from '../../src/api/gate/source-address.ts'
import { LONGEST_LEASE } from '../../src/core/job/rules/work.ts'
import { queueSchema } from '../../src/core/lineup/overview.ts'
import { MAX_SIDE } from '../../src/core/options.ts'
import { MAX_FINISH_BYTES } from '../../src/core/own-converter.ts'
import { filesOf, later, lineup, loseLeases, MINUTE, ring, SECOND, waitingOf } from './inside.ts'
import {
	claimText,
	converter,
	finished,
	leased,
	type Parts,
	pagesFor,
	pngOf,
	problemDetail,
	say,
	sendForm,
	textArrives,
	verdict,
} from './own-converter.ts'
import {
	alice,
	bytesAt,
	call,
	claim,
	commanded,
	erase,
	finish,
	gate,
	manifestOf,
	open,
	PDF,
	refusal,
	standing,
	statusOf,
	tokenFor,
	upload,
	uploaded,
} from './service.ts'

const left: string[] = []

beforeEach(async () => {
	await runInDurableObject(lineup(), (_, { storage }) => storage.sql.exec('DELETE FROM line'))
	await evictDurableObject(lineup())
})

afterEach(async () => {
	vi.restoreAllMocks()
	await Promise.all(left.splice(0).map((id) => erase(id)))
	vi.useRealTimers()
})

/** A text is uploaded and waits for a converter; it is gone again after the test. */
async function waits(options: Parameters<typeof textArrives>[0] = {}): Promise<string> {
	const id = await textArrives(options)
	left.push(id)
	await expect.poll(() => waitingOf(id)).not.toBeNull()
	return id
}

/** … and a PDF. */
async function pdfWaits(): Promise<string> {
	const { document } = await uploaded()
	left.push(document.id)
	await expect.poll(() => waitingOf(document.id)).not.toBeNull()
	return document.id
}

/** A text of which one page is leased, and it is said how many there are. */
async function opened(pageCount = 1) {
	const id = await waits()
	const lease = await leased()
	const { documentId, fence } = lease
	expect(documentId).toBe(id)
	expect(await verdict('report', { documentId, fence, pageCount })).toBe('go on')
	return { id, lease, holder: { documentId, fence } }
}

describe('a text', () => {
	test('is taken, converted by somebody else, and looked at like any document', async () => {
		const id = await waits()
		const first = await leased()
		expect(first).toMatchObject({
			documentId: id,
			pages: { first: 1, last: 1 },
			pageCount: null,
			options: { quality: 'medium' },
			source: { size: 26, contentType: 'text/plain' },
		})
		const file = await call(first.source.url, { token: null })
		expect(await file.text()).toBe('What somebody has written.')
		expect(file.headers.get('Content-Type')).toBe('text/plain')
		expect(file.headers.get('Content-Disposition')).toBe('attachment')

		const { documentId, fence } = first
		expect(await verdict('report', { documentId, fence, pageCount: 3 })).toBe('go on')
		const answer = await finished({ ...pagesFor(first, { more: true }), 'thumbnail-1': pngOf(10, 12) })
		if (answer.verdict !== 'go on' || !answer.next) throw new Error('there should be more')
		expect(answer.next).toMatchObject({ documentId: id, pages: { first: 2, last: 3 }, pageCount: 3 })
		expect(await (await call(answer.next.source.url, { token: null })).text()).toBe('What somebody has written.')
		expect((await statusOf(id)).readyPages).toBe('1')
		expect(await finished(pagesFor(answer.next, { more: true }))).toEqual({ verdict: 'go on', next: null })

		expect(await statusOf(id)).toMatchObject({ status: 'completed', totalPages: 3, readyPages: '1-3', progress: 100 })
		const { pages } = await manifestOf(id)
		expect(pages.map(({ page, width, height, type }) => [page, width, height, type])).toEqual([
			[1, 31, 40, 'image/png'],
			[2, 32, 40, 'image/png'],
			[3, 33, 40, 'image/png'],
		])
		const bytesOf = async (url: string | null | undefined) =>
			new Uint8Array(await (await call(url ?? '', { token: null })).arrayBuffer())
		expect(await bytesOf(pages[2]?.imageUrl)).toEqual(pngOf(33, 40))
		expect(await bytesOf(pages[0]?.thumbnailUrl)).toEqual(pngOf(10, 12))
		// Without a thumbnail the image is shown in its place, and is not stored twice.
		expect(pages[2]?.thumbnailUrl).toBe(pages[2]?.imageUrl)
		expect(await bytesAt(pages[1]?.textUrl)).toBe('text of page 2')
		// One object a lease.
		expect(await filesOf(id)).toEqual([`pack-${fence}.zip`, `pack-${answer.next.fence}.zip`, 'source'])
	})

	test('is kept as what it says it is, and called so', async () => {
		const id = await waits({ headers: { 'Content-Type': 'Text/Plain; charset=iso-8859-1' } })
		const { source } = await leased()
		expect(source.contentType).toBe('Text/Plain; charset=iso-8859-1')
		expect((await call(source.url, { token: null })).headers.get('Content-Type')).toBe('Text/Plain; charset=iso-8859-1')
		expect(await (await call(`/api/documents/${id}`)).json()).toMatchObject({
			name: 'document',
			contentType: 'Text/Plain; charset=iso-8859-1',
		})
	})

	test('comes with the password that its owner has given', async () => {
		const id = await textArrives({ query: '?convert=false' })
		left.push(id)
		await commanded(id, { action: 'start', password: 'sesame' })
		await expect.poll(() => waitingOf(id)).not.toBeNull()
		const lease = await leased()
		expect(lease.password).toBe('sesame')
		const answer = await finished(pagesFor(lease, { pageCount: 2, more: true }))
		expect(answer).toMatchObject({ verdict: 'go on', next: { password: 'sesame' } })
	})

	test('may come in a form', async () => {
		const form = new FormData()
		form.append('file', new File(['some words'], 'words.txt', { type: 'text/plain' }))
		const encoded = new Response(form)
		const body = new Uint8Array(await encoded.arrayBuffer())
		const headers = {
			'Content-Type': encoded.headers.get('Content-Type') ?? '',
			'Content-Length': String(body.byteLength),
		}
		const response = await call('/api/documents', { method: 'POST', body, headers })
		const { document } = await response.json<{ document: { id: string } }>()
		left.push(document.id)
		expect(document).toMatchObject({ name: 'words.txt', contentType: 'text/plain', size: 10 })
		await expect.poll(() => waitingOf(document.id)).toMatchObject({ format: 'text/plain' })
	})

	test('of one page needs a claim and one more request', async () => {
		const id = await waits()
		expect(await finished(pagesFor(await leased(), { pageCount: 1 }))).toEqual({ verdict: 'go on', next: null })
		expect(await statusOf(id)).toMatchObject({ status: 'completed', totalPages: 1 })
	})

	test.each(['text/html', 'application/pdf', 'application/octet-stream', 'text/plain, text/html', 'text/plain/x', 'x'])(
		'that says it is %s is refused: nobody can convert that',
		async (type) => {
			const response = await upload(new TextEncoder().encode('some words'), { headers: { 'Content-Type': type } })
			expect(await refusal(response)).toEqual({ status: 415, code: 'unsupported_type' })
		},
	)

	test('that is a PDF to everybody who looks is one, when it does not say that it is a text', async () => {
		const response = await upload(PDF, { headers: { 'Content-Type': 'application/octet-stream' } })
		const { document } = await response.json<{ document: { id: string; contentType: string } }>()
		left.push(document.id)
		expect(document.contentType).toBe('application/pdf')
	})
})

describe('who may not convert:', () => {
	const routes = ['claim', 'report', 'finish', 'fail']

	test.each(routes)('%s is refused without a token, and without the scope', async (route) => {
		const nobody = await say(route, {}, null)
		expect(await refusal(nobody)).toEqual({ status: 401, code: 'unauthorized' })
		const operator = await tokenFor({ sub: 'olga', scope: 'operator' })
		for (const token of [alice, operator]) {
			expect(await refusal(await say(route, {}, token))).toEqual({ status: 403, code: 'forbidden' })
		}
	})

	test.each(['claim', 'report', 'fail'])('%s with nonsense is refused in words', async (route) => {
		for (const body of [{}, [], null, 'x', { documentId: 'x', fence: -1 }, { fence: 1.5, formats: 'text/plain' }]) {
			expect(await refusal(await say(route, body))).toEqual({ status: 400, code: 'malformed' })
		}
		const large = await say(route, { converter: 'x'.repeat(20_000) })
		expect(await refusal(large)).toEqual({ status: 413, code: 'too_large' })
	})

	test('a token that converts owns nothing of what it converts', async () => {
		const id = await waits()
		await leased()
		const answer = await call(`/api/documents/${id}`, { token: converter })
		expect(await refusal(answer)).toEqual({ status: 404, code: 'not_found' })
	})
})

describe('formats are kept apart:', () => {
	test('a built-in converter is neither given a text nor called for one', async () => {
		const send = vi.spyOn(Object.getPrototypeOf(env.NUDGES), 'sendBatch')
		const id = await waits()
		expect(await claim()).toBeNull()
		const { jobId } = await statusOf(id)
		expect(await gate.lease({ documentId: id, jobId })).toBeNull()
		expect(send).not.toHaveBeenCalled()
		expect(await waitingOf(id)).toMatchObject({ format: 'text/plain' })
		expect(await leased()).toMatchObject({ documentId: id })
	})

	test('nor has it a say under somebody’s lease', async () => {
		const { id, holder, lease } = await opened()
		expect(await gate.source(holder)).toBeNull()
		expect(await gate.report({ ...holder, rendered: 1 })).toBe('stop')
		expect(await gate.opened({ ...holder, pageCount: 9 })).toBe('stop')
		expect(await gate.fail({ ...holder, code: 'invalid_document' })).toBe('stop')
		expect(await finish(lease)).toEqual({ verdict: 'stop' })
		expect(await statusOf(id)).toMatchObject({ status: 'processing', totalPages: 1, readyPages: '' })
	})

	test('somebody’s own converter is not given a PDF', async () => {
		const id = await pdfWaits()
		expect(await claimText()).toBeNull()
		const asked = await say('claim', { converter: 'mine', formats: ['text/plain', 'application/pdf'] })
		expect(await refusal(asked)).toEqual({ status: 409, code: 'format_not_taken' })
		expect(await claim()).toMatchObject({ documentId: id })
	})

	test('nor has it a say under the lease of a PDF', async () => {
		const id = await pdfWaits()
		const lease = await open(id, 1)
		const holder = { documentId: id, fence: lease.fence }
		expect(await verdict('report', { ...holder, rendered: 1 })).toBe('stop')
		expect(await verdict('report', { ...holder, pageCount: 7 })).toBe('stop')
		expect(await verdict('fail', { ...holder, code: 'invalid_document' })).toBe('stop')
		expect(await finished({ report: holder, 'image-1': pngOf(1, 1) })).toEqual({ verdict: 'stop' })
		const address = new SourceAddresses(settingsOf(env).secrets).sign(holder, Date.now())
		expect(await refusal(await call(address, { token: null }))).toEqual({ status: 404, code: 'not_found' })
		expect(await filesOf(id)).toEqual(['source'])
		expect(await finish(lease)).toMatchObject({ verdict: 'go on' })
	})

	test('what a converter does not name it is not given', async () => {
		const [text, markdown] = [await waits(), await waits({ headers: { 'Content-Type': 'text/markdown' } })]
		expect(await leased({ formats: ['text/markdown'] })).toMatchObject({ documentId: markdown })
		expect(await claimText({ formats: ['text/markdown'] })).toBeNull()
		expect(await leased({ formats: ['text/markdown', 'text/plain'] })).toMatchObject({ documentId: text })
	})

	test('one that can convert both is given who came first', async () => {
		const first = await waits({ headers: { 'Content-Type': 'text/markdown' } })
		later(SECOND)
		const second = await waits()
		later(SECOND)
		const low = await waits({ headers: { 'Content-Type': 'text/markdown' }, query: '?priority=low' })
		const formats = ['text/plain', 'text/markdown']
		for (const documentId of [first, second, low]) expect(await leased({ formats })).toMatchObject({ documentId })
	})

	test('a place is among those who wait for the same converters, and how long it takes nobody says who does not know', async () => {
		const pdfs = [await pdfWaits(), await pdfWaits()]
		const texts = [await waits(), await waits()]
		for (const [index, id] of texts.entries()) {
			expect(await standing(id)).toMatchObject({ queuePosition: index + 1, estimatedTimeRemaining: null })
		}
		expect(await standing(pdfs[1] ?? '')).toMatchObject({ queuePosition: 2 })
	})

	test('an operator sees each line', async () => {
		const [pdf, text] = [await pdfWaits(), await waits()]
		const operator = await tokenFor({ sub: 'olga', scope: 'operator' })
		const answer = await call('/api/conversions/queue', { token: operator })
		const queue = queueSchema.parse(await answer.json())
		expect(queue.depth.total).toBe(1)
		expect(queue.waiting.map(({ documentId }) => documentId)).toEqual([pdf])
		expect(queue.others).toMatchObject([{ format: 'text/plain', depth: { total: 1 }, wanted: 1, running: 0 }])
		expect(queue.others[0]?.waiting.map(({ documentId }) => documentId)).toEqual([text])
	})

	test('a pause is for everybody', async () => {
		const id = await waits()
		const operator = await tokenFor({ sub: 'olga', scope: 'operator' })
		const tell = (action: string) =>
			call('/api/conversions/queue', { method: 'POST', token: operator, body: JSON.stringify({ action }) })
		await tell('pause')
		expect(await claimText()).toBeNull()
		await evictDurableObject(lineup())
		expect(await claimText()).toBeNull()
		await tell('resume')
		expect(await leased()).toMatchObject({ documentId: id })
	})

	test('who waits is known again to a lineup that has forgotten', async () => {
		const [pdf, text] = [await pdfWaits(), await waits()]
		await evictDurableObject(lineup())
		expect(await leased()).toMatchObject({ documentId: text })
		expect(await claim()).toMatchObject({ documentId: pdf })
	})

	test('a lineup of a release without formats has PDFs only, and can come back', async () => {
		const waiting = crypto.randomUUID()
		const insert = `INSERT INTO line (document_id, job_id, owner, priority, want, first_page_out, seq, arrival)
			VALUES (?, ?, '', 'normal', 1, 0, 1, ?)`
		await runInDurableObject(lineup(), (_, { storage }) => {
			storage.sql.exec('ALTER TABLE line DROP COLUMN format')
			storage.sql.exec(insert, waiting, crypto.randomUUID(), Date.now())
		})
		await evictDurableObject(lineup())
		expect(await claimText()).toBeNull()
		expect(await claim()).toMatchObject({ documentId: waiting })
		// The release before writes what it knows, into the table of this one.
		await runInDurableObject(lineup(), (_, { storage }) => {
			storage.sql.exec('DELETE FROM line')
			storage.sql.exec(insert, crypto.randomUUID(), crypto.randomUUID(), Date.now())
		})
		await evictDurableObject(lineup())
		expect(await claim()).not.toBeNull()
	})

	test('a text that an older lineup took for a PDF is put right by its next word', async () => {
		const id = await waits()
		await runInDurableObject(lineup(), (_, { storage }) => {
			storage.sql.exec("UPDATE line SET format = 'application/pdf'")
		})
		await evictDurableObject(lineup())
		expect(await claimText()).toBeNull()
		// Who comes by the wrong word is given nothing, and the document says it again.
		const claimed = await claim()
		expect(claimed).toMatchObject({ documentId: id })
		expect(await gate.lease(claimed)).toBeNull()
		await expect.poll(() => waitingOf(id)).toMatchObject({ format: 'text/plain' })
		expect(await leased()).toMatchObject({ documentId: id })
		expect(await claim()).toBeNull()
	})
})

describe('a claim', () => {
	test('that finds nobody says so at once, or after it has waited', async () => {
		const startedAt = performance.now()
		expect(await claimText()).toBeNull()
		expect(await claimText({ wait: 1 })).toBeNull()
		expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990)
	})

	test('that waits is answered when somebody comes', async () => {
		const startedAt = performance.now()
		const waiting = claimText({ wait: 20 })
		const id = await waits()
		// Who waits may be gone by now, so nothing is taken before it comes again.
		expect(await waiting).toBeNull()
		expect(performance.now() - startedAt).toBeLessThan(15_000)
		expect(await statusOf(id)).toMatchObject({ status: 'queued' })
		expect(await leased()).toMatchObject({ documentId: id })
	})

	test('cannot wait for long, nor for what nobody is to convert', async () => {
		const asked = { converter: 'mine', formats: ['text/plain'] }
		for (const wrong of [{ wait: 21 }, { wait: -1 }, { formats: [] }, { converter: '' }, { formats: ['text'] }]) {
			expect(await refusal(await say('claim', { ...asked, ...wrong }))).toEqual({ status: 400, code: 'malformed' })
		}
		const other = await say('claim', { ...asked, formats: ['text/html'] })
		expect(await refusal(other)).toEqual({ status: 409, code: 'format_not_taken' })
	})

	test('goes on to the next when a document is not to be had any more', async () => {
		const ghost = { documentId: crypto.randomUUID(), jobId: crypto.randomUUID() }
		await lineup().want({ ...ghost, format: 'text/plain', priority: 'urgent', want: 1, seq: 1 })
		const id = await waits()
		expect(await leased()).toMatchObject({ documentId: id })
		expect(await waitingOf(ghost.documentId)).toBeNull()
	})

	test('gives each page to one converter', async () => {
		const { holder } = await opened(40)
		await expect.poll(() => waitingOf(holder.documentId)).toMatchObject({ want: 2 })
		const [one, other] = await Promise.all([leased({ converter: 'one' }), leased({ converter: 'other' })])
		expect([one.pages.first, other.pages.first].toSorted((a, b) => a - b)).toEqual([2, 18])
		expect(await claimText({ converter: 'third' })).toBeNull()
	})
})

describe('a lease that is over', () => {
	test('counts for nothing any more, and another converter has the pages', async () => {
		later(0)
		const { id, lease, holder } = await opened(1)
		await loseLeases(id)
		await ring(id)
		await expect.poll(() => waitingOf(id)).not.toBeNull()
		expect(await verdict('report', { ...holder, rendered: 1 })).toBe('stop')
		expect(await verdict('report', { ...holder, pageCount: 5 })).toBe('stop')
		expect(await verdict('fail', { ...holder, code: 'internal' })).toBe('stop')
		expect(await refusal(await call(lease.source.url, { token: null }))).toEqual({ status: 404, code: 'not_found' })
		expect(await finished(pagesFor(lease))).toEqual({ verdict: 'stop' })
		expect(await filesOf(id)).toEqual(['source'])
		const again = await leased({ converter: 'another' })
		expect(again.fence).toBeGreaterThan(lease.fence)
		expect(await finished(pagesFor(again))).toEqual({ verdict: 'go on', next: null })
		expect(await finished(pagesFor(lease))).toEqual({ verdict: 'stop' })
		expect(await statusOf(id)).toMatchObject({ status: 'completed', retryCount: 1 })
	})

	test('is renewed by each report', async () => {
		later(0)
		const { id, holder } = await opened(1)
		for (let count = 0; count < 3; count++) {
			later(20 * SECOND)
			expect(await verdict('report', holder)).toBe('go on')
			await ring(id)
		}
		later(31 * SECOND)
		await ring(id)
		expect(await verdict('report', holder)).toBe('stop')
	})

	test('by a cancel says stop', async () => {
		const { id, lease, holder } = await opened(3)
		await call(`/api/documents/${id}/conversion-status`, { method: 'POST', body: '{"action":"cancel"}' })
		expect(await verdict('report', holder)).toBe('stop')
		expect(await finished(pagesFor(lease))).toEqual({ verdict: 'stop' })
		expect((await statusOf(id)).status).toBe('cancelled')
	})

	test('because its document is erased leaves nothing behind', async () => {
		const { id, lease, holder } = await opened(1)
		await erase(id)
		expect(await verdict('report', holder)).toBe('stop')
		expect(await finished(pagesFor(lease))).toEqual({ verdict: 'stop' })
		await expect.poll(() => filesOf(id)).toEqual([])
	})

	test('of a document that never was is none', async () => {
		const holder = { documentId: crypto.randomUUID(), fence: 1 }
		expect(await verdict('report', holder)).toBe('stop')
		expect(await verdict('fail', { ...holder, code: 'internal' })).toBe('stop')
		expect(await finished({ report: holder, 'image-1': pngOf(1, 1) })).toEqual({ verdict: 'stop' })
	})
})

describe('an address of a source', () => {
	test('is for one document, one lease, and as long as any lease may last', async () => {
		const { lease, holder } = await opened()
		const { url } = lease.source
		const other = await waits()
		const aLittleLater = (text: string) => text.replace(/expires=(\d+)/, (_, at) => `expires=${Number(at) + 1}`)
		const forged = [
			url.replace(holder.documentId, other),
			url.replace(`/${holder.fence}?`, `/${holder.fence + 1}?`),
			aLittleLater(url),
			url.replace(/signature=./, (found) => `signature=${found.endsWith('A') ? 'B' : 'A'}`),
			url.replace(/&signature.*/, ''),
			url.replace(/\?.*/, ''),
			url.replace(/signature=.*/, 'signature='),
			`${url.replace(/\?.*/, '')}?expires=x&signature=!`,
			`/api/converter/source/x/y?expires=1&signature=AAAA`,
		]
		for (const each of forged) {
			expect(await refusal(await call(each, { token: null }))).toEqual({ status: 404, code: 'not_found' })
		}
		expect((await call(url, { token: null })).status).toBe(200)
	})

	test('outlives the replacement of the secret, and ends', () => {
		const holder = { documentId: crypto.randomUUID(), fence: 3 }
		const [old, fresh] = ['the old secret of this Worker, 32+', 'its fresh secret, as long as it takes']
		const url = new URL(new SourceAddresses([old]).sign(holder, 1_000_000), 'https://x')
		const path = { documentId: holder.documentId, fence: '3' }
		const query = Object.fromEntries(url.searchParams)
		expect(new SourceAddresses([fresh, old]).verify(path, query, 1_000_000)).toEqual(holder)
		expect(new SourceAddresses([fresh]).verify(path, query, 1_000_000)).toBeNull()
		expect(new SourceAddresses([old]).verify(path, query, 1_000_000 + LONGEST_LEASE - 1)).toEqual(holder)
		expect(new SourceAddresses([old]).verify(path, query, 1_001_000 + LONGEST_LEASE)).toBeNull()
	})

	test('of a file that is gone ends the job', async () => {
		const { id, lease } = await opened()
		await env.FILES.delete(`${id}/source`)
		expect(await refusal(await call(lease.source.url, { token: null }))).toEqual({ status: 404, code: 'not_found' })
		expect(await statusOf(id)).toMatchObject({ status: 'failed', failure: { code: 'source_missing' } })
	})
})

describe('giving up', () => {
	test('ends a document that cannot be converted', async () => {
		const { id, holder } = await opened()
		expect(await verdict('fail', { ...holder, code: 'invalid_document' })).toBe('go on')
		expect(await statusOf(id)).toMatchObject({ status: 'failed', failure: { code: 'invalid_document' } })
	})

	test('for a reason that may pass has it tried again', async () => {
		later(0)
		const { id, holder } = await opened()
		expect(await verdict('fail', { ...holder, code: 'internal' })).toBe('go on')
		later(MINUTE)
		await ring(id)
		await expect.poll(() => waitingOf(id)).not.toBeNull()
		expect(await leased()).toMatchObject({ documentId: id, pageCount: 1 })
	})

	test.each(['converter_lost', 'source_missing', 'no_page_converted', 'degraded', 'whatever'])(
		'with %s is not a converter’s to say',
		async (code) => {
			const { holder } = await opened()
			expect(await refusal(await say('fail', { ...holder, code }))).toEqual({ status: 400, code: 'malformed' })
			expect(await verdict('report', holder)).toBe('go on')
		},
	)
})

describe('a finish', () => {
	test('that comes again, because its answer was lost, is answered as before', async () => {
		const { id, lease } = await opened(2)
		const put = vi.spyOn(Object.getPrototypeOf(env.FILES), 'put')
		expect(await finished(pagesFor(lease))).toEqual({ verdict: 'go on', next: null })
		expect(await finished(pagesFor(lease))).toEqual({ verdict: 'go on', next: null })
		expect(put).toHaveBeenCalledTimes(1)
		// Something else under the same fence is not the same.
		expect(await finished({ ...pagesFor(lease), 'image-1': pngOf(9, 9) })).toEqual({ verdict: 'stop' })
		expect((await statusOf(id)).readyPages).toBe('1')
	})

	test('may cover a part of the pages, and name some that failed', async () => {
		const { id, lease } = await opened(6)
		const { next } = (await finished(pagesFor(lease, { more: true }))) as { next: typeof lease }
		const { documentId, fence } = next
		const report = { documentId, fence, through: 4, failed: [{ page: 3, code: 'out_of_memory' }], more: true }
		const answer = await finished({ report, 'image-2': pngOf(1, 2), 'image-4': pngOf(3, 4) })
		expect(answer).toMatchObject({ verdict: 'go on', next: { pages: { first: 5, last: 6 } } })
		expect(await statusOf(id)).toMatchObject({
			readyPages: '1-2,4',
			failedPages: [{ page: 3, code: 'out_of_memory' }],
		})
	})

	test('may say that no page could be converted', async () => {
		const { id, holder } = await opened(1)
		const failed = [{ page: 1, code: 'out_of_memory' }]
		expect(await finished({ report: { ...holder, failed } })).toEqual({ verdict: 'go on', next: null })
		expect(await statusOf(id)).toMatchObject({ status: 'failed', failure: { code: 'out_of_memory' } })
		expect(await filesOf(id)).toEqual(['source'])
	})

	test('after five seconds says that it is somebody else’s turn', async () => {
		later(0)
		const { lease } = await opened(40)
		later(6 * SECOND)
		expect(await finished(pagesFor(lease, { more: true }))).toEqual({ verdict: 'yield' })
	})

	test('ends lines as everywhere, whatever a form makes of them, and takes a report from a file', async () => {
		const { id, holder } = await opened()
		const report = new TextEncoder().encode(JSON.stringify(holder))
		const text = new TextEncoder().encode('one\r\ntwo\rthree\nü')
		expect(await finished({ report, 'image-1': pngOf(1, 1), 'text-1': text })).toMatchObject({ verdict: 'go on' })
		const { pages } = await manifestOf(id)
		expect(await bytesAt(pages[0]?.textUrl)).toBe('one\ntwo\nthree\nü')
	})

	const wrong: [what: string, change: (parts: Parts) => Parts, detail: RegExp][] = [
		['without a report', ({ report: _, ...rest }) => rest, /`report`/],
		['whose report is not JSON', (parts) => ({ ...parts, report: '{' }), /not JSON/],
		['whose report is something else', (parts) => ({ ...parts, report: { documentId: 'x' } }), /documentId/],
		['without a page of its lease', ({ 'image-1': _, 'text-1': __, ...rest }) => rest, /Page 1 has no image/],
		['with a text only', ({ 'image-1': _, ...rest }) => rest, /Page 1 has no image/],
		['with a page that is not of its lease', (parts) => ({ ...parts, 'image-2': pngOf(1, 1) }), /Page 2 is none of/],
		['with a part of another name', (parts) => ({ ...parts, 'picture-1': pngOf(1, 1) }), /picture-1/],
		['with a page 0', (parts) => ({ ...parts, 'image-0': pngOf(1, 1) }), /image-0/],
		['whose image is a GIF', (parts) => ({ ...parts, 'image-1': new TextEncoder().encode('GIF89a'.repeat(9)) }), /PNG/],
		['whose image is empty', (parts) => ({ ...parts, 'image-1': new Uint8Array() }), /neither PNG nor WebP/],
		['whose thumbnail is no image', (parts) => ({ ...parts, 'thumbnail-1': 'a text' }), /thumbnail-1 is neither/],
		['whose image is too wide', (parts) => ({ ...parts, 'image-1': pngOf(MAX_SIDE + 1, 9) }), /8001 × 9/],
		['whose image has no pixels', (parts) => ({ ...parts, 'image-1': pngOf(0, 9) }), /neither PNG nor WebP/],
		['whose text is not UTF-8', (parts) => ({ ...parts, 'text-1': new Uint8Array([0xff, 0xfe]) }), /not UTF-8/],
	]

	test.each(wrong)('%s is refused, says why, and leaves the lease as it is', async (_, change, detail) => {
		const { id, lease, holder } = await opened()
		const response = await sendForm(change(pagesFor(lease)))
		expect(response.status).toBe(400)
		expect(problemDetail.parse(await response.clone().json()).detail).toMatch(detail)
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
		expect(await filesOf(id)).toEqual(['source'])
		expect(await verdict('report', holder)).toBe('go on')
		expect(await finished(pagesFor(lease))).toEqual({ verdict: 'go on', next: null })
	})

	test.each([
		['past its lease', { through: 2 }, /`through`/],
		[
			'with a page that is there and has failed',
			{ failed: [{ page: 1, code: 'internal' }] },
			/Page 1 has an image and/,
		],
		['with a failed page of somebody else', { failed: [{ page: 7, code: 'internal' }] }, /Page 7 is none/],
		['with a reason that is not its own', { failed: [{ page: 1, code: 'converter_lost' }] }, /failed\.0\.code/],
	])('%s is refused', async (_, report, detail) => {
		const { lease } = await opened()
		const response = await sendForm(pagesFor(lease, report))
		expect(problemDetail.parse(await response.clone().json()).detail).toMatch(detail)
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
	})

	test('with a part twice is refused', async () => {
		const { lease } = await opened()
		const form = new FormData()
		const { documentId, fence } = lease
		form.append('report', JSON.stringify({ documentId, fence }))
		for (let count = 0; count < 2; count++) form.append('image-1', new Blob([pngOf(1, 1)]))
		expect(await refusal(await sendForm(form))).toEqual({ status: 400, code: 'malformed' })
	})

	test('before it is known how many pages there are is refused, and says what to do', async () => {
		await waits()
		const lease = await leased()
		const response = await sendForm(pagesFor(lease))
		expect(problemDetail.parse(await response.clone().json()).detail).toMatch(/pageCount/)
		expect(await refusal(response)).toEqual({ status: 400, code: 'malformed' })
		expect(await finished(pagesFor(lease, { pageCount: 1 }))).toMatchObject({ verdict: 'go on' })
	})

	test('that is too large, or does not say how large it is, is refused before it is read', async () => {
		const { lease } = await opened()
		const large = await sendForm(pagesFor(lease), { headers: { 'Content-Length': String(MAX_FINISH_BYTES + 1) } })
		expect(await refusal(large)).toEqual({ status: 413, code: 'too_large' })
		const body = new ReadableStream({ start: (controller) => controller.close() })
		const unknown = await call('/api/converter/finish', { method: 'POST', token: converter, body })
		expect(await refusal(unknown)).toEqual({ status: 411, code: 'length_required' })
	})

	test('that is as large as may be is taken', async () => {
		const { id, lease } = await opened()
		const image = new Uint8Array(MAX_FINISH_BYTES - 2_000)
		image.set(pngOf(100, 100))
		expect(await finished({ ...pagesFor(lease), 'image-1': image })).toMatchObject({ verdict: 'go on' })
		const { pages } = await manifestOf(id)
		const stored = await (await call(pages[0]?.imageUrl ?? '', { token: null })).arrayBuffer()
		expect(stored.byteLength).toBe(image.byteLength)
	})

	test('that is no form, or a broken one, is refused in words, whatever it is', async () => {
		const { holder } = await opened()
		const boundary = 'x'
		const begun = `--${boundary}\r\nContent-Disposition: form-data; name="report"\r\n\r\n${JSON.stringify(holder)}`
		const bodies = [
			['multipart/form-data', begun],
			['multipart/form-data; boundary=x', begun],
			['multipart/form-data; boundary=x', ''],
			['multipart/form-data; boundary=x', `--x--`],
			['multipart/form-data; boundary=x', `${begun}\r\n--x\r\n\r\n\r\n--x--`],
			['multipart/form-data; boundary=y', begun],
			['application/json', JSON.stringify(holder)],
			['application/x-www-form-urlencoded', 'report={}'],
			['text/plain', ''],
		]
		for (const [type = '', text = ''] of bodies) {
			const body = new TextEncoder().encode(text)
			const headers = { 'Content-Type': type, 'Content-Length': String(body.byteLength) }
			const response = await call('/api/converter/finish', { method: 'POST', token: converter, body, headers })
			const code = text === '' ? 'empty_upload' : 'malformed'
			expect(await refusal(response), `${type}: ${text}`).toEqual({ status: 400, code })
		}
		expect(await verdict('report', holder)).toBe('go on')
	})

	test('of random bytes never fails on our side', async () => {
		for (let count = 0; count < 50; count++) {
			const body = crypto.getRandomValues(new Uint8Array(count * 20))
			const headers = {
				'Content-Type': 'multipart/form-data; boundary=x',
				'Content-Length': String(body.byteLength),
			}
			const response = await call('/api/converter/finish', { method: 'POST', token: converter, body, headers })
			expect((await refusal(response)).status).toBe(400)
		}
	})
})

test.each(['application/pdf', 'text', 'text/*', 'text/plain; charset=utf-8', 'a b/c'])(
	'the setting OWN_CONVERTER_TYPES cannot be %s',
	(types) => {
		expect(() => settingsOf({ ...env, OWN_CONVERTER_TYPES: types } as ApiEnv)).toThrow(/OWN_CONVERTER_TYPES/)
	},
)
