import { useEffect, useState, useSyncExternalStore } from 'react'
import type { Client } from '../../client/client.ts'
import { isSettled } from '../../core/snapshot.ts'
import { Notice } from '../parts/Notice.tsx'
import { DocumentRow, LiveDocumentRow } from './DocumentRow.tsx'
import { DropZone } from './DropZone.tsx'
import { UploadList } from './UploadList.tsx'
import type { DocumentItem, UploadQueue } from './upload-queue.ts'
import { useDocuments } from './use-documents.ts'

/** Rows beyond that show what the list says; each live one is a connection of its own. */
const LIVE_ROWS = 8

interface DocumentsViewProps {
	client: Client
	uploads: UploadQueue
	/** Documents that are known to be deleted. */
	gone: ReadonlySet<string>
	/** The name of the one that was deleted just now. */
	farewell: string | null
	onMissing: (id: string) => void
}

/** What one has, newest first, and the way to bring more. */
export function DocumentsView({ client, uploads: queue, gone, farewell, onMissing }: DocumentsViewProps) {
	const { uploads, recent } = useSyncExternalStore(queue.subscribe, queue.current)
	const documents = useDocuments(client)
	const items = together(recent, documents.items).filter(({ id }) => !gone.has(id))
	const live = new Set(
		items
			.filter(isUnderWay)
			.slice(0, LIVE_ROWS)
			.map(({ id }) => id),
	)
	const [now] = useState(() => Date.now())

	useEffect(() => {
		document.title = 'Documents · Platen'
	}, [])

	return (
		<>
			<h1 className="visually-hidden">Documents</h1>
			<DropZone isRoomy={items.length === 0} onFiles={(files) => queue.add(files)} />
			<UploadList uploads={uploads} onDismiss={(key) => queue.dismiss(key)} onRepeat={(key) => queue.repeat(key)} />
			{farewell !== null && (
				<Notice tone="calm">
					<span className="notice-name">{farewell}</span> was deleted.
				</Notice>
			)}
			{documents.state === 'failed' && (
				<Notice
					tone="error"
					action={
						<button type="button" className="button" onClick={documents.load}>
							Try again
						</button>
					}
				>
					Your documents could not be listed. {documents.error?.detail}
				</Notice>
			)}
			{items.length > 0 && (
				<section aria-labelledby="documents-heading">
					<h2 id="documents-heading" className="section-heading">
						Your documents
					</h2>
					<ul className="rows">
						{items.map((item) => (
							<li key={item.id}>
								{live.has(item.id) ? (
									<LiveDocumentRow client={client} item={item} now={now} onMissing={onMissing} />
								) : (
									<DocumentRow item={item} status={item.status} progress={null} now={now} />
								)}
							</li>
						))}
					</ul>
				</section>
			)}
			{items.length === 0 && documents.state === 'loading' && <RowsToCome />}
			{items.length === 0 && documents.state === 'ready' && (
				<p className="empty">Nothing here yet. What you upload is listed here, newest first, with how far it is.</p>
			)}
			{documents.hasMore && documents.state !== 'failed' && (
				<button type="button" className="button more" disabled={documents.state === 'loading'} onClick={documents.load}>
					{documents.state === 'loading' ? 'Loading…' : 'Show older'}
				</button>
			)}
		</>
	)
}

function RowsToCome() {
	return (
		<div className="rows" role="status" aria-label="Loading your documents">
			{[1, 2, 3].map((row) => (
				<div key={row} className="row row-to-come" />
			))}
		</div>
	)
}

function isUnderWay({ status }: DocumentItem): boolean {
	return status !== 'none' && !isSettled(status)
}

/** One list of both; what the service lists is newer than what the upload answered. */
function together(recent: readonly DocumentItem[], listed: readonly DocumentItem[]): DocumentItem[] {
	const byId = new Map([...recent, ...listed].map((item) => [item.id, item]))
	return [...byId.values()].sort((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt))
}
