import { describe, expect, test } from 'vitest'
import { type CallAnswer, GIVEN_UP_AFTER, LONGEST_WAIT, MOST_PENDING, MOST_TRIES } from '../../src/core/job/calls.ts'
import { dueAt, type Effect, idle, owed } from '../../src/core/job/due.ts'
import { messageId } from '../../src/core/webhook.ts'
import { opened, Scenario, START } from './scenario.ts'

const HOUR = 3_600_000

/** The history has been told all there is, and says whether the owner has a webhook. */
function historyTold(scenario: Scenario, hasWebhook: boolean): void {
	scenario.do({ type: 'historyTold', sequence: scenario.conversion.sequence, answered: true, hasWebhook })
}

/** The calls that are owed now, as `number event`. */
function callsOwed(scenario: Scenario): string[] {
	const isCall = (effect: Effect) => effect.type === 'callWebhook'
	const effect = owed(scenario.conversion, idle, scenario.now).find(isCall)
	return effect?.calls.map(({ number, event }) => `${number} ${event}`) ?? []
}

/** Every call that is owed is answered like this. */
function answer(scenario: Scenario, retryAfter: number | null | 'delivered', random = 1, hasWebhook = true): void {
	const answers = scenario.conversion.calls.pending.map(
		({ number, event }): CallAnswer =>
			retryAfter === 'delivered'
				? { number, event, isDelivered: true }
				: { number, event, isDelivered: false, retryAfter },
	)
	scenario.do({ type: 'called', answers, hasWebhook, random })
}

/** A document of one page that was converted; nobody was told yet. */
function converted(): Scenario {
	const { scenario, fence } = opened(1)
	scenario.finish(fence)
	return scenario
}

/** The same, and only the webhook is still to be told. */
function owing(): Scenario {
	const scenario = converted()
	scenario.do({ type: 'wantTold', jobId: 'job-1', want: 0, answered: true, place: null })
	historyTold(scenario, true)
	return scenario
}

describe('what is told', () => {
	test('a first page is told while the rest is still at work, and the end when it comes', () => {
		const { scenario, fence } = opened(3)
		historyTold(scenario, true)
		expect(callsOwed(scenario)).toEqual([])
		scenario.finish(fence)
		expect(callsOwed(scenario)).toEqual(['1 conversion.first_page'])
		answer(scenario, 'delivered')
		expect(callsOwed(scenario)).toEqual([])
		scenario.finish(scenario.lease())
		expect(callsOwed(scenario)).toEqual(['1 conversion.completed'])
	})

	test('a cancelled conversion is told as such', () => {
		const { scenario } = opened(3)
		historyTold(scenario, true)
		scenario.do({ type: 'cancel' })
		expect(callsOwed(scenario)).toEqual(['1 conversion.cancelled'])
	})

	test('a conversion that fails is told as such', () => {
		const { scenario, fence } = opened(1)
		historyTold(scenario, true)
		scenario.do({ type: 'fail', fence, code: 'invalid_document', random: 0 })
		expect(callsOwed(scenario)).toEqual(['1 conversion.failed'])
	})

	test('a job that another takes the place of is told as cancelled, under its own number', () => {
		const { scenario } = opened(3)
		historyTold(scenario, true)
		scenario.do({ ...START, jobId: 'job-2', onActive: 'replace' })
		expect(callsOwed(scenario)).toEqual(['1 conversion.cancelled'])
	})

	test('a retry that has its first page from the job before does not tell it again', () => {
		const { scenario, fence } = opened(3)
		scenario.finish(fence)
		scenario.do({ type: 'cancel' })
		historyTold(scenario, true)
		answer(scenario, 'delivered')
		scenario.do({ ...START, type: 'retry', jobId: 'job-2', options: null })
		historyTold(scenario, true)
		expect(callsOwed(scenario)).toEqual([])
		scenario.finish(scenario.lease())
		expect(callsOwed(scenario)).toEqual(['2 conversion.completed'])
	})

	test('nothing is told of a document that was erased', () => {
		const { scenario } = opened(3)
		historyTold(scenario, true)
		scenario.do({ type: 'cancel' })
		scenario.do({ type: 'erase' })
		expect(callsOwed(scenario)).toEqual([])
		expect(scenario.conversion.calls.pending).toEqual([])
	})

	test('events of all jobs have ids of their own, without a dot', () => {
		const ids = [messageId('job-1', 'conversion.first_page'), messageId('job-1', 'conversion.completed')]
		expect(ids).toEqual(['msg_job-1_first_page', 'msg_job-1_completed'])
	})
})

