/**
 * Who is signed in: a token that lives as long as the tab, and never in the address; or somebody whom Cloudflare Access
 * has let in before they came here, without a token of ours.
 */
import { z } from 'zod'

const KEY = 'platen.token'
const IN_FRAGMENT = /^#token=(.+)$/

/** The token is empty where Access vouches. */
export type SessionState =
	| { signedIn: true; token: string; subject: string | null }
	| { signedIn: false; reason: 'fresh' | 'left' | 'refused' }

/** Keeps the token; a store for `useSyncExternalStore`. */
export class Session {
	#state: SessionState
	readonly #listeners = new Set<() => void>()

	constructor() {
		const kept = sessionStorage.getItem(KEY)
		this.#state = kept ? stateOf(kept) : { signedIn: false, reason: 'fresh' }
		this.#takeFromAddress()
		// A sign-in address pasted into an open tab changes only the fragment.
		addEventListener('hashchange', this.#takeFromAddress)
	}

	readonly current = (): SessionState => this.#state

	readonly subscribe = (listener: () => void): (() => void) => {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	/** Takes a token as people paste it: by itself, or as the whole sign-in address. */
	signIn(pasted: string): void {
		const token = (pasted.split('#token=')[1] ?? pasted).trim()
		if (token === '') return
		sessionStorage.setItem(KEY, token)
		this.#become(stateOf(token))
	}

	/** Looks whether one is let in without a token. */
	async tryWithoutToken(): Promise<void> {
		if (this.#state.signedIn) return
		const health = await fetch('/healthz').then(
			(response) => response.json(),
			() => null,
		)
		// Otherwise it would be refused, as everybody can read in the console.
		if (health?.signIn !== 'provider') return
		const response = await fetch('/api/documents?limit=1').catch(() => null)
		if (response?.ok && !this.#state.signedIn) this.#become({ signedIn: true, token: '', subject: null })
	}

	signOut(reason: 'left' | 'refused'): void {
		if (reason === 'left' && this.#state.signedIn && this.#state.token === '') {
			location.assign('/cdn-cgi/access/logout')
			return
		}

		sessionStorage.removeItem(KEY)
		this.#become({ signedIn: false, reason })
	}

	readonly #takeFromAddress = (): void => {
		const token = IN_FRAGMENT.exec(location.hash)?.[1]
		if (!token) return
		history.replaceState(null, '', location.pathname + location.search)
		this.signIn(decodeURIComponent(token))
	}

	#become(state: SessionState): void {
		this.#state = state
		for (const listener of this.#listeners) listener()
	}
}

function stateOf(token: string): SessionState {
	return { signedIn: true, token, subject: subjectOf(token) }
}

const payloadSchema = z.object({ sub: z.string() })

/** Whom the token names, only to show it: the service alone decides whether the token is good. */
function subjectOf(token: string): string | null {
	try {
		const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
		const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0))
		return payloadSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).sub
	} catch {
		return null
	}
}
