import { expect, test } from 'vitest'
import { parseSettings } from '../../scripts/local/settings.ts'

test('settings are read off a command line as they are written', () => {
	expect(parseSettings([])).toEqual({})
	expect(
		parseSettings(['OWN_CONVERTER_TYPES=text/plain', 'ALLOWED_ORIGINS=https://a.example=b', 'MAX_RETRIES=']),
	).toEqual({
		OWN_CONVERTER_TYPES: 'text/plain',
		ALLOWED_ORIGINS: 'https://a.example=b',
		MAX_RETRIES: '',
	})
})

test.each(['OWN_CONVERTER_TYPES', '=text/plain', 'own=1', 'A B=1'])('what is none is refused: %s', (text) => {
	expect(() => parseSettings([text])).toThrow(/NAME=VALUE/)
})

test('secrets are refused, and not repeated', () => {
	expect(() => parseSettings(['AUTH_JWT_SECRET_PREVIOUS=do not say'])).toThrow(/^AUTH_JWT_SECRET_PREVIOUS has no place/)
})
