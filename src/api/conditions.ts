/** What a request makes its answer depend on: whether the caller has it already, and which bytes of it are wanted. */

/** Whether `If-None-Match` names this entity. What compresses on the way may have made its tag a weak one (`W/`). */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
	const tags = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
	return tags.includes(etag) || tags.includes('*')
}

export type ByteRange =
	/** All of it: none was asked for, or something that one need not understand, as several ranges. */
	{ kind: 'whole' } | { kind: 'part'; offset: number; length: number } | { kind: 'unsatisfiable' }

/**
 * The part that `Range` asks for, of something with `size` bytes.
 *
 * @param ifRange the value of `If-Range`: another entity than this makes it the whole
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14
 */
export function rangeOf(range: string | undefined, ifRange: string | undefined, etag: string, size: number): ByteRange {
	const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(range?.replaceAll(' ', '') ?? '')
	if (!match || (ifRange !== undefined && ifRange !== etag)) return { kind: 'whole' }
	const [, first = '', last = ''] = match
	if (first === '' && last === '') return { kind: 'whole' }
	if (first === '') {
		const length = Math.min(Number(last), size)
		return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', offset: size - length, length }
	}
	const offset = Number(first)
	if (last !== '' && Number(last) < offset) return { kind: 'whole' }
	if (offset >= size) return { kind: 'unsatisfiable' }
	const end = last === '' ? size : Math.min(Number(last) + 1, size)
	return { kind: 'part', offset, length: end - offset }
}
