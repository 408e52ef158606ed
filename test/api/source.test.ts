import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { call, PDF, refusal, tokenFor, uploaded } from './service.ts'

async function source(id: string, headers: Record<string, string> = {}, method = 'GET') {
	const response = await call(`/api/documents/${id}/source`, { headers, method })
	return { response, bytes: new Uint8Array(await response.arrayBuffer()) }
}

describe('the uploaded file', () => {
	test('comes back as it was, to be saved under its name and not to be run', async () => {
		const name = `Über "1/2" (neu)'s\u202e ${'😀'.slice(0, 1)}.pdf`
		const { document } = await uploaded({ headers: { 'X-Filename': encodeURIComponent(name.toWellFormed()) } })
		const { response, bytes } = await source(document.id)
		expect(response.status).toBe(200)
		expect(bytes).toEqual(PDF)
		const headers = Object.fromEntries(response.headers)
		expect(headers).toMatchObject({
			'accept-ranges': 'bytes',
			'content-length': String(PDF.length),
			'content-type': 'application/pdf',
			'x-content-type-options': 'nosniff',
		})
		expect(headers['content-security-policy']).toContain('sandbox')
		const [, encoded] = /^attachment; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)$/.exec(
			headers['content-disposition'] ?? '',
		) ?? ['', '']
		expect(decodeURIComponent(encoded ?? '')).toBe(document.name)
		expect(document.name).toContain('Über "1/2" (neu)')
	})

	test('is not sent again to who has it', async () => {
		const { document } = await uploaded()
		const tag = (await source(document.id)).response.headers.get('ETag') ?? ''
		expect(tag).toMatch(/^"[\w-]+"$/)
		for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
			const { response, bytes } = await source(document.id, { 'If-None-Match': known })
			expect(response.status).toBe(304)
			expect(response.headers.get('ETag')).toBe(tag)
			expect(bytes).toHaveLength(0)
		}
		expect((await source(document.id, { 'If-None-Match': '"other"' })).response.status).toBe(200)
	})

	test.each([
		{ range: 'bytes=0-4', first: 0, last: 4 },
		{ range: 'bytes=5-', first: 5, last: PDF.length - 1 },
		{ range: 'bytes=-6', first: PDF.length - 6, last: PDF.length - 1 },
		{ range: `bytes=-${PDF.length + 100}`, first: 0, last: PDF.length - 1 },
		{ range: `bytes=10-${PDF.length + 100}`, first: 10, last: PDF.length - 1 },
		{ range: `bytes=${PDF.length - 1}-`, first: PDF.length - 1, last: PDF.length - 1 },
	])('comes in part: $range', async ({ range, first, last }) => {
		const { document } = await uploaded()
		const { response, bytes } = await source(document.id, { Range: range })
		expect(response.status).toBe(206)
		expect(response.headers.get('Content-Range')).toBe(`bytes ${first}-${last}/${PDF.length}`)
		expect(response.headers.get('Content-Length')).toBe(String(last - first + 1))
		expect(bytes).toEqual(PDF.slice(first, last + 1))
	})

	test.each([`bytes=${PDF.length}-`, 'bytes=9999-10000', 'bytes=-0'])('has no such part: %s', async (range) => {
		const { document } = await uploaded()
		const response = await call(`/api/documents/${document.id}/source`, { headers: { Range: range } })
		expect(response.headers.get('Content-Range')).toBe(`bytes */${PDF.length}`)
		expect(await refusal(response)).toEqual({ status: 416, code: 'range_not_satisfiable' })
	})

	test.each(['bytes=0-1,3-4', 'bytes=5-2', 'bytes=-', 'pages=1-2', 'bytes=a-b'])(
		'comes whole when the range is none that is understood: %s',
		async (range) => {
			const { document } = await uploaded()
			const { response, bytes } = await source(document.id, { Range: range })
			expect(response.status).toBe(200)
			expect(bytes).toEqual(PDF)
		},
	)

	test('comes in part only to who has the other part of the same file', async () => {
		const { document } = await uploaded()
		const tag = (await source(document.id)).response.headers.get('ETag') ?? ''
		const status = async (ifRange: string) =>
			(await source(document.id, { Range: 'bytes=0-4', 'If-Range': ifRange })).response.status
		expect(await status(tag)).toBe(206)
		expect(await status('"other"')).toBe(200)
		expect(await status('Wed, 21 Oct 2026 07:28:00 GMT')).toBe(200)
	})

	test('tells its length alone', async () => {
		const { document } = await uploaded()
		const { response, bytes } = await source(document.id, {}, 'HEAD')
		expect(response.status).toBe(200)
		expect(response.headers.get('Content-Length')).toBe(String(PDF.length))
		expect(bytes).toHaveLength(0)
	})

	test('is for a reader of this document, and says when it is gone', async () => {
		const { document } = await uploaded()
		const token = await tokenFor({ sub: 'reader', documents: { [document.id]: 'read' } })
		const response = await call(`/api/documents/${document.id}/source`, { token })
		expect(new Uint8Array(await response.arrayBuffer())).toEqual(PDF)
		await env.FILES.delete(`${document.id}/source`)
		const gone = await call(`/api/documents/${document.id}/source`, { token })
		expect(await refusal(gone)).toEqual({ status: 404, code: 'not_found' })
	})
})
