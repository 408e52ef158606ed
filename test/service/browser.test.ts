/** The web page in a real browser, against the real service. */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makePdf } from '../fixtures/pdf.ts'
import { executablePath, FLAGS, hasBrowser } from './chromium.ts'
import { type Running, start, stop } from './running.ts'

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
		await page.setInputFiles('input[type=file]', pdfFile('forty.pdf', 40))

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

	test('cancels a conversion, goes on where it ended, and deletes the document', async () => {
		const { page, violations } = await signedIn()
		const posted = keptCommands(page)
		await upload(page, 'long.pdf', 60)
		// Some pages are ready, many are not.
		await page.waitForFunction(() => document.querySelectorAll('img[src*="/api/pages/"]').length > 0)
		await picture(page, 'with-cancel')

		// By keyboard. The button keeps the focus while it turns into the next one.
		await page.getByRole('button', { name: 'Cancel' }).focus()
		await page.keyboard.press('Enter')
		await page.getByText('The conversion was cancelled').first().waitFor()
		const again = page.getByRole('button', { name: 'Try again' })
		await again.waitFor()
		expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Try again')
		await picture(page, 'cancelled')
		const id = page.url().split('/').at(-1) ?? ''
		const cancelled = await running.client.status(id)
		expect(cancelled).toMatchObject({ status: 'cancelled', totalPages: 60 })
		expect(cancelled.readyPages).not.toBe('')
		const first = page.locator('img[src*="/api/pages/"]').first()
		const address = await first.getAttribute('src')

		// What is ready stays: the picture is the very element that it was.
		await first.evaluate((image) => image.setAttribute('data-kept', 'yes'))
		await again.click()
		await page.getByText('All pages are ready').first().waitFor()
		await page.waitForFunction(() => document.querySelectorAll('img[src*="/api/pages/"]').length === 60)
		expect(await first.getAttribute('data-kept')).toBe('yes')
		expect(await first.getAttribute('src')).toBe(address)
		expect((await running.client.status(id)).jobId).not.toBe(cancelled.jobId)
		expect(posted.map(({ action }) => action)).toEqual(['cancel', 'retry'])
		expect(new Set(posted.map(({ key }) => key)).size).toBe(2)
		expect(posted.every(({ key }) => key)).toBe(true)

		const erase = page.getByRole('button', { name: 'Delete' })
		await erase.click()
		const dialog = page.getByRole('alertdialog')
		await dialog.waitFor()
		expect(await dialog.innerText()).toContain('long.pdf')
		await picture(page, 'delete')
		await page.keyboard.press('Escape')
		await dialog.waitFor({ state: 'hidden' })
		expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Delete')
		expect((await running.client.document(id)).name).toBe('long.pdf')

		await erase.click()
		await dialog.getByRole('button', { name: 'Delete' }).click()
		await page.getByText('was deleted').waitFor()
		expect(await page.locator(`a[href*="${id}"]`).count()).toBe(0)
		expect(violations).toEqual([])
		await expect(running.client.document(id)).rejects.toMatchObject({ status: 404 })
		await page.goto(`${running.address}/#/documents/${id}`)
		await page.getByText('This document is no longer there').waitFor()
		await page.reload()
		await page.getByText('There is no such document').waitFor()
	})

	test('asks for the password of a protected document, and shows its pages once it has it', async () => {
		const { page, violations } = await signedIn()
		const posted = keptCommands(page)
		const pages = [{ text: ['Confidential'] }, { text: ['Page 2'] }]
		const pdf = makePdf(pages, { revision: 6, user: 'Schwertfisch', owner: 'the author' })
		const file = { name: 'protected.pdf', mimeType: 'application/pdf', buffer: Buffer.from(pdf) }
		await page.setInputFiles('input[type=file]', file)

		const field = page.getByLabel('Password of the document')
		await field.waitFor()
		await page.getByText('Enter its password to go on').first().waitFor()
		expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0)
		const isFocused = () => field.evaluate((input) => input === document.activeElement)
		expect(await isFocused()).toBe(true)
		expect(await field.getAttribute('type')).toBe('password')
		expect(await field.getAttribute('aria-invalid')).toBe('false')
		await everyPicture(page, 'password-needed')
		await page.setViewportSize({ width: 390, height: 844 })
		expect((await field.boundingBox())?.width).toBeGreaterThan(180)
		await page.setViewportSize({ width: 1280, height: 860 })

		await page.keyboard.type('Thunfisch')
		await page.keyboard.press('Enter')
		await page.getByText('That is not the password').first().waitFor()
		await page.waitForFunction(() => document.activeElement?.id === 'document-password')
		expect(await field.inputValue()).toBe('')
		expect(await field.getAttribute('aria-invalid')).toBe('true')
		const described = await field.getAttribute('aria-describedby')
		expect(await page.locator(`#${described}`).innerText()).toContain('That is not the password')
		await everyPicture(page, 'password-wrong')

		// What got lost on its way can be sent again, without typing it once more.
		const status = '**/conversion-status'
		await page.route(status, (route) => (route.request().method() === 'POST' ? route.abort() : route.fallback()))
		await page.keyboard.type('Schwertfisch')
		await page.keyboard.press('Enter')
		await page.getByText(/could not be continued.*cannot be reached/).waitFor()
		expect(await isFocused()).toBe(true)
		await page.unroute(status)
		violations.length = 0
		await page.keyboard.press('Enter')
		await page.waitForFunction(() => document.querySelectorAll('img[src*="/api/pages/"]').length === 2)
		await page.getByText('All pages are ready').first().waitFor()
		expect(await field.count()).toBe(0)
		// Whoever works by keyboard is still at the conversion.
		expect(await page.evaluate(() => document.activeElement?.ariaLabel)).toBe('Conversion')
		await picture(page, 'password-right')
		expect(new Set(posted.map(({ action }) => action))).toEqual(new Set(['retry']))
		const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]))
		expect(kept).not.toMatch(/fisch/)
		const snapshot = await running.client.status(page.url().split('/').at(-1) ?? '')
		expect(JSON.stringify(snapshot)).not.toMatch(/fisch/)
		expect(violations).toEqual([])
	})

	test('says that a document is gone which somebody deletes while it is looked at', async () => {
		const { page } = await signedIn()
		await upload(page, 'short-lived.pdf', 120)
		await page.getByText('Live', { exact: true }).waitFor()
		await running.client.erase(page.url().split('/').at(-1) ?? '')
		await page.getByText('This document is no longer there').waitFor()
		expect(await page.getByRole('progressbar').count()).toBe(0)
		await page.getByRole('link', { name: 'Your documents' }).click()
		await page.getByText('Drop PDFs').waitFor()
		expect(await page.getByText('short-lived.pdf').count()).toBe(0)
	})

	test('says why something could not be done, and can do it afterwards', async () => {
		const { page } = await signedIn()
		await upload(page, 'stubborn.pdf', 120)
		const cancel = page.getByRole('button', { name: 'Cancel' })
		await cancel.waitFor()
		const status = '**/conversion-status'
		let refused = 0
		await page.route(status, async (route) => {
			if (route.request().method() !== 'POST') return route.fallback()
			refused++
			await route.abort()
		})
		await cancel.click()
		await page.getByText(/could not be cancelled.*cannot be reached/).waitFor()
		expect(refused).toBe(3)
		await page.unroute(status)
		await cancel.click()
		await page.getByText('The conversion was cancelled').first().waitFor()
		expect(await page.getByText(/could not be cancelled/).count()).toBe(0)

		const documents = '**/api/documents/*'
		await page.route(documents, (route) => route.abort())
		await page.getByRole('button', { name: 'Delete' }).click()
		const dialog = page.getByRole('alertdialog')
		await dialog.getByRole('button', { name: 'Delete' }).click()
		await dialog.getByText(/could not be deleted.*cannot be reached/).waitFor()
		await page.unroute(documents)
		await dialog.getByRole('button', { name: 'Delete' }).click()
		await page.getByText('was deleted').waitFor()
	})

	test('repeats an upload without an answer, and the file is there once', async () => {
		const { page } = await signedIn()
		let uploads = 0
		await page.route('**/api/documents', async (route) => {
			if (route.request().method() !== 'POST' || ++uploads > 1) return route.fallback()
			// The file arrives, the answer does not.
			await route.fetch()
			await route.abort()
		})
		await page.setInputFiles('input[type=file]', pdfFile('once.pdf', 2))
		await page
			.getByText(/cannot be reached/)
			.first()
			.waitFor()
		await page.getByRole('button', { name: 'Upload once.pdf again' }).click()
		await page.getByText('All pages are ready').first().waitFor()
		expect(uploads).toBe(2)
		const { items } = await running.client.documents()
		expect(items.filter(({ name }) => name === 'once.pdf')).toHaveLength(1)
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
		expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(1)
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

function pdfFile(name: string, pages: number) {
	const pdf = makePdf(
		Array.from({ length: pages }, (_, index) => ({ text: [`Page ${index + 1}`], photo: { pixels: 40, seed: index } })),
	)
	return { name, mimeType: 'application/pdf', buffer: Buffer.from(pdf) }
}

/** Chooses a file and waits until its document is shown. */
async function upload(page: Page, name: string, pages: number): Promise<void> {
	await page.setInputFiles('input[type=file]', pdfFile(name, pages))
	await page.waitForURL(/#\/documents\//)
}

/** The commands that the page sends from now on. */
function keptCommands(page: Page): { action: string; key: string | undefined }[] {
	const commands: { action: string; key: string | undefined }[] = []
	page.on('request', (request) => {
		if (request.method() !== 'POST' || !request.url().endsWith('/conversion-status')) return
		commands.push({ action: request.postDataJSON().action, key: request.headers()['idempotency-key'] })
	})
	return commands
}

/** Wide and narrow, light and dark. */
async function everyPicture(page: Page, name: string): Promise<void> {
	if (!pictures) return
	for (const [width, height, size] of [
		[1280, 860, 'wide'],
		[390, 844, 'narrow'],
	] as const) {
		await page.setViewportSize({ width, height })
		for (const colorScheme of ['light', 'dark'] as const) {
			await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
			await picture(page, `${name}-${size}-${colorScheme}`)
		}
	}
	await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
	await page.setViewportSize({ width: 1280, height: 860 })
}

async function picture(page: Page, name: string): Promise<void> {
	if (!pictures) return
	const folder = resolve(pictures)
	await mkdir(folder, { recursive: true })
	await page.screenshot({ path: join(folder, `${name}.png`) })
}
