/**
 * A password as the bytes that a PDF may have been protected by. PDFium takes a C string: it reads UTF-8 where that is
 * meant (revision 5 on), and tries Latin-1 by itself where it is not.
 */

/** PDF looks at no more bytes than these (ISO 32000-2, 7.6.4.3.3), and PDFium does not cut off the rest. */
const MOST_BYTES = 127

/** What PDFDocEncoding has that Latin-1 has not, by the first byte of each stretch (ISO 32000-2, annex D.2). */
const STRETCHES = [
	[0x18, '˘ˇˆ˙˝˛˚˜'],
	[0x80, '•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž'],
	[0xa0, '€'],
] as const

const ownBytes = new Map(
	STRETCHES.flatMap(([first, characters]) => [...characters].map((character, index) => [character, first + index])),
)

/** What to try, the likeliest first, and nothing twice. */
export function passwordBytes(password: string): Uint8Array[] {
	// Revision 6 wants SASLprep, of which this is what keyboards differ in: ü may be one character or two.
	const tries = [utf8(password), utf8(password.normalize('NFKC')), pdfDocEncoded(password.normalize('NFC'))]
	const different = new Map(tries.filter((bytes) => bytes !== null).map((bytes) => [bytes.join(), bytes]))
	return [...different.values()]
}

function utf8(text: string): Uint8Array {
	return new TextEncoder().encode(text).subarray(0, MOST_BYTES)
}

/** Null when some character has no place in it. */
function pdfDocEncoded(text: string): Uint8Array | null {
	const bytes = Array.from(text, (character) => ownBytes.get(character) ?? character.charCodeAt(0))
	return bytes.some((byte) => byte > 0xff) ? null : Uint8Array.from(bytes).subarray(0, MOST_BYTES)
}
