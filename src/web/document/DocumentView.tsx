import { useCallback, useEffect, useMemo, useState } from 'react'
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
import { EraseDialog } from './EraseDialog.tsx'
import type { PagesByNumber } from './load-pages.ts'
import { PageGrid, tileId } from './PageGrid.tsx'
import { pagesToShow } from './page-plan.ts'
import { useActions } from './use-actions.ts'
import { useErasure } from './use-erasure.ts'
import { usePages } from './use-pages.ts'
import { Viewer } from './Viewer.tsx'

interface DocumentViewProps {
	client: Client
	documentId: string
	/** When it was uploaded just now, it need not be asked for. */
	known: PlatenDocument | null
	/** It was deleted here just now. Its name is null when it never became known. */
	onErased: (id: string, name: string | null) => void
	/** It is not there: deleted elsewhere, or it never was. */
	onMissing: (id: string) => void
}

/** One document: how far it is, its pages as they get ready, and one of them enlarged. */
export function DocumentView({ client, documentId, known, onErased, onMissing }: DocumentViewProps) {
	const { document: record, error } = useDocument(client, documentId, known)
	const conversion = useConversion(client, documentId)
	const { snapshot, recheck } = conversion
	const check = useCallback(() => void recheck(), [recheck])
	const { pages, refresh } = usePages(client, documentId, snapshot, check)
	const actions = useActions(client, documentId, conversion)
	const name = record?.name ?? null
	const leave = useCallback(() => onErased(documentId, name), [onErased, documentId, name])
	const erasure = useErasure(client, documentId, recheck, leave)
	const [isAsking, setAsking] = useState(false)
	const [enlarged, setEnlarged] = useState<number | null>(null)

	const missing = error ?? conversion.error
	const isMissing = missing?.status === 404
	const isActive = snapshot !== null && snapshot.status !== 'none' && !isSettled(snapshot.status)
	useTitle(isMissing ? null : name, isActive ? snapshot.progress : null)
	useEffect(() => {
		if (isMissing) onMissing(documentId)
	}, [isMissing, onMissing, documentId])
	const degradedPages = useMemo(() => degradedOf(pages), [pages])

	const close = useCallback((page: number) => {
		setEnlarged(null)
		// Where one stopped looking, which is not always where one began.
		document.getElementById(tileId(page))?.focus()
	}, [])

	if (missing && (isMissing || !snapshot)) {
		// Whoever has seen it wants to know that it is not a mistyped address.
		const wasThere = record !== null || snapshot !== null
		return <NotThere detail={isMissing && wasThere ? NO_LONGER_THERE : missing.detail} />
	}

	return (
		<>
			<BackLink />
			<div className="document-head">
				<div className="document-title">
					<h1>{name ?? <span className="name-to-come" />}</h1>
					{record && <Facts record={record} totalPages={snapshot?.totalPages ?? null} />}
				</div>
				{name !== null && (
					<button
						type="button"
						className="button quiet document-erase"
						aria-haspopup="dialog"
						onClick={() => setAsking(true)}
					>
						<Icon name="bin" />
						<span>Delete</span>
					</button>
				)}
			</div>
			{snapshot && (
				<ConversionCard
					snapshot={snapshot}
					connection={conversion.connection}
					degradedPages={degradedPages}
					actions={actions}
				/>
			)}
			{!snapshot && <div className="conversion conversion-to-come" role="status" aria-label="Loading the document" />}
			{actions.error && <Notice tone="error">{actions.error}</Notice>}
			{!isAsking && erasure.error && <Notice tone="error">{erasure.error}</Notice>}
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
			{isAsking && name !== null && (
				<EraseDialog name={name} isActive={isActive} erasure={erasure} onClose={() => setAsking(false)} />
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

const NO_LONGER_THERE = 'This document is no longer there. It was deleted, or it is not shared with you any more.'

function NotThere({ detail }: { detail: string }) {
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
				{detail}
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

function degradedOf(pages: PagesByNumber): number[] {
	return [...pages.values()].filter(({ state }) => state === 'degraded').map(({ page }) => page)
}

/** The tab says how far it is, so that one can look at something else. */
function useTitle(name: string | null, progress: number | null): void {
	const percent = progress === null ? '' : `${Math.floor(progress)}% · `
	useEffect(() => {
		document.title = name === null ? 'Platen' : `${percent}${name} · Platen`
	}, [name, percent])
}
