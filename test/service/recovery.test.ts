import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { isSettled, type Snapshot } from '../../src/core/snapshot.ts'
import { makePdf } from '../fixtures/pdf.ts'
import { type Running, start, stop } from './running.ts'

let running: Running | undefined

afterEach(async () => {
	if (running) await stop(running)
	running = undefined
})

const PAGES = 400

test('a conversion survives that both processes are killed in the middle of it', async () => {
	running = await start()
	const pdf = makePdf(Array.from({ length: PAGES }, (_, index) => ({ text: [`Page ${index + 1}`] })))
	const { document } = await running.client.upload(pdf.slice(), { name: 'long.pdf', contentType: 'application/pdf' })
	const seen: Snapshot[] = []
	const look = async (service: Running) => {
		const snapshot = await service.client.status(document.id)
		seen.push(snapshot)
		return snapshot
	}
	while ((await look(running)).processedPages < PAGES / 10) await new Promise((resolve) => setTimeout(resolve, 50))
	running.service.kill()
	await running.service.stop()
	expect(isSettled(seen.at(-1)?.status ?? 'none')).toBe(false)

	running = await start(running.path)
	while (!isSettled((await look(running)).status)) await new Promise((resolve) => setTimeout(resolve, 250))
	expect(seen.at(-1)).toMatchObject({ status: 'completed', readyPages: `1-${PAGES}`, failedPageCount: 0 })
	const versions = seen.map(({ version }) => version)
	const percents = seen.map(({ progress }) => progress)
	expect(versions).toEqual(versions.toSorted((one, other) => one - other))
	expect(percents).toEqual(percents.toSorted((one, other) => one - other))

	const { client } = running
	const { pages } = await client.pages(document.id)
	expect(pages.map(({ page }) => page)).toEqual(Array.from({ length: PAGES }, (_, index) => index + 1))
	for (const { page, textUrl, imageUrl } of pages) {
		expect(await client.text(textUrl ?? '')).toContain(`Page ${page}`)
		if (page % 20 === 0) expect((await client.bytes(imageUrl ?? '')).byteLength).toBeGreaterThan(100)
	}
})

test.skipIf(process.platform !== 'linux')('a converter whose runtime is killed comes back by itself', async () => {
	running = await start()
	expect(await killRuntime(running)).toBeGreaterThan(0)
	const pdf = makePdf([{ text: ['After the crash'] }])
	const { document } = await running.client.upload(pdf.slice(), { name: 'one.pdf', contentType: 'application/pdf' })
	await expect
		.poll(async () => (await running?.client.status(document.id))?.status, { timeout: 90_000, interval: 500 })
		.toBe('completed')
})

/** Kills every workerd of the converter, and nothing else. @returns how many there were */
async function killRuntime({ path }: Running): Promise<number> {
	const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,pgid=,args='])
	const processes = stdout.split('\n').map((line) => {
		const [, pid, group, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
		return { pid: Number(pid), group: Number(group), command }
	})
	const groups = processes.filter(({ command }) => command.includes(`${path}/converter`)).map(({ group }) => group)
	const runtimes = processes.filter(({ group, command }) => groups.includes(group) && /workerd\S* serve/.test(command))
	for (const { pid } of runtimes) process.kill(pid, 'SIGKILL')
	return runtimes.length
}
