/**
 * Documents through the running service, as a client sees them: `npm run bench:service -- FILE.pdf …`
 *
 * For each: time from the upload to the first page and to the end, what came over the socket, and how long a status read
 * takes while nothing runs and while the document is converted. Needs `npm start` in another terminal.
 */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { runScript } from '../scripts/local/complaint.ts'
import { openFolder } from '../scripts/local/folder.ts'
import { runningService } from '../scripts/local/record.ts'
import { localSecret } from '../scripts/local/secret.ts'
import { type Client, createClient } from '../src/client/client.ts'
import { createToken } from '../src/client/token.ts'
import { socketMessageSchema } from '../src/core/protocol.ts'
import { isSettled, type Snapshot } from '../src/core/snapshot.ts'

const STATUS_READS = 500
/** Milliseconds between two reads. */
const PAUSE = 10

await runScript(async () => {
	const { values, positionals } = parseArgs({ options: { persist: { type: 'string' } }, allowPositionals: true })
	const folder = await openFolder(values.persist)
	const service = await runningService(folder)
	if (!service || positionals.length === 0) {
		console.error('Start the service with `npm start`, then name some PDFs: npm run bench:service -- FILE.pdf …')
		return 1
	}
	const token = await createToken(await localSecret(folder), { sub: 'bench' })
	const client = createClient({ baseUrl: `http://localhost:${service.port}`, getToken: () => token })
	for (const file of positionals) await measure(client, file)
	return 0
})

async function measure(client: Client, file: string): Promise<void> {
	const bytes = new Uint8Array(await readFile(file))
	const name = basename(file)
	const { document } = await client.upload(bytes, { name, contentType: 'application/pdf', convert: false })
	const idle = await statusReads(client, document.id, () => true)

	const startedAt = performance.now()
	const converted = await client.upload(bytes, { name, contentType: 'application/pdf' })
	const snapshots = listen(client, converted.document.id)
	const busy = await statusReads(client, converted.document.id, ({ status }) => !isSettled(status))
	let last = await client.status(converted.document.id)
	while (!isSettled(last.status)) {
		await sleep(50)
		last = await client.status(converted.document.id)
	}
	const wall = performance.now() - startedAt
	await sleep(300)
	const seen = snapshots()
	const since = (time: string | null) =>
		time && last.createdAt ? Date.parse(time) - Date.parse(last.createdAt) : Number.NaN
	console.log(`${name}: ${last.status}, ${last.readyPages || 'no'} pages`)
	console.log(`  upload to the end   ${wall.toFixed(0)} ms; as the object counts it ${since(last.completedAt)} ms`)
	console.log(`  a page              ${(since(last.completedAt) / (last.totalPages ?? 1)).toFixed(1)} ms`)
	console.log(`  first page          ${since(last.firstPageAt)} ms after it was accepted`)
	console.log(`  status read, idle   ${idle}`)
	console.log(`  status read, busy   ${busy}`)
	console.log(`  socket              ${seen.length} snapshots, ${verdict(seen)}`)
}

/** Percentiles of status reads, one after the other, as long as `goOn` says so. */
async function statusReads(client: Client, id: string, goOn: (snapshot: Snapshot) => boolean): Promise<string> {
	const times: number[] = []
	for (let count = 0; count < STATUS_READS; count++) {
		const startedAt = performance.now()
		const snapshot = await client.status(id)
		times.push(performance.now() - startedAt)
		if (!goOn(snapshot)) break
		await sleep(PAUSE)
	}
	times.sort((one, other) => one - other)
	const at = (share: number) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1)
	return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (${times.length} reads)`
}

/** Everything that comes over a socket, unfiltered. */
function listen(client: Client, id: string): () => Snapshot[] {
	const snapshots: Snapshot[] = []
	void client.ticket(id).then(({ ticket }) => {
		const socket = new WebSocket(client.liveAddress(id), ['platen.v1', `ticket.${ticket}`])
		socket.addEventListener('message', ({ data }) => {
			const { snapshot } = socketMessageSchema.parse(JSON.parse(String(data)))
			snapshots.push(snapshot)
			if (isSettled(snapshot.status)) socket.close()
		})
	})
	return () => snapshots
}

function verdict(snapshots: Snapshot[]): string {
	const pairs = snapshots.slice(1).map((snapshot, index) => [snapshots[index] ?? snapshot, snapshot] as const)
	const versionsRise = pairs.every(([earlier, later]) => later.version > earlier.version)
	const percentRises = pairs.every(([earlier, later]) => later.progress >= earlier.progress)
	const hundredIsLast = snapshots.findIndex(({ progress }) => progress === 100) === snapshots.length - 1
	return `versions ${versionsRise ? 'rise' : 'DO NOT RISE'}, percent ${percentRises ? 'never falls' : 'FALLS'}, 100 ${hundredIsLast ? 'comes last' : 'DOES NOT COME LAST'}`
}
