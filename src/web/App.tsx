/** The frame: who is signed in, where one is, and what is being uploaded meanwhile. */
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { createClient } from '../client/client.ts'
import { DocumentView } from './document/DocumentView.tsx'
import { DocumentsView } from './documents/DocumentsView.tsx'
import { UploadQueue } from './documents/upload-queue.ts'
import { Mark } from './parts/Mark.tsx'
import { documentHref, documentsHref, parseRoute, useRoute } from './route.ts'
import { SignIn } from './SignIn.tsx'
import type { Session } from './session.ts'

export function App({ session }: { session: Session }) {
	const state = useSyncExternalStore(session.subscribe, session.current)
	if (!state.signedIn) return <SignIn reason={state.reason} onToken={(token) => session.signIn(token)} />
	// Another person is another app: nothing of the one before stays.
	return <SignedIn key={state.token} session={session} token={state.token} subject={state.subject} />
}

interface SignedInProps {
	session: Session
	token: string
	subject: string | null
}

function SignedIn({ session, token, subject }: SignedInProps) {
	const route = useRoute()
	const client = useMemo(
		() =>
			createClient({
				baseUrl: location.origin,
				getToken: () => token,
				onUnauthorized: () => session.signOut('refused'),
			}),
		[session, token],
	)
	const uploads = useMemo(() => new UploadQueue(client), [client])
	const { recent } = useSyncExternalStore(uploads.subscribe, uploads.current)

	useEffect(() => {
		uploads.onSingle = ({ id }) => {
			// Whoever has gone elsewhere meanwhile is left there.
			if (parseRoute(location.hash).view === 'documents') location.hash = documentHref(id)
		}
	}, [uploads])

	return (
		<>
			<header className="masthead">
				<a className="brand" href={documentsHref}>
					<Mark />
					<span>Platen</span>
				</a>
				<div className="account">
					{subject && <span className="account-name">{subject}</span>}
					<button type="button" className="button quiet" onClick={() => session.signOut('left')}>
						Sign out
					</button>
				</div>
			</header>
			<main className="content">
				{route.view === 'documents' ? (
					<DocumentsView client={client} uploads={uploads} />
				) : (
					<DocumentView
						key={route.id}
						client={client}
						documentId={route.id}
						known={recent.find(({ id }) => id === route.id) ?? null}
					/>
				)}
			</main>
		</>
	)
}
