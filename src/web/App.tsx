/** The frame: who is signed in, where one is, and what is being uploaded meanwhile. */
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { createClient } from '../client/client.ts'
import { DocumentView } from './document/DocumentView.tsx'
import { DocumentsView } from './documents/DocumentsView.tsx'
import { UploadQueue } from './documents/upload-queue.ts'
import { Mark } from './parts/Mark.tsx'
import { documentHref, documentsHref, parseRoute, type Route, useRoute } from './route.ts'
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
	const { gone, farewell, onMissing, onErased } = useGone(route.view)

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
					<DocumentsView client={client} uploads={uploads} gone={gone} farewell={farewell} onMissing={onMissing} />
				) : (
					<DocumentView
						key={route.id}
						client={client}
						documentId={route.id}
						known={recent.find(({ id }) => id === route.id) ?? null}
						onErased={onErased}
						onMissing={onMissing}
					/>
				)}
			</main>
			<footer className="colophon">
				<a href="/docs">The API</a>
			</footer>
		</>
	)
}

interface Gone {
	/** Documents that are not there any more, whatever the service's list still says: it learns of it a moment later. */
	gone: ReadonlySet<string>
	/** The name of what was deleted just now. */
	farewell: string | null
	onMissing: (id: string) => void
	onErased: (id: string, name: string | null) => void
}

function useGone(view: Route['view']): Gone {
	const [gone, setGone] = useState<ReadonlySet<string>>(new Set())
	const [farewell, setFarewell] = useState<string | null>(null)

	useEffect(() => {
		if (view === 'document') setFarewell(null)
	}, [view])

	const onMissing = useCallback((id: string) => setGone((before) => new Set(before).add(id)), [])
	const onErased = useCallback(
		(id: string, name: string | null) => {
			onMissing(id)
			// Whoever has gone elsewhere meanwhile is left there.
			const route = parseRoute(location.hash)
			if (route.view !== 'document' || route.id !== id) return
			setFarewell(name)
			// There is nothing to go back to.
			location.replace(documentsHref)
		},
		[onMissing],
	)
	return { gone, farewell, onMissing, onErased }
}
