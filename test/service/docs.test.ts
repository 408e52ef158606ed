/** The page of the API in a real browser, as `npm start` serves it. */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OpenApi, operationsOf } from '../contract/document.ts'
import { executablePath, FLAGS, hasBrowser } from './chromium.ts'
import { type Running, start, stop } from './running.ts'

/** Set it to see what the browser saw. */
const pictures = process.env.PLATEN_PICTURES

const WIDE = { width: 1280, height: 900 }
const NARROW = { width: 390, height: 844 }

let running: Running
let browser: Browser

describe.skipIf(!hasBrowser)('the page at /docs', () => {
	beforeAll(async () => {
		running = await start()
		browser = await chromium.launch({ executablePath, args: FLAGS })
	})

	afterAll(async () => {
		await browser?.close()
		await stop(running)
	})

	test('shows every operation of the document, asks nobody else, and breaks no rule of its own', async () => {
		const { page, violations, elsewhere } = await opened()
		const document = (await (await fetch(`${running.address}/openapi.json`)).json()) as OpenApi
		const shown = await page.locator('.opblock').evaluateAll((blocks) =>
			blocks.map((block) => {
				const text = (part: string) => block.querySelector(part)?.textContent?.replaceAll('\u200b', '') ?? ''
				return `${text('.opblock-summary-method')} ${text('.opblock-summary-path')}`
			}),
		)
		const described = operationsOf(document).map(({ method, path }) => `${method} ${path}`)
		// The calls that webhooks get are shown beside them.
		const calls = Object.entries(document.webhooks ?? {}).map(([name]) => `POST ${name}`)
		expect(shown.sort()).toEqual([...described, ...calls].sort())
		await picture(page, 'docs')

		// Opened, with a token, tried out.
		await page.getByRole('button', { name: 'Authorize' }).click()
		await page.getByLabel('auth-bearer-value').fill(running.token)
		await page.getByRole('button', { name: 'Apply credentials' }).first().click()
		await page.getByRole('button', { name: 'Close' }).first().click()
		const list = page.locator('#operations-documents-listDocuments')
		await list.locator('.opblock-summary').click()
		await list.getByRole('button', { name: 'Try it out' }).click()
		await list.getByRole('button', { name: 'Execute' }).click()
		await list.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor()
		expect(await list.locator('.live-responses-table').innerText()).toContain('nextCursor')
		await list.scrollIntoViewIfNeeded()
		await picture(page, 'docs-tried')
		expect(violations).toEqual([])
		expect(elsewhere).toEqual([])
	})

	test('is dark where the system is, fits a narrow window, and leads back to the app', async () => {
		const { page, violations, elsewhere } = await opened({ colorScheme: 'dark', viewport: NARROW })
		const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
		expect(ground).toBe('rgb(18, 20, 22)')
		const first = page.locator('.opblock').first()
		await first.locator('.opblock-summary').click()
		await first.locator('.opblock-body').waitFor()
		const overflow = () =>
			page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
		expect(await overflow()).toBeLessThanOrEqual(0)
		await first.scrollIntoViewIfNeeded()
		await page.mouse.wheel(0, 500)
		await picture(page, 'docs-narrow-dark')
		await page.emulateMedia({ colorScheme: 'light' })
		await page.waitForFunction(() => !document.documentElement.classList.contains('dark-mode'))
		await picture(page, 'docs-narrow')
		await page.setViewportSize(WIDE)
		await page.emulateMedia({ colorScheme: 'dark' })
		await picture(page, 'docs-dark')
		await page.getByRole('link', { name: 'Your documents' }).click()
		await page.getByLabel('Access token').waitFor()
		await page.getByRole('link', { name: 'the API' }).click()
		await page.locator('.opblock').first().waitFor()
		expect(new URL(page.url()).pathname).toBe('/docs')
		expect(violations).toEqual([])
		expect(elsewhere).toEqual([])
	})
})

async function opened(options: { colorScheme?: 'light' | 'dark'; viewport?: { width: number; height: number } } = {}) {
	const { colorScheme = 'light', viewport = WIDE } = options
	const context = await browser.newContext({ colorScheme, viewport })
	const page = await context.newPage()
	const violations: string[] = []
	const elsewhere: string[] = []
	page.on('console', (message) => {
		if (message.type() === 'error' || /content security policy/i.test(message.text())) violations.push(message.text())
	})
	page.on('pageerror', (error) => violations.push(String(error)))
	page.on('request', (request) => {
		const url = request.url()
		if (!url.startsWith(`${running.address}/`) && !url.startsWith('data:')) elsewhere.push(url)
	})
	const response = await page.goto(`${running.address}/docs`)
	expect(response?.status()).toBe(200)
	expect(response?.headers()['content-security-policy']).toContain("default-src 'none'")
	await page.locator('.opblock').first().waitFor()
	return { page, violations, elsewhere }
}

async function picture(page: Page, name: string): Promise<void> {
	if (!pictures) return
	await mkdir(pictures, { recursive: true })
	await page.screenshot({ path: join(resolve(pictures), `${name}.png`) })
}
