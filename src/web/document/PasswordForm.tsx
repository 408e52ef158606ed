import { type SubmitEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'

interface PasswordFormProps {
	/** Whether one was given, and was not the right one. */
	isWrong: boolean
	/** The element that says why it is asked for. */
	describedBy: string
	isBusy: boolean
	onPassword: (password: string) => void
	/** It goes, and the focus was in it. */
	onFocusLost: () => void
}

/** Asks for a document's password. It is kept nowhere: whoever wants to try again types it again. */
export function PasswordForm({ isWrong, describedBy, isBusy, onPassword, onFocusLost }: PasswordFormProps) {
	const [password, setPassword] = useState('')
	const form = useRef<HTMLFormElement>(null)
	const field = useRef<HTMLInputElement>(null)

	useEffect(() => field.current?.focus(), [])
	useLayoutEffect(() => {
		return () => {
			// Still in the page, for the last moment.
			if (form.current?.contains(document.activeElement)) onFocusLost()
		}
	}, [onFocusLost])

	function submit(event: SubmitEvent): void {
		event.preventDefault()
		if (!isBusy && password !== '') onPassword(password)
	}

	return (
		<form className="password" ref={form} onSubmit={submit}>
			<label htmlFor="document-password">Password of the document</label>
			<div className="password-row">
				<input
					id="document-password"
					ref={field}
					type="password"
					autoComplete="off"
					autoCapitalize="off"
					spellCheck={false}
					maxLength={256}
					aria-invalid={isWrong && password === ''}
					aria-describedby={describedBy}
					// Not `disabled`, which would take the focus away.
					readOnly={isBusy}
					value={password}
					onChange={(event) => setPassword(event.target.value)}
				/>
				<button type="submit" className="button primary" disabled={password === ''} aria-disabled={isBusy}>
					{isBusy ? 'Starting…' : 'Unlock'}
				</button>
			</div>
		</form>
	)
}
