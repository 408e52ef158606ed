import { useCallback, useEffect, useState } from 'react'
import type { Client } from '../../client/client.ts'
import type { PlatenError } from '../../client/error.ts'
import type { PlatenDocument } from '../../core/protocol.ts'
import { isSettled } from '../../core/snapshot.ts'
import { formatBytes, formatCount, formatWhen } from '../format.ts'
import { Icon } from '../parts/Icon.tsx'
import { Notice } from '../parts/Notice.tsx'
import { useConversion } from '../parts/use-conversion.ts'
import { documentsHref } from '../route.ts'
import { ConversionCard } from './ConversionCard.tsx'
import { PageGrid, tileId } from './PageGrid.tsx'
import { pagesToShow } from './page-plan.ts'
import { usePages } from './use-pages.ts'
import { Viewer } from './Viewer.tsx'

interface DocumentViewProps {
	client: Client
	documentId: string
	/** When it was uploaded just now, it need not be asked for. */
	known: PlatenDocument | null
}

/** One document: how far it is, its pages as they get ready, and one of them enlarged. */
export function DocumentView({ client, documentId, known }: DocumentViewProps) {
	const { document: record, error } = useDocument(client, documentId, known)
	const conversion = useConversion(client, documentId)
	const { snapshot } = conversion
	const { pages, refresh } = usePages(client, documentId, snapshot)
	const start = useStart(client, documentId, conversion.resumeFrom)
	const [enlarged, setEnlarged] = useState<number | null>(null)

	const name = record?.name ?? null
	const isActive = snapshot !== null && snapshot.status !== 'none' && !isSettled(snapshot.status)
	useTitle(name, isActive ? snapshot.progress : null)

	const close = useCallback((page: number) => {
		setEnlarged(null)
		// Where one stopped looking, which is not always where one began.
		document.getElementById(tileId(page))?.focus()
	}, [])

	const missing = error ?? conversion.error
	if (missing && (missing.status === 404 || !snapshot)) return <NotThere error={missing} />

	return (
		<>
			<BackLink />
			<div className="document-head">
				<h1>{name ?? <span className="name-to-come" />}</h1>
				{record && <Facts record={record} totalPages={snapshot?.totalPages ?? null} />}
			</div>
			{snapshot && (
				<ConversionCard
					snapshot={snapshot}
					connection={conversion.connection}
					isStarting={start.isStarting}
					onConvert={start.convert}
				/>
			)}
			{!snapshot && <div className="conversion conversion-to-come" role="status" aria-label="Loading the document" />}
			{start.error && <Notice tone="error">The conversion could not be started. {start.error.detail}</Notice>}
			{snapshot && <PageGrid snapshot={snapshot} pages={pages} onOpen={setEnlarged} onBroken={refresh} />}
			{enlarged !== null && (
				<Viewer
					client={client}
					documentName={name ?? 'Document'}
					pages={pages}
					page={enlarged}
					lastPage={snapshot ? (pagesToShow(snapshot).at(-1) ?? enlarged) : enlarged}
					onPage={setEnlarged}
					onBroken={refresh}
					onClose={close}
				/>
			)}
		</>
	)
}

function Facts({ record, totalPages }: { record: PlatenDocument; totalPages: number | null }) {
	const [now] = useState(() => Date.now())
	const pages = totalPages === null ? [] : [formatCount(totalPages, 'page')]
	const facts = [...pages, formatBytes(record.size), `uploaded ${formatWhen(record.createdAt, now)}`]
	return <p className="document-facts">{facts.join(' · ')}</p>
}

function BackLink() {
	return (
		<a className="back" href={documentsHref}>
			<Icon name="back" />
			Documents
		</a>
	)
}

function NotThere({ error }: { error: PlatenError }) {
	return (
		<>
			<BackLink />
			<Notice
				tone="error"
				action={
					<a className="button" href={documentsHref}>
						Your documents
					</a>
				}
			>
				{error.detail}
			</Notice>
		</>
	)
}

function useDocument(
	client: Client,
	documentId: string,
	known: PlatenDocument | null,
): { document: PlatenDocument | null; error: PlatenError | null } {
	const [document, setDocument] = useState(known)
	const [error, setError] = useState<PlatenError | null>(null)
	const isKnown = document !== null

	useEffect(() => {
		if (isKnown) return
		let isMounted = true
		client.document(documentId).then(
			(found) => isMounted && setDocument(found),
			(reason: PlatenError) => isMounted && setError(reason),
		)
		return () => {
			isMounted = false
		}
	}, [client, documentId, isKnown])
	return { document, error }
}

function useStart(
	client: Client,
	documentId: string,
	onStarted: ReturnType<typeof useConversion>['resumeFrom'],
): { convert: () => Promise<void>; isStarting: boolean; error: PlatenError | null } {
	const [isStarting, setStarting] = useState(false)
	const [error, setError] = useState<PlatenError | null>(null)

	const convert = useCallback(async () => {
		setStarting(true)
		setError(null)
		try {
			onStarted(await client.start(documentId, { forceReconvert: true }))
		} catch (reason) {
			setError(reason as PlatenError)
		}
		setStarting(false)
	}, [client, documentId, onStarted])
	return { convert, isStarting, error }
}

/** The tab says how far it is, so that one can look at something else. */
function useTitle(name: string | null, progress: number | null): void {
	const percent = progress === null ? '' : `${Math.floor(progress)}% · `
	useEffect(() => {
		document.title = name === null ? 'Platen' : `${percent}${name} · Platen`
	}, [name, percent])
}
