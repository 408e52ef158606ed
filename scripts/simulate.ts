/** `npm run simulate`: the engine in virtual time, seed after seed. */
import { availableParallelism } from 'node:os'
import { parseArgs, styleText } from 'node:util'
import { runCampaign } from '../test/simulation/campaign.ts'
import { simulate } from '../test/simulation/simulate.ts'
import { runScript } from './local/complaint.ts'
import { wholeNumber } from './local/whole-number.ts'

const HELP = `Lives through worlds in which everything fails that can, and checks after every step what must hold.

  npm run simulate -- --seeds 10000
  npm run simulate -- --seed 4711 --trace

  --seeds N     how many worlds; default 10000
  --from F      the first seed; default 1
  --seed S      one world only
  --trace       with --seed: print everything that happens in it
  --threads T   default: as many as there are processors

Exit code: 0 no violation, 1 at least one.`

/** Violations that are printed in full. */
const SHOWN = 10

await runScript(async () => {
	const { values } = parseArgs({
		options: {
			seeds: { type: 'string', default: '10000' },
			from: { type: 'string', default: '1' },
			seed: { type: 'string' },
			trace: { type: 'boolean', default: false },
			threads: { type: 'string', default: String(availableParallelism()) },
			help: { type: 'boolean', short: 'h', default: false },
		},
	})
	if (values.help) {
		console.log(HELP)
		return 0
	}
	const startedAt = performance.now()
	const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1)
	if (values.seed !== undefined) {
		const seed = wholeNumber('seed', values.seed)
		const { events, hash, violation } = simulate(seed, values.trace ? console.log : null)
		if (violation) console.error(styleText('red', `${violation.invariant}: ${violation.detail}`))
		console.log(`simulate: seed ${seed}, ${events} events, ${violation ? 1 : 0} violations, hash ${hash.toString(16)}`)
		return violation ? 1 : 0
	}
	let said = performance.now()
	const { seeds, events, violations } = await runCampaign({
		from: wholeNumber('from', values.from),
		seeds: wholeNumber('seeds', values.seeds),
		threads: wholeNumber('threads', values.threads),
		onProgress(done) {
			if (performance.now() - said < 10_000) return
			said = performance.now()
			console.log(styleText('dim', `  ${seconds()} s, ${done} seeds`))
		},
	})
	for (const { seed, violation } of violations.slice(0, SHOWN)) {
		console.error(styleText('red', `seed ${seed}: ${violation?.invariant}: ${violation?.detail}`))
		console.error(styleText('dim', `  npm run simulate -- --seed ${seed} --trace`))
	}
	console.log(`simulate: ${seeds} seeds, ${events} events, ${violations.length} violations (${seconds()} s)`)
	return violations.length > 0 ? 1 : 0
})
