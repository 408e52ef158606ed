import { useEffect, useState } from 'react'
import type { Client } from '../../client/client.ts'
import { PlatenError } from '../../client/error.ts'

interface PageTextProps {
	client: Client
	page: number
	address: string | null
}

/** The text of a page, to be read, selected and copied. */
export function PageText({ client, page, address }: PageTextProps) {
	const [text, setText] = useState<string | null>(null)
	const [error, setError] = useState<string | null>(null)

	useEffect(() => {
		if (address === null) return
		let isMounted = true
		client.text(address).then(
			(found) => isMounted && setText(found),
			(reason: unknown) => isMounted && setError(reason instanceof PlatenError ? reason.detail : 'There is no text.'),
		)
		return () => {
			isMounted = false
		}
	}, [client, address])

	return (
		<section className="viewer-text" aria-label={`Text of page ${page}`}>
			{error !== null && <p className="viewer-text-note">{error}</p>}
			{error === null && text === null && <p className="viewer-text-note">Loading the text…</p>}
			{text !== null && text.trim() === '' && <p className="viewer-text-note">This page has no text, only pictures.</p>}
			{text !== null && text.trim() !== '' && <pre>{text}</pre>}
		</section>
	)
}
