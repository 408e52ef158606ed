/** Where one is in the app. It stands in the fragment, so that every file server will do. */
import { useSyncExternalStore } from 'react'

export type Route = { view: 'documents' } | { view: 'document'; id: string }

const DOCUMENT = /^#\/documents\/([\w-]+)$/

export function parseRoute(hash: string): Route {
	const id = DOCUMENT.exec(hash)?.[1]
	return id === undefined ? { view: 'documents' } : { view: 'document', id }
}

/** The address of a document's view, for links. */
export function documentHref(id: string): string {
	return `#/documents/${id}`
}

export const documentsHref = '#/'

export function useRoute(): Route {
	return parseRoute(useSyncExternalStore(subscribe, () => location.hash))
}

function subscribe(listener: () => void): () => void {
	addEventListener('hashchange', listener)
	return () => removeEventListener('hashchange', listener)
}
