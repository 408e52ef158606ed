import { type ChangeEvent, useEffect, useRef, useState } from 'react'
import { MAX_UPLOAD_BYTES } from '../../core/protocol.ts'
import { formatBytes } from '../format.ts'
import { Icon } from '../parts/Icon.tsx'

interface DropZoneProps {
	/** Large while there is nothing else to see. */
	isRoomy: boolean
	onFiles: (files: File[]) => void
}

/** Takes files: dropped anywhere on the page, or chosen with the button. */
export function DropZone({ isRoomy, onFiles }: DropZoneProps) {
	const input = useRef<HTMLInputElement>(null)
	const isOver = useDroppedFiles(onFiles)

	function choose(event: ChangeEvent<HTMLInputElement>): void {
		onFiles([...(event.target.files ?? [])])
		// So that the same file can be chosen again.
		event.target.value = ''
	}

	return (
		<div className="drop" data-roomy={isRoomy} data-over={isOver}>
			<span className="drop-sign">
				<Icon name="upload" />
			</span>
			<div className="drop-text">
				<p className="drop-title">{isOver ? 'Let go to upload' : 'Drop PDFs anywhere on this page'}</p>
				<p className="drop-hint">Up to {formatBytes(MAX_UPLOAD_BYTES)} each. The first page is there in a moment.</p>
			</div>
			<button type="button" className="button primary" onClick={() => input.current?.click()}>
				Choose files
			</button>
			<input
				ref={input}
				className="visually-hidden"
				type="file"
				aria-label="PDF files"
				tabIndex={-1}
				accept="application/pdf,.pdf"
				multiple
				onChange={choose}
			/>
		</div>
	)
}

/** Takes files dropped on the window; says whether some hover over it. */
function useDroppedFiles(onFiles: (files: File[]) => void): boolean {
	const [isOver, setOver] = useState(false)
	const latest = useRef(onFiles)
	useEffect(() => {
		latest.current = onFiles
	})

	useEffect(() => {
		const listening = new AbortController()
		const { signal } = listening
		const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
		function over(event: DragEvent): void {
			if (!hasFiles(event)) return
			event.preventDefault()
			setOver(true)
		}
		function leave(event: DragEvent): void {
			// Also sent between elements; only out of the window is there nothing entered instead.
			if (event.relatedTarget === null) setOver(false)
		}
		function drop(event: DragEvent): void {
			if (!hasFiles(event)) return
			event.preventDefault()
			setOver(false)
			const files = [...(event.dataTransfer?.files ?? [])]
			if (files.length > 0) latest.current(files)
		}
		addEventListener('dragenter', over, { signal })
		addEventListener('dragover', over, { signal })
		addEventListener('dragleave', leave, { signal })
		addEventListener('drop', drop, { signal })
		return () => listening.abort()
	}, [])
	return isOver
}
