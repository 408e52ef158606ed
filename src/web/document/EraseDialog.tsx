import { useEffect, useRef } from 'react'
import { ActionButton } from '../parts/ActionButton.tsx'
import { Notice } from '../parts/Notice.tsx'
import type { Erasure } from './use-erasure.ts'

interface EraseDialogProps {
	name: string
	/** Its conversion would end with it. */
	isActive: boolean
	erasure: Erasure
	onClose: () => void
}

/** Asks before a document is deleted. What is harmless has the focus at first; Escape means the same. */
export function EraseDialog({ name, isActive, erasure, onClose }: EraseDialogProps) {
	const dialog = useRef<HTMLDialogElement>(null)

	useEffect(() => {
		const { style, offsetWidth } = document.documentElement
		style.setProperty('--gutter', `${innerWidth - offsetWidth}px`)
		dialog.current?.showModal()
	}, [])

	return (
		<dialog
			ref={dialog}
			className="confirm"
			role="alertdialog"
			aria-labelledby="erase-question"
			aria-describedby="erase-meaning"
			onClose={onClose}
		>
			<h2 id="erase-question">Delete this document?</h2>
			<p id="erase-meaning">
				<span className="confirm-name">{name}</span> and all its pages are deleted for good
				{isActive && ', and its conversion ends'}.
			</p>
			{erasure.error && <Notice tone="error">{erasure.error}</Notice>}
			<div className="confirm-actions">
				<button type="button" className="button" onClick={() => dialog.current?.close()}>
					Keep it
				</button>
				<ActionButton
					label="Delete"
					busyLabel="Deleting…"
					look="danger"
					isBusy={erasure.isErasing}
					onAct={erasure.erase}
				/>
			</div>
		</dialog>
	)
}