describe('whether anybody wants to hear it', () => {
	test('nothing is owed before the history has answered, and then also the first page that came before', () => {
		const { scenario, fence } = opened(3)
		scenario.finish(fence)
		expect(callsOwed(scenario)).toEqual([])
		historyTold(scenario, true)
		expect(callsOwed(scenario)).toEqual(['1 conversion.first_page'])
	})

	test('a crash forgets neither that the webhook is there nor what it is to be told', () => {
		const { scenario, fence } = opened(3)
		historyTold(scenario, true)
		scenario.finish(fence)
		scenario.crash()
		expect(callsOwed(scenario)).toEqual(['1 conversion.first_page'])
	})

	test('without a webhook nothing is ever owed, no row is written, and nothing is kept', () => {
		const { scenario, fence } = opened(1)
		historyTold(scenario, false)
		const { writes } = scenario
		scenario.finish(fence)
		expect(scenario.writes).toBe(writes + 1)
		expect(callsOwed(scenario)).toEqual([])
		scenario.do({ type: 'wantTold', jobId: 'job-1', want: 0, answered: true, place: null })
		historyTold(scenario, false)
		expect(scenario.conversion.calls.pending).toEqual([])
		expect(dueAt(scenario.conversion, scenario.now)).toBeNull()
	})

	test('a webhook that was set up during the conversion is told of its end', () => {
		const { scenario, fence } = opened(2)
		historyTold(scenario, false)
		scenario.finish(fence)
		scenario.finish(scenario.lease())
		historyTold(scenario, true)
		expect(callsOwed(scenario)).toContain('1 conversion.completed')
	})

	test('an answer to an older word does not settle what has happened since', () => {
		const { scenario, fence } = opened(1)
		const { sequence } = scenario.conversion
		scenario.finish(fence)
		scenario.do({ type: 'historyTold', sequence, answered: true, hasWebhook: false })
		historyTold(scenario, true)
		expect(callsOwed(scenario)).toEqual(['1 conversion.first_page', '1 conversion.completed'])
	})

	test('what is pending goes with the webhook', () => {
		const scenario = owing()
		answer(scenario, null, 0, false)
		expect(scenario.conversion.calls).toMatchObject({ isWanted: false, pending: [], dropped: 0 })
		expect(dueAt(scenario.conversion, scenario.now)).toBeNull()
	})
})

describe('the schedule', () => {
	/** Waits between the tries, until it is given up. */
	function waits(random: number): number[] {
		const scenario = owing()
		const all: number[] = []
		while (callsOwed(scenario).length > 0) {
			answer(scenario, null, random)
			const due = dueAt(scenario.conversion, scenario.now)
			if (due === null) break
			all.push(due - scenario.now)
			scenario.now = due
		}
		expect(scenario.conversion.calls).toMatchObject({ pending: [], dropped: 2 })
		return all
	}

	test('grows from seconds to half a day, eight tries in all, at least ten hours long', () => {
		const longest = [5_000, 30_000, 300_000, 1_800_000, 2 * HOUR, 6 * HOUR, 12 * HOUR]
		expect(waits(1)).toEqual(longest)
		expect(waits(0)).toEqual(longest.map((wait) => wait / 2))
		expect(longest).toHaveLength(MOST_TRIES - 1)
	})

	test('what was not delivered is told again when its time has come, not before', () => {
		const scenario = owing()
		answer(scenario, null)
		expect(callsOwed(scenario)).toEqual([])
		expect(callsOwed(scenario.after(4_999))).toEqual([])
		expect(callsOwed(scenario.after(1))).toEqual(['1 conversion.first_page', '1 conversion.completed'])
	})

	test('an endpoint is left alone for as long as it asks, up to a day', () => {
		const scenario = owing()
		answer(scenario, 2 * HOUR)
		expect(dueAt(scenario.conversion, scenario.now)).toBe(scenario.now + 2 * HOUR)
		scenario.after(2 * HOUR)
		answer(scenario, 100 * LONGEST_WAIT)
		expect(dueAt(scenario.conversion, scenario.now)).toBe(scenario.now + LONGEST_WAIT)
	})

	test('what would be told more than two days late is given up', () => {
		const scenario = owing()
		scenario.after(GIVEN_UP_AFTER - HOUR)
		answer(scenario, 2 * HOUR)
		expect(scenario.conversion.calls).toMatchObject({ pending: [], dropped: 2 })
	})

	test('a clock that is put back does not hold a call up', () => {
		const scenario = owing()
		answer(scenario, null)
		scenario.after(-3 * LONGEST_WAIT)
		expect(callsOwed(scenario)).toHaveLength(2)
	})

	test('no more events wait than are sensible; the oldest are given up', () => {
		const scenario = new Scenario()
		for (let number = 1; number <= MOST_PENDING + 3; number++) {
			scenario.do({ ...START, jobId: `job-${number}` })
			scenario.do({ type: 'cancel' })
		}
		historyTold(scenario, true)
		expect(scenario.conversion.calls.dropped).toBe(3)
		expect(callsOwed(scenario)).toHaveLength(MOST_PENDING)
		expect(callsOwed(scenario)[0]).toBe('4 conversion.cancelled')
	})

	test('what is under way is not begun again, and looked for by the alarm if nobody comes back', () => {
		const scenario = owing()
		const effects = owed(scenario.conversion, { ...idle, webhook: true }, scenario.now)
		expect(effects).toEqual([{ type: 'setAlarm', at: scenario.now + 60_000 }])
	})

	test('the answer is written down when the job has ended, and costs no row while it goes on', () => {
		const { scenario, fence } = opened(3)
		historyTold(scenario, true)
		scenario.finish(fence)
		const during = scenario.writes
		answer(scenario, 'delivered')
		expect(scenario.writes).toBe(during)
		const ended = owing()
		const { writes } = ended
		answer(ended, 'delivered')
		expect(ended.writes).toBe(writes + 1)
		expect(ended.saved.calls.pending).toEqual([])
	})
})
