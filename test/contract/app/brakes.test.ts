import { expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { brakes } from '../../../src/api/http/guards.ts'

interface Brake {
	name: string
	namespace_id: string
	simple: { limit: number; period: number }
}

test('the brakes are those of wrangler.toml: the Worker cannot read them, and tells clients of them', () => {
	const { ratelimits }: { ratelimits: Brake[] } = unstable_readConfig({ config: 'wrangler.toml' })
	const configured = ratelimits.map(({ name, simple }) => ({
		binding: name,
		requests: simple.limit,
		seconds: simple.period,
	}))
	expect(configured).toEqual(Object.values(brakes))
	expect(new Set(ratelimits.map(({ namespace_id }) => namespace_id)).size).toBe(ratelimits.length)
})
