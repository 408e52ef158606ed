/** A short round of what `npm run chaos` does for long: the service is killed at exact points and breaks no promise. */
import { expect, test } from 'vitest'
import { runChaos } from '../chaos/chaos.ts'

const KILLS = 8

test('a service that is killed at any step keeps what it promised', async () => {
	const outcome = await runChaos({
		kills: KILLS,
		seed: 1,
		lanes: 1,
		killsPerRound: KILLS,
		signal: AbortSignal.timeout(200_000),
		onProgress: () => {},
	})
	expect(outcome.violations).toEqual([])
	expect(outcome.kills).toBe(KILLS)
	expect(outcome.points.size).toBeGreaterThanOrEqual(3)
	expect(outcome.starts).toBeGreaterThan(0)
	expect(outcome.ended.get('completed')).toBeGreaterThan(0)
})
