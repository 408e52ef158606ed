import { type SubmitEvent, useEffect, useState } from 'react'
import { Mark } from './parts/Mark.tsx'
import { Notice } from './parts/Notice.tsx'

interface SignInProps {
	reason: 'fresh' | 'left' | 'refused'
	onToken: (token: string) => void
}

/** The way in: a sign-in address fills itself in, everybody else pastes a token. */
export function SignIn({ reason, onToken }: SignInProps) {
	const [token, setToken] = useState('')

	useEffect(() => {
		document.title = 'Sign in · Platen'
	}, [])

	function submit(event: SubmitEvent): void {
		event.preventDefault()
		onToken(token)
	}

	return (
		<main className="sign-in">
			<div className="sign-in-card">
				<div className="sign-in-brand">
					<Mark />
					<h1>Platen</h1>
				</div>
				<p className="sign-in-lead">Documents become pages that you can look at, while they are being converted.</p>
				{reason === 'refused' && (
					<Notice tone="warning">You were signed out: the token has expired, or the service does not accept it.</Notice>
				)}
				{reason === 'left' && <Notice tone="calm">You are signed out.</Notice>}
				<form onSubmit={submit}>
					<label htmlFor="token">Access token</label>
					<input
						id="token"
						name="token"
						type="password"
						autoComplete="off"
						spellCheck={false}
						placeholder="eyJ…"
						aria-describedby="token-help"
						value={token}
						onChange={(event) => setToken(event.target.value)}
					/>
					<button type="submit" className="button primary" disabled={token.trim() === ''}>
						Sign in
					</button>
				</form>
				<p className="sign-in-help" id="token-help">
					On your own machine, <code>npm start</code> prints a sign-in address: open it, and you are in. Otherwise ask
					whoever runs this service. The token is kept in this tab only. Developers find <a href="/docs">the API</a>{' '}
					here.
				</p>
			</div>
		</main>
	)
}
