/**
 * Pages as somebody's own converter gives them back: files of a form, which become a pack here. What an image is and how
 * large, it says itself; nothing that was said about it is believed.
 */

import { HEADER_BYTES, type ImageHeader, imageHeader } from '../../core/image-header.ts'
import { MAX_SIDE } from '../../core/options.ts'
import { MAX_FINISH_BYTES, type OwnFinish, ownFinishSchema } from '../../core/own-converter.ts'
import type { PageRange } from '../../core/pages.ts'
import { createPackWriter, type Pack, type PageToPack } from '../../pack/writer.ts'
import { formOf, isForm } from '../form.ts'
import { malformed } from '../http/app.ts'
import { Refusal } from '../problem.ts'
import { sizedBody } from '../upload.ts'

/** Milliseconds for all of a form to arrive: no lease outlives half a minute without a word. */
const ARRIVES_WITHIN = 60_000

const PART = /^(image|thumbnail|text)-([1-9]\d{0,4})$/
type Kind = 'image' | 'thumbnail' | 'text'

export interface Delivery {
	finish: OwnFinish
	/** In their order. */
	pages: PageToPack[]
}

/** @throws Refusal `malformed`, `incomplete_upload`, `length_required` or `too_large` */
export async function readDelivery(request: Request): Promise<Delivery> {
	const form = await partsOf(request)
	const report = form.get('report')
	if (report === null) throw wrong('Send a part `report`, with what is finished as JSON')
	const finish = ownFinishSchema.safeParse(jsonOf(typeof report === 'string' ? report : await report.text()))
	if (!finish.success) throw malformed(finish.error.issues, 'report')
	return { finish: finish.data, pages: await pagesOf(form) }
}

/** Every page of the lease up to `through` must be there, or be said to have failed; and no other. */
export function checkPages({ finish, pages }: Delivery, lease: PageRange): void {
	const { through = lease.last } = finish
	if (through < lease.first || through > lease.last) {
		throw wrong(`\`through\` is none of the pages of this lease, ${lease.first} to ${lease.last}`)
	}
	const converted = new Set(pages.map(({ page }) => page))
	const failed = new Set(finish.failed.map(({ page }) => page))
	for (const page of [...converted, ...failed]) {
		if (page < lease.first || page > through) {
			throw wrong(`Page ${page} is none of those that are to be finished, ${lease.first} to ${through}`)
		}
	}
	for (let page = lease.first; page <= through; page++) {
		if (converted.has(page) && failed.has(page)) throw wrong(`Page ${page} has an image and is among \`failed\``)
		if (!converted.has(page) && !failed.has(page)) {
			throw wrong(`Page ${page} has no image (\`image-${page}\`) and is not among \`failed\``)
		}
	}
	if (failed.size < finish.failed.length) throw wrong('A page is among `failed` twice')
}

/** Null when there are no pages. */
export function packOf({ pages }: Delivery): Pack | null {
	if (pages.length === 0) return null
	const writer = createPackWriter()
	for (const page of pages) writer.add(page)
	return writer.finish()
}

/** @throws Refusal also of whoever does not say how much is coming */
async function partsOf(request: Request): Promise<FormData> {
	const most = `${MAX_FINISH_BYTES / 1024 / 1024} MB`
	const tooLarge = `All files together may have ${most}. Finish fewer pages at a time, with \`through\`.`
	const { body, length } = await sizedBody(request, MAX_FINISH_BYTES, tooLarge)
	const type = request.headers.get('Content-Type')
	return await formOf(body, isForm(type) ? (type ?? '') : '', length, ARRIVES_WITHIN)
}

async function pagesOf(form: FormData): Promise<PageToPack[]> {
	const files = new Map<number, Partial<Record<Kind, Uint8Array>>>()
	for (const [name, value] of form) {
		if (name === 'report') continue
		const [, kind, number] = PART.exec(name) ?? []
		if (!kind)
			throw wrong(`There is no part ${JSON.stringify(name.slice(0, 40))}. Call them image-1, thumbnail-1, text-1`)
		const page = files.get(Number(number)) ?? {}
		if (page[kind as Kind]) throw wrong(`${name} is there twice`)
		page[kind as Kind] = kind === 'text' ? await textOf(name, value) : await bytesOf(value)
		files.set(Number(number), page)
	}
	return [...files].sort(([one], [other]) => one - other).map(([page, parts]) => pageOf(page, parts))
}

function pageOf(page: number, { image, thumbnail, text }: Partial<Record<Kind, Uint8Array>>): PageToPack {
	if (!image) throw wrong(`Page ${page} has no image. Send it as image-${page}`)
	const { type, width, height } = headerOf(`image-${page}`, image)
	return {
		page,
		width,
		height,
		degraded: false,
		image: { type, bytes: image },
		thumbnail: thumbnail ? { type: headerOf(`thumbnail-${page}`, thumbnail).type, bytes: thumbnail } : null,
		text: text ?? new Uint8Array(),
		words: null,
	}
}

function headerOf(name: string, bytes: Uint8Array): ImageHeader {
	const header = imageHeader(bytes.subarray(0, HEADER_BYTES))
	if (!header) throw wrong(`${name} is neither PNG nor WebP`)
	if (Math.max(header.width, header.height) > MAX_SIDE) {
		throw wrong(`${name} has ${header.width} × ${header.height} pixels. No side may have more than ${MAX_SIDE}`)
	}
	return header
}

async function bytesOf(value: File | string): Promise<Uint8Array> {
	return typeof value === 'string' ? new TextEncoder().encode(value) : new Uint8Array(await value.arrayBuffer())
}

/** A form ends its lines with both characters. */
async function textOf(name: string, value: File | string): Promise<Uint8Array> {
	try {
		const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(await bytesOf(value))
		return new TextEncoder().encode(text.replace(/\r\n?/g, '\n'))
	} catch {
		throw wrong(`${name} is not UTF-8`)
	}
}

function jsonOf(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		throw wrong('`report` is not JSON')
	}
}

function wrong(what: string): Refusal {
	return new Refusal('malformed', `${what}.`)
}
