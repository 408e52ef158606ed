import { type CSSProperties, type KeyboardEvent, useEffect, useRef, useState } from 'react'
import type { Client } from '../../client/client.ts'
import type { ManifestPage } from '../../core/protocol.ts'
import { Icon, type IconName } from '../parts/Icon.tsx'
import type { PagesByNumber } from './load-pages.ts'
import { PageText } from './PageText.tsx'

interface ViewerProps {
	client: Client
	documentName: string
	pages: PagesByNumber
	page: number
	/** The number of the document's last page. */
	lastPage: number
	onPage: (page: number) => void
	onBroken: (page: number) => void
	/** Told which page was looked at last. */
	onClose: (page: number) => void
}

/** One page, as large as the window allows, with its text beside it. */
export function Viewer({ client, documentName, pages, page, lastPage, onPage, onBroken, onClose }: ViewerProps) {
	const dialog = useRef<HTMLDialogElement>(null)
	const [isZoomed, setZoomed] = useState(false)
	const [isTextShown, setTextShown] = useState(false)

	const viewable = [...pages.values()].filter(({ imageUrl }) => imageUrl !== null).map((entry) => entry.page)
	viewable.sort((one, other) => one - other)
	const index = viewable.indexOf(page)
	const entry = pages.get(page)
	const go = (target: number | undefined) => target !== undefined && onPage(target)
	const previous = viewable[index - 1]
	const next = viewable[index + 1]

	useEffect(() => {
		dialog.current?.showModal()
	}, [])
	usePreloaded(pages.get(next ?? 0)?.imageUrl, pages.get(previous ?? 0)?.imageUrl)

	function onKeyDown(event: KeyboardEvent): void {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
		const targets: Record<string, number | undefined> = {
			ArrowLeft: previous,
			ArrowRight: next,
			Home: viewable[0],
			End: viewable.at(-1),
		}
		if (!(event.key in targets)) return
		event.preventDefault()
		go(targets[event.key])
	}

	return (
		<dialog
			ref={dialog}
			className="viewer"
			aria-label={`${documentName}, page ${page}`}
			onKeyDown={onKeyDown}
			onClose={() => onClose(page)}
		>
			<div className="viewer-bar">
				<p className="viewer-title">
					<span className="viewer-name">{documentName}</span>
					<span className="viewer-position" role="status">
						Page {page} <span className="viewer-total">of {lastPage.toLocaleString('en')}</span>
					</span>
				</p>
				<BarButton icon="back" label="Previous page" isDisabled={previous === undefined} onClick={() => go(previous)} />
				<BarButton icon="next" label="Next page" isDisabled={next === undefined} onClick={() => go(next)} />
				<BarButton
					icon="text"
					label="Text of the page"
					isPressed={isTextShown}
					onClick={() => setTextShown(!isTextShown)}
				/>
				<BarButton
					icon={isZoomed ? 'fit' : 'zoom'}
					label="Full size"
					isPressed={isZoomed}
					onClick={() => setZoomed(!isZoomed)}
				/>
				<BarButton icon="close" label="Close" onClick={() => dialog.current?.close()} />
			</div>
			<div className="viewer-body">
				{entry && <Sheet key={page} entry={entry} isZoomed={isZoomed} onBroken={onBroken} />}
				{isTextShown && <PageText key={page} client={client} page={page} address={entry?.textUrl ?? null} />}
			</div>
		</dialog>
	)
}

interface SheetProps {
	entry: ManifestPage
	isZoomed: boolean
	onBroken: (page: number) => void
}

function Sheet({ entry, isZoomed, onBroken }: SheetProps) {
	const { page, width, height, imageUrl, thumbnailUrl } = entry
	if (imageUrl === null || !width || !height) return null
	const style = {
		'--ratio': width / height,
		'--full-width': `${width}px`,
		// What is in the browser's cache already stands in until the large picture is there.
		backgroundImage: thumbnailUrl === null ? undefined : `url("${thumbnailUrl}")`,
	} as CSSProperties
	return (
		<div className="viewer-stage" data-zoomed={isZoomed}>
			<img
				className="viewer-sheet"
				src={imageUrl}
				alt={`Page ${page}`}
				width={width}
				height={height}
				style={style}
				onError={() => onBroken(page)}
			/>
		</div>
	)
}

interface BarButtonProps {
	icon: IconName
	label: string
	isDisabled?: boolean
	/** For what is switched on and off. */
	isPressed?: boolean
	onClick: () => void
}

function BarButton({ icon, label, isDisabled = false, isPressed, onClick }: BarButtonProps) {
	return (
		<button
			type="button"
			className="button quiet icon-only"
			aria-label={label}
			title={label}
			aria-pressed={isPressed}
			// Not `disabled`: the last page would take the focus away from whoever came there by this button.
			aria-disabled={isDisabled}
			onClick={onClick}
		>
			<Icon name={icon} />
		</button>
	)
}

/** Fetches the neighbours, so that turning a page takes no time. */
function usePreloaded(...addresses: (string | null | undefined)[]): void {
	const [next, previous] = addresses
	useEffect(() => {
		for (const address of [next, previous]) {
			if (address) new Image().src = address
		}
	}, [next, previous])
}
