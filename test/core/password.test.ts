import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/core/job/event.ts'
import { conversionSchema } from '../../src/core/job/job.ts'
import { conversionCommandSchema } from '../../src/core/protocol.ts'
import { Scenario, START } from './scenario.ts'

const SEALED = 'sealed by the Worker'
const RETRY = {
	type: 'retry',
	jobId: 'job-2',
	priority: null,
	maxPriority: 'urgent',
	maxRetries: null,
	options: null,
} as const satisfies Event

function locked(): Scenario {
	const scenario = new Scenario()
	scenario.do({ ...START, sealedPassword: SEALED })
	return scenario
}

/** What the next lease says of the password. */
function passwordOf(scenario: Scenario): string | null {
	const outcome = scenario.do({ type: 'lease', jobId: scenario.conversion.job?.id ?? '' })
	if (outcome.outcome !== 'leased') throw new Error('there was nothing to lease')
	return outcome.grant.sealedPassword
}

/** A protected job of 40 pages, 17 of them ready. */
function halfWay(): Scenario {
	const scenario = locked()
	const fence = scenario.lease()
	scenario.do({ type: 'opened', fence, pageCount: 40 })
	scenario.finish(fence)
	scenario.finish(scenario.lease())
	return scenario
}

describe('a password', () => {
	test('goes with every lease of its job, also after a crash, and after a loss', () => {
		const scenario = locked()
		expect(passwordOf(scenario)).toBe(SEALED)
		scenario.do({ type: 'fail', fence: 1, code: 'internal', random: 0 })
		scenario.after(60_000).crash()
		expect(passwordOf(scenario)).toBe(SEALED)
		scenario.do({ type: 'opened', fence: 2, pageCount: 40 })
		expect(scenario.finish(2, { more: true })).toMatchObject({ next: { sealedPassword: SEALED } })
	})

	test('is null when none was given, also in the row of a job of the release before', () => {
		const scenario = new Scenario()
		scenario.do(START)
		const old = JSON.parse(JSON.stringify(scenario.saved))
		delete old.job.phase.sealedPassword
		scenario.conversion = conversionSchema.parse(old)
		expect(passwordOf(scenario)).toBeNull()
	})

	test.each<[string, (scenario: Scenario) => void]>([
		[
			'is completed',
			(scenario) => {
				scenario.do({ type: 'opened', fence: scenario.lease(), pageCount: 1 })
				scenario.finish(1)
			},
		],
		[
			'fails',
			(scenario) => scenario.do({ type: 'fail', fence: scenario.lease(), code: 'invalid_document', random: 0 }),
		],
		[
			'had the wrong one',
			(scenario) => scenario.do({ type: 'fail', fence: scenario.lease(), code: 'password_wrong', random: 0 }),
		],
		['has too many pages', (scenario) => scenario.do({ type: 'opened', fence: scenario.lease(), pageCount: 20_000 })],
		[
			'loses its converters',
			(scenario) => {
				for (let tries = 0; tries < 20; tries++) {
					scenario.do({ type: 'lease', jobId: 'job-1' })
					scenario.after(100_000).do({ type: 'tick', random: 0 })
				}
			},
		],
		['is cancelled', (scenario) => scenario.do({ type: 'cancel' })],
		['is erased', (scenario) => scenario.do({ type: 'erase' })],
		['is replaced', (scenario) => scenario.do({ ...START, jobId: 'job-2', onActive: 'replace' })],
	])('is gone from every row when the job %s', (_, end) => {
		const scenario = locked()
		expect(JSON.stringify(scenario.saved)).toContain(SEALED)
		end(scenario)
		expect(scenario.conversion.job?.phase.status).not.toBe('processing')
		expect(JSON.stringify([scenario.conversion, scenario.saved, scenario.closed])).not.toContain(SEALED)
	})

	test('is no part of the snapshot', () => {
		const scenario = halfWay()
		expect(JSON.stringify(scenario.conversion)).toContain(SEALED)
		expect(JSON.stringify(scenario.snapshot())).not.toContain(SEALED)
	})
})

describe('a job whose document needs another password', () => {
	test.each(['password_required', 'password_wrong'] as const)('ends with %s, whatever its pages are', (code) => {
		const scenario = halfWay()
		const fence = scenario.lease()
		const other = scenario.lease()
		expect(scenario.do({ type: 'fail', fence, code, random: 0 })).toEqual({ outcome: 'current' })
		expect(scenario.snapshot()).toMatchObject({
			status: 'failed',
			failure: { code, retryable: false },
			readyPages: '1-17',
			failedPages: [],
			retryCount: 0,
		})
		expect(scenario.do({ type: 'report', fence: other, rendered: 1 })).toEqual({ outcome: 'stale' })
	})

	test('goes on with a retry that has it, and what is ready stays', () => {
		const scenario = halfWay()
		scenario.do({ type: 'cancel' })
		scenario.do(RETRY)
		// The one before was kept no longer than its job.
		expect(passwordOf(scenario)).toBeNull()
		scenario.do({ type: 'fail', fence: scenario.conversion.fence, code: 'password_required', random: 0 })
		expect(scenario.do({ ...RETRY, jobId: 'job-3', sealedPassword: SEALED })).toEqual({ outcome: 'accepted' })
		expect(scenario.snapshot()).toMatchObject({ jobId: 'job-3', status: 'queued', readyPages: '1-17', failure: null })
		expect(passwordOf(scenario)).toBe(SEALED)
		expect(scenario.conversion.job?.chunks[0]).toMatchObject({ pages: { first: 18, last: 33 } })
	})
})

describe('in a command a password', () => {
	const parsed = (password: unknown) =>
		conversionCommandSchema.safeParse({ action: 'retry', password }).success &&
		conversionCommandSchema.safeParse({ action: 'start', password }).success

	test.each(['x', 'open sesame', 'schlüssel 🔑', 'x'.repeat(256)])('may be %j', (password) => {
		expect(parsed(password)).toBe(true)
	})

	test.each(['', 'x'.repeat(257), 'a\u0000b', 'a\nb', 7, null])('may not be %j', (password) => {
		expect(parsed(password)).toBe(false)
	})
})
