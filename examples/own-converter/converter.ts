/** A converter of one's own: takes text files from Platen and gives back pages. Node 22.18 or newer runs it as it is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32, deflateSync } from 'node:zlib'

const { PLATEN_URL = 'http://localhost:8787', PLATEN_TOKEN } = process.env
/** A page has 60 lines of 80 letters; each is 6 by 10 dots of 2 by 2 pixels, and the margins are one of each. */
const [WIDTH, HEIGHT] = [82 * 12, 62 * 20]
/** Letters from the space to the tilde: seven rows each, and the five dots of a row are a digit to the base of 32. */
const FONT =
	'00000004444404aa00000aavavaa4fke5u4op248j3cik8lid44000002488842842224804lel40044v4400000c48000v00000000cc01248g0' +
	'ehjlphe4c4444eeh1248vv2421he26aiv22vgu11he68guhhev124888ehhehheehhf12c0cc0cc00cc0c48248g84200v0v008421248eh12404' +
	'eh1dlleehhvhhhuhhuhhuehggghesihhhisvgguggvvggugggehgnhhfhhhvhhhe44444e72222ichikokihggggggvhrllhhhhhpljhhehhhhhe' +
	'uhhugggehhhliduhhukihfgge11uv444444hhhhhhehhhhha4hhhlllahha4ahhhhha444v1248gve88888e0g84210e22222e4ah0000000000v' +
	'842000000e1fhfggmphhu00egghe11djhhf00ehvge698s8880fhhf1eggmphhh40c444e20622icggikokic44444e00qllhh00mphhh00ehhhe' +
	'00uhugg00djf1100mpggg00ege1u88s889600hhhjd00hhha400hhlla00ha4ah00hhf1e00v248v244844244444448442448008l200'

type Lease = { documentId: string; fence: number; pages: { first: number; last: number }; source: { url: string } }
type Answer = { lease?: Lease; verdict?: 'go on' | 'yield' | 'stop'; next?: Lease | null }

async function tell(what: string, body: FormData | string): Promise<Answer> {
	const headers = new Headers({ Authorization: `Bearer ${PLATEN_TOKEN}` })
	const init = { method: 'POST', headers, body, signal: AbortSignal.timeout(30_000) }
	const response = await fetch(new URL(`/api/converter/${what}`, PLATEN_URL), init)
	if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`)
	return response.status === 204 ? {} : await response.json()
}

/** Converts the pages of a lease. @returns the next lease of the same document, if there is one for us */
async function convert({ documentId, fence, pages, source }: Lease): Promise<Lease | null | undefined> {
	const file = await fetch(new URL(source.url, PLATEN_URL), { signal: AbortSignal.timeout(30_000) })
	if (!file.ok) return null
	const texts = paginate((await file.text()).trimEnd())
	const { verdict } = await tell('report', JSON.stringify({ documentId, fence, pageCount: texts.length }))
	if (verdict === 'stop') return null
	const form = new FormData()
	form.set('report', JSON.stringify({ documentId, fence, more: true }))
	for (let page = pages.first; page <= pages.last; page++) {
		form.set(`image-${page}`, new Blob([draw(texts[page - 1] ?? [])]))
		form.set(`text-${page}`, new Blob([(texts[page - 1] ?? []).join('\n')]))
	}
	return (await tell('finish', form)).next
}

function paginate(text: string): string[][] {
	const lines = text.replaceAll('\t', '    ').split(/\r\n|\r|\n/)
	const short = lines.flatMap((line) => line.match(/.{1,80}/gsu) ?? [''])
	return Array.from({ length: Math.ceil(short.length / 60) }, (_, page) => short.slice(page * 60, (page + 1) * 60))
}

/** A PNG in shades of grey, of which each row begins with a 0. What the font does not have is a question mark. */
function draw(lines: string[]): Buffer<ArrayBuffer> {
	const letters = lines.map((line) => line.replace(/[^ -~]/gu, '?'))
	const pixels = Uint8Array.from({ length: (WIDTH + 1) * HEIGHT }, (_, at) => {
		const [x, y] = [((at % (WIDTH + 1)) - 1) >> 1, Math.floor(at / (WIDTH + 1)) >> 1]
		const letter = letters[Math.floor(y / 10) - 1]?.[Math.floor(x / 6) - 1] ?? ' '
		const dots = y % 10 > 6 ? 0 : Number.parseInt(FONT.charAt((letter.charCodeAt(0) - 32) * 7 + (y % 10)), 32)
		return x < 0 || (dots >> (4 - (x % 6))) & 1 ? 0 : 255
	})
	const header = Buffer.concat([number(WIDTH), number(HEIGHT), Buffer.of(8, 0, 0, 0, 0)])
	const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(pixels)), chunk('IEND', Buffer.of())]
	return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks])
}

function chunk(type: string, data: Buffer): Buffer {
	const named = Buffer.concat([Buffer.from(type), data])
	return Buffer.concat([number(data.length), named, number(crc32(named))])
}

const number = (value: number) => Buffer.from(Uint32Array.of(value).buffer).swap32()

for (const claim = { converter: `text-${process.pid}`, formats: ['text/plain'], wait: 20 }; ; ) {
	try {
		let { lease }: { lease?: Lease | null } = await tell('claim', JSON.stringify(claim))
		while (lease) lease = await convert(lease)
	} catch (error) {
		console.error(String(error))
		await sleep(2_000)
	}
}
