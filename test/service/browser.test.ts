/** The web page in a real browser, against the real service. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makePdf } from '../fixtures/pdf.ts'
import { type Running, start, stop } from './running.ts'

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const hasBrowser = existsSync(executablePath)
if (!hasBrowser) console.warn('Skipped: no Chromium; `npm run setup` installs one.')

/** Nothing that calls home, and no sandbox, which root cannot have. */
const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
]

/** Set it to see what the browser saw. */
const pictures = process.env.PLATEN_PICTURES

let running: Running
let browser: Browser

describe.skipIf(!hasBrowser)('the web page', () => {
	beforeAll(async () => {
		running = await start()
		browser = await chromium.launch({ executablePath, args: FLAGS })
	})

	afterAll(async () => {
		await browser?.close()
		await stop(running)
	})

	test('takes a PDF, shows it live, and every page as it is done', async () => {
		const { page, violations } = await signedIn()
		const pdf = makePdf(
			Array.from({ length: 40 }, (_, index) => ({ text: [`Page ${index + 1}`], photo: { pixels: 40, seed: index } })),
		)
		await page.setInputFiles('input[type=file]', {
			name: 'forty.pdf',
			mimeType: 'application/pdf',
			buffer: Buffer.from(pdf),
		})

		const bar = page.getByRole('progressbar').first()
		await bar.waitFor()
		// Half way: some pages are there, some are not.
		await page.waitForFunction(() => {
			const now = Number(document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow'))
			return now >= 30 && now < 85 && document.querySelectorAll('img[src*="/api/pages/"]').length > 0
		})
		await picture(page, 'half-way')
		expect(await page.getByText('Live', { exact: true }).count()).toBe(1)

		await page.getByText('All pages are ready').first().waitFor()
		await page.waitForFunction(() => document.querySelectorAll('img[src*="/api/pages/"]').length === 40)
		await page.waitForFunction(() => {
			const first = document.querySelector<HTMLImageElement>('img[src*="/api/pages/"]')
			return first?.complete === true && first.naturalWidth === 320
		})
		await picture(page, 'completed')

		await page
			.getByRole('button', { name: /page 3\b/i })
			.first()
			.click()
		const dialog = page.getByRole('dialog')
		await dialog.waitFor()
		expect(await dialog.innerText()).toContain('3 of 40')
		await page.keyboard.press('ArrowRight')
		await page.waitForFunction(() => document.querySelector('dialog')?.innerText.includes('4 of 40'))
		await picture(page, 'enlarged')
		await page.keyboard.press('Escape')
		await dialog.waitFor({ state: 'hidden' })

		await page.setViewportSize({ width: 390, height: 844 })
		await picture(page, 'completed-narrow')
		const overflow = await page.evaluate(
			() => document.documentElement.scrollWidth - document.documentElement.clientWidth,
		)
		expect(overflow).toBeLessThanOrEqual(0)
		expect(violations).toEqual([])
	})

	test('says why a file is refused, and why a conversion failed', async () => {
		const { page } = await signedIn()
		const files = [
			{ name: 'picture.pdf', mimeType: 'application/pdf', buffer: Buffer.from('GIF89a, not a PDF at all') },
			{ name: 'empty.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(0) },
		]
		for (const file of files) {
			await page.setInputFiles('input[type=file]', file)
			await page.getByText(file.name).first().waitFor()
		}
		await page
			.getByText(/not a PDF/i)
			.first()
			.waitFor()
		await page.getByText(/empty/i).first().waitFor()
		await picture(page, 'refused')

		const damaged = Buffer.from(makePdf([{ text: ['cut off'] }]).subarray(0, 200))
		await page.setInputFiles('input[type=file]', { name: 'damaged.pdf', mimeType: 'application/pdf', buffer: damaged })
		await page
			.getByText(/damaged or is not a PDF/)
			.first()
			.waitFor()
		await picture(page, 'failed')
		expect(await page.getByRole('button', { name: /convert again/i }).count()).toBe(1)
	})

	test('asks for a token, and keeps none in its address', async () => {
		const page = await browser.newPage()
		await page.goto(running.address)
		await page.getByRole('textbox').fill('not a token')
		await page.keyboard.press('Enter')
		await page.getByText(/token/i).first().waitFor()
		expect(await page.locator('input[type=file]').count()).toBe(0)
		await picture(page, 'sign-in')

		await page.goto(`${running.address}/#token=${running.token}`)
		await page.reload()
		await page.locator('input[type=file]').waitFor({ state: 'attached' })
		expect(page.url()).not.toContain(running.token)
		await page.close()
	})
})

async function signedIn(): Promise<{ page: Page; violations: string[] }> {
	const context = await browser.newContext({ viewport: { width: 1280, height: 860 } })
	// Longer than a lost lease and a lost nudge take together.
	context.setDefaultTimeout(90_000)
	const page = await context.newPage()
	const violations: string[] = []
	page.on('console', (message) => {
		if (message.type() === 'error') violations.push(message.text())
	})
	page.on('pageerror', (error) => violations.push(String(error)))
	await page.goto(`${running.address}/#token=${running.token}`)
	await page.locator('input[type=file]').waitFor({ state: 'attached' })
	return { page, violations }
}

async function picture(page: Page, name: string): Promise<void> {
	if (!pictures) return
	const folder = resolve(pictures)
	await mkdir(folder, { recursive: true })
	await page.screenshot({ path: join(folder, `${name}.png`) })
}
