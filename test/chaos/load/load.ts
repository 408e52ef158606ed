/** What people and applications do while the service is being killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PlatenError } from '../../../src/client/error.ts'
import { isSettled, type Snapshot } from '../../../src/core/snapshot.ts'
import type { Random } from '../random.ts'
import type { Instance } from '../service/instance.ts'
import type { Files, UploadFile } from './files.ts'
import type { Ledger } from './ledger.ts'
import { type KeyedUpload, newUpload, upload } from './upload.ts'

/** Beyond so many unfinished documents nothing is added that has to be converted: most wait for a lease to expire … */
const ENOUGH = 24
/** … and these for their turn, which takes the longer the less of the time there is a converter. */
const ENOUGH_QUEUED = 4
/** Milliseconds. */
const PAUSE = 80

export interface Load {
	/** Goes on until the signal says so; what is not answered then, or at all, was no promise. */
	run(signal: AbortSignal): Promise<void>
}

export function createLoad(instance: Instance, ledger: Ledger, files: Files, random: Random): Load {
	const { client } = instance
	/** Uploads without an answer, which are sent again. */
	const unanswered: KeyedUpload[] = []
	/** One that was answered, and what with. */
	let answered: { upload: KeyedUpload; snapshot: Snapshot } | null = null

	/** What can be done just now, and how often it is. */
	function choices(): [weight: number, act: () => Promise<unknown>][] {
		const active = ledger.unsettled()
		const completed = ledger.those(({ status }) => status === 'completed')
		const ended = ledger.those(({ status }) => isSettled(status))
		const given = ledger.those(({ status }) => status === 'failed' || status === 'cancelled')
		const waiting = ledger.those(({ status }) => status === 'none')
		const isQueued = ({ status }: Snapshot) => status === 'queued'
		const isFree = active.length < ENOUGH && active.filter(isQueued).length < ENOUGH_QUEUED
		const one = (some: Snapshot[], act: (documentId: string) => Promise<unknown>) => () =>
			act(random.oneOf(some).documentId)
		const possible: [number, boolean, () => Promise<unknown>][] = [
			[12, isFree, () => send(newUpload(anyFile(), true))],
			[6, isFree, () => send(newUpload(anyFile(), false))],
			// Whoever comes brings a converter for all that wait, whose own nudges may be lost.
			[6, active.length < ENOUGH, () => send(newUpload(files.page, true))],
			[3, true, () => send(newUpload(files.page, false))],
			[16, unanswered.length > 0, () => send(unanswered.pop() ?? newUpload(files.page, false))],
			[2, answered !== null, repeat],
			[8, isFree && waiting.length > 0, one(waiting, start)],
			[4, isFree && completed.length > 0, one(completed, (id) => start(id, { forceReconvert: true }))],
			[4, isFree && given.length > 0, one(given, (id) => ledger.start(() => client.retry(id)))],
			[8, active.length > 0, one(active, start)],
			[1, active.length > 0, one(active, (id) => start(id, { onActive: 'replace' }))],
			[1, active.length > 0, one(active, (id) => ledger.hear(() => client.cancel(id)))],
			[1, active.length > 0, one(active, erase)],
			[3, ended.length > 0, one(ended, erase)],
			[8, completed.length > 0, one(completed, look)],
		]
		return possible.flatMap(([weight, isPossible, act]) => (isPossible ? [[weight, act]] : []))
	}

	async function send(sent: KeyedUpload): Promise<void> {
		const ask = () => upload(instance, sent)
		try {
			const snapshot = await (sent.convert ? ledger.start(ask) : ledger.hear(ask))
			answered = { upload: sent, snapshot }
		} catch (error) {
			if (isBroken(error)) unanswered.push(sent)
			throw error
		}
	}

	async function repeat(): Promise<void> {
		if (!answered) return
		const { upload: sent, snapshot } = answered
		answered = null
		ledger.repeated(snapshot, await ledger.hear(() => upload(instance, sent)))
	}

	async function start(documentId: string, request: Parameters<typeof client.start>[1] = {}): Promise<void> {
		await ledger.start(() => client.start(documentId, request))
	}

	async function erase(documentId: string): Promise<void> {
		if (answered?.snapshot.documentId === documentId) answered = null
		await ledger.erase(documentId, () => client.erase(documentId))
	}

	async function look(documentId: string): Promise<void> {
		const { pages } = await client.pages(documentId)
		const { imageUrl } = random.oneOf(pages)
		if (imageUrl !== null) await client.bytes(imageUrl)
		await client.documents({ limit: 5 })
	}

	function anyFile(): UploadFile {
		return random.chance(0.4) ? files.page : random.oneOf(files.others)
	}

	return {
		async run(signal) {
			while (!signal.aborted) {
				const cards = choices().flatMap(([weight, act]) => Array.from({ length: weight }, () => act))
				await random.oneOf(cards)().catch(unlessExpected)
				await sleep(PAUSE)
			}
		},
	}
}

/** No answer, or one that says that the service is not itself. */
function isBroken(error: unknown): boolean {
	return error instanceof PlatenError && (error.status === null || error.status >= 500)
}

/**
 * That is what this is about. And what somebody wants to do with a document may be impossible by now: it has ended, or
 * an erasure without an answer was carried out.
 */
export function unlessExpected(error: unknown): void {
	if (isBroken(error)) return
	if (error instanceof PlatenError && (error.status === 404 || error.status === 409)) return
	throw error
}
