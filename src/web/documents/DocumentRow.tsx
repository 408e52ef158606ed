import { useEffect } from 'react'
import type { Client } from '../../client/client.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import { formatBytes, formatCount, formatWhen } from '../format.ts'
import { Icon } from '../parts/Icon.tsx'
import { StatusBadge } from '../parts/StatusBadge.tsx'
import { useConversion } from '../parts/use-conversion.ts'
import { documentHref } from '../route.ts'
import type { DocumentItem } from './upload-queue.ts'

interface DocumentRowProps {
	item: DocumentItem
	status: Snapshot['status']
	/** Percent; null when it is not known. */
	progress: number | null
	/** Milliseconds since the epoch. */
	now: number
}

export function DocumentRow({ item, status, progress, now }: DocumentRowProps) {
	const pages = item.totalPages === null ? [] : [formatCount(item.totalPages, 'page')]
	const facts = [...pages, formatBytes(item.size), formatWhen(item.createdAt, now)]
	return (
		<a className="row" href={documentHref(item.id)}>
			<span className="row-sign">
				<Icon name="sheet" />
			</span>
			<span className="row-text">
				<span className="row-name">{item.name}</span>
				<span className="row-facts">
					{facts.map((fact, index) => (
						<span key={fact} className="row-fact">
							{index < facts.length - 1 ? `${fact} · ` : fact}
						</span>
					))}
				</span>
			</span>
			<StatusBadge status={status} progress={progress} />
			{status === 'processing' && progress !== null && (
				<span className="row-progress" style={{ transform: `scaleX(${progress / 100})` }} />
			)}
		</a>
	)
}

interface LiveDocumentRowProps {
	client: Client
	item: DocumentItem
	now: number
	/** The document was deleted meanwhile. */
	onMissing: (id: string) => void
}

/** A row that keeps itself up to date. */
export function LiveDocumentRow({ client, item, now, onMissing }: LiveDocumentRowProps) {
	const { snapshot, error } = useConversion(client, item.id)
	const isMissing = error?.status === 404
	useEffect(() => {
		if (isMissing) onMissing(item.id)
	}, [isMissing, onMissing, item.id])
	return (
		<DocumentRow
			item={{ ...item, totalPages: snapshot?.totalPages ?? item.totalPages }}
			status={snapshot?.status ?? item.status}
			progress={snapshot?.progress ?? null}
			now={now}
		/>
	)
}
