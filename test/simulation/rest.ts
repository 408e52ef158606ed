/**
 * What must hold when all has come to rest: faults have ended long ago, and nothing is planned any more.
 *
 * I1 what was promised has ended · I6 every page that is shown can be read · I7 the history says what the objects say ·
 * I10 nothing is left to which nobody refers · W nobody waits who wants nobody · poison: only a page that cannot be
 * converted fails
 */
import { isActive, packNumbers } from '../../src/core/job/job.ts'
import { UNREFERENCED_KEPT } from '../../src/core/job/rules/ruling.ts'
import { pageNumbers } from '../../src/core/pages.ts'
import type { Checks } from './checks.ts'
import type { Nature } from './converter.ts'
import type { SimulatedDocument } from './document.ts'
import type { SimulatedLineup } from './lineup.ts'
import { type Bucket, type History, packKey, sourceKey } from './storage.ts'
import type { SimulatedUser } from './user.ts'
import { Violation } from './violation.ts'

/** Every page of what is shown now lies where its index says. Checked again and again, not only at rest. */
export function checkPages(document: SimulatedDocument, bucket: Bucket): void {
	const saved = document.saved()
	if (saved?.life.state !== 'kept') return
	for (const conversion of [saved, document.served()]) {
		const numbers = conversion && packNumbers(conversion)
		if (!conversion?.job || !numbers) continue
		const pages: number[] = []
		for (const [fence, pack] of document.rows.packs) {
			if (pack.job < numbers.from || pack.job > numbers.to) continue
			if (bucket.objects.get(packKey(document.id, fence)) !== pack.digest) {
				throw new Violation('I6', `${document.id}: pack ${fence} of ${conversion.job.id} is not there`)
			}
			pages.push(...pack.pages)
		}
		const ready = pageNumbers(conversion.job.ready)
		const found = pages.sort((one, other) => one - other)
		if (ready.length !== found.length || ready.some((page, index) => page !== found[index])) {
			throw new Violation('I6', `${document.id}: ${conversion.job.id} shows pages ${ready} and has ${found}`)
		}
	}
}

/** Where nothing else is wrong, a page that ends its converters fails alone. */
export function checkIsolation(document: SimulatedDocument, { poison, badPages }: Nature): void {
	for (const { job } of document.rows.jobs.values()) {
		for (const { page, code } of job?.failedPages ?? []) {
			if (page !== poison && !badPages.has(page)) {
				throw new Violation('poison', `${document.id}: page ${page} failed with ${code}, and page ${poison} is poison`)
			}
		}
	}
}

/** I1, within a bound of time after the faults. */
export function checkEnded(document: SimulatedDocument): void {
	const { job } = document.saved() ?? { job: null }
	if (isActive(job)) throw new Violation('I1', `${document.id}: ${job.id} is still ${job.phase.status}`)
}

export function checkRest(
	documents: readonly SimulatedDocument[],
	users: readonly SimulatedUser[],
	{ bucket, history, lineup, checks }: { bucket: Bucket; history: History; lineup: SimulatedLineup; checks: Checks },
): void {
	const referred = new Set<string>()
	for (const [index, document] of documents.entries()) {
		checkEnded(document)
		checkPages(document, bucket)
		const user = users[index]
		const saved = document.saved()
		if (saved?.life.state === 'reserved') throw new Violation('I10', `${document.id} is still reserved`)
		const pointsTo = saved?.life.state === 'erased' ? saved.life.successor : 0
		if (document.successor > 0 && pointsTo < document.successor) {
			throw new Violation('identity', `${document.id} has forgotten which document has its externalId`)
		}
		if (saved?.life.state === 'erased' && pointsTo === 0) {
			throw new Violation('I10', `${document.id} is still a tombstone`)
		}
		if (user?.erased && saved && pointsTo === 0) throw new Violation('I10', `${document.id} was erased and is there`)
		if (saved && pointsTo === 0) {
			referred.add(sourceKey(document.id))
			if (bucket.objects.get(sourceKey(document.id)) === undefined) {
				throw new Violation('I6', `${document.id} has lost its source`)
			}
		}
		const packs = [...document.rows.packs].map(([fence, { job }]) => ({ fence, job }))
		const shown = [saved, document.served()].filter((each) => each !== null)
		const kept = shown.map(packNumbers)
		for (const { fence, job } of packs) {
			if (kept.some((range) => range && range.from <= job && job <= range.to)) referred.add(packKey(document.id, fence))
		}
		checkPromises(document, user)
		checkHistory(document, history)
	}
	// What is on its way for as long as nobody must refer to it is found by nobody afterwards; only clocks can do that.
	const isInTime = checks.putForward < UNREFERENCED_KEPT / 2
	for (const key of isInTime ? bucket.objects.keys() : []) {
		if (!referred.has(key)) throw new Violation('I10', `nobody refers to ${key}`)
	}
	for (const entry of lineup.rows.values()) throw new Violation('W', `${entry.jobId} still waits for ${entry.want}`)
}

function checkPromises(document: SimulatedDocument, user: SimulatedUser | undefined): void {
	const saved = document.saved()
	if (!saved || !user) return
	const known = new Map([...document.rows.jobs.values()].map(({ job }) => [job?.id, job]))
	for (const jobId of user.promised) {
		const job = known.get(jobId)
		if (!job) throw new Violation('I1', `${jobId} was promised and is nowhere`)
		if (isActive(job)) throw new Violation('I1', `${jobId} was promised and never ended`)
	}
	for (const [key, asked] of user.keyed) {
		const made = [...asked].filter((jobId) => known.has(jobId))
		if (made.length > 1) throw new Violation('idempotency', `${key} made ${made}`)
	}
}

function checkHistory(document: SimulatedDocument, history: History): void {
	const saved = document.saved()
	const row = history.documents.get(document.id)
	if (!saved) {
		if (row && !row.erased) throw new Violation('I7', `${document.id} is gone and the history shows it`)
		return
	}
	if (!row) throw new Violation('I7', `the history lacks ${document.id}`)
	for (const { number, job } of document.rows.jobs.values()) {
		if (!job) continue
		const told = history.jobs.get(`${document.id}/${number}`)
		if (told?.status !== job.phase.status) {
			throw new Violation(
				'I7',
				`the history says ${told?.status ?? 'nothing'} of ${job.id}, which is ${job.phase.status}`,
			)
		}
	}
	const status = saved.job?.phase.status ?? 'none'
	if (row.status !== status)
		throw new Violation('I7', `the history says ${row.status} of ${document.id}, not ${status}`)
}
