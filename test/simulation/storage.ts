/** What outlives every crash, beside the objects' own rows: the bucket and the history. Each may be away for a while. */
import { type Conversion, versionOf } from '../../src/core/job/job.ts'
import type { JobStatus } from '../../src/core/snapshot.ts'

export class Bucket {
	away = false
	/** By key; what a source or a pack holds is told apart by its digest. */
	readonly objects = new Map<string, string>()

	/** Stores an object unless one is there already: packs never change. */
	put(key: string, digest: string): void {
		if (!this.objects.has(key)) this.objects.set(key, digest)
	}
}

interface HistoryRow {
	version: number
	status: JobStatus | 'none'
}

interface JobRow extends HistoryRow {
	documentId: string
	updatedAt: number
}

/** The two tables of D1, with their guard: an older word never overwrites a newer one. */
export class History {
	away = false
	readonly documents = new Map<string, HistoryRow & { erased: boolean }>()
	/** By document and number. */
	readonly jobs = new Map<string, JobRow>()
	/** Owners who have a webhook. */
	readonly webhooks = new Set<string>()

	/** The jobs that have not ended, as far as it knows. */
	active(): JobRow[] {
		return [...this.jobs.values()].filter(({ status }) => status === 'queued' || status === 'processing')
	}

	record(documentId: string, conversions: readonly Conversion[]): void {
		const current = conversions.at(-1)
		if (!current) return
		const row = { version: versionOf(current), status: current.job?.phase.status ?? ('none' as const) }
		upsert(this.documents, documentId, { ...row, erased: current.life.state === 'erased' })
		for (const conversion of conversions) {
			if (!conversion.job) continue
			const { updatedAt } = conversion
			const job = { version: versionOf(conversion), status: conversion.job.phase.status, documentId, updatedAt }
			upsert(this.jobs, `${documentId}/${conversion.number}`, job)
		}
	}
}

function upsert<R extends HistoryRow>(table: Map<string, R>, key: string, row: R): void {
	const known = table.get(key)
	if (!known || known.version < row.version) table.set(key, row)
}

export function sourceKey(documentId: string): string {
	return `${documentId}/source`
}

export function packKey(documentId: string, fence: number): string {
	return `${documentId}/${fence}`
}
