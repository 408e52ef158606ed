/**
 * Which addresses are called: an owner's word makes the service send requests, so it must not reach what only the
 * service can reach.
 *
 * A name that resolves to a private address cannot be told from here. On Cloudflare such a request has no way in.
 */
import ipaddr from 'ipaddr.js'

const NOT_PUBLIC = 'must be reachable from the internet'

/** Names that no public host has: RFC 2606, RFC 6761, RFC 6762, RFC 8375, and what people use at home and at work. */
const PRIVATE_NAMES = new Set([
	...['localhost', 'local', 'internal', 'intranet', 'lan', 'home', 'corp', 'private', 'localdomain'],
	...['test', 'invalid', 'example', 'onion', 'arpa'],
])

/** All IPv6 addresses that are handed out to the public: RFC 4291. */
const PUBLIC_IPV6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

export type CheckedAddress = { isAllowed: true; url: string } | { isAllowed: false; why: string }

/** @param allowLocal lets `http://localhost` and `http://127.0.0.1` pass, for development and tests */
export function checkAddress(text: string, allowLocal: boolean): CheckedAddress {
	if (!URL.canParse(text)) return { isAllowed: false, why: 'is not an address' }
	const url = new URL(text)
	// It would not be sent.
	url.hash = ''
	const why = allowLocal && isLocal(url) ? null : refusal(url)
	return why === null ? { isAllowed: true, url: url.href } : { isAllowed: false, why }
}

function isLocal({ protocol, hostname, username, password }: URL): boolean {
	const isHere = hostname === 'localhost' || hostname === '127.0.0.1'
	return protocol === 'http:' && isHere && username === '' && password === ''
}

function refusal({ protocol, hostname, port, username, password }: URL): string | null {
	if (protocol !== 'https:') return 'must begin with https://'
	if (username !== '' || password !== '') return 'must not carry a name or a password'
	if (port !== '') return 'must use port 443'
	// The parser of addresses has turned every notation of IPv4 (octal, hexadecimal, one number) into four decimals.
	const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
	if (ipaddr.isValid(host)) return isPublic(host) ? null : NOT_PUBLIC
	const labels = host.split('.')
	return labels.length < 2 || PRIVATE_NAMES.has(labels.at(-1) ?? '') ? NOT_PUBLIC : null
}

function isPublic(host: string): boolean {
	// `::ffff:127.0.0.1` becomes `127.0.0.1`.
	const address = ipaddr.process(host)
	if (address.range() !== 'unicast') return false
	// Otherwise `::127.0.0.1` would be one like any other.
	return address.kind() === 'ipv4' || address.match(PUBLIC_IPV6)
}
