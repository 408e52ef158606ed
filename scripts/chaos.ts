/** `npm run chaos`: kills the running service at exact points and at random times, and looks for what it must not do. */
import { randomInt } from 'node:crypto'
import { parseArgs, styleText } from 'node:util'
import { runChaos } from '../test/chaos/chaos.ts'
import { closingLine } from '../test/chaos/tally.ts'
import { Complaint, runScript } from './local/complaint.ts'
import { endingSignal } from './local/endings.ts'

const HELP = `Kills the service again and again with SIGKILL, at exact points and at random times, and checks that no promise is broken.

  npm run chaos -- --kills 1000
  npm run chaos -- --kills 50 --seed 7

  --kills N         how often it is killed; default 100
  --seed S          a seed gives the same kills again; default is a new one
  --lanes N         services that run side by side; default 2
  --round N         kills before everything settles and is looked at; default 20

Exit code: 0 no violation, 1 at least one, whose state is kept then.`

await runScript(async () => {
	const { values } = parseArgs({
		options: {
			kills: { type: 'string', default: '100' },
			seed: { type: 'string', default: String(randomInt(1_000_000)) },
			lanes: { type: 'string', default: '2' },
			round: { type: 'string', default: '20' },
			help: { type: 'boolean', short: 'h', default: false },
		},
	})
	if (values.help) {
		console.log(HELP)
		return 0
	}
	const kills = wholeNumber('kills', values.kills)
	const seed = wholeNumber('seed', values.seed)
	const startedAt = performance.now()
	const ending = endingSignal(() => process.exit(1))
	const dim = (text: string) => console.log(styleText('dim', text))
	dim(`  seed ${seed}`)
	try {
		const outcome = await runChaos({
			kills,
			seed,
			lanes: Math.min(wholeNumber('lanes', values.lanes), kills),
			killsPerRound: wholeNumber('round', values.round),
			signal: ending,
			onProgress: (text) => dim(`  ${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${text}`),
		})
		for (const { kind, text } of outcome.violations) console.error(styleText('red', `  ${kind}: ${text}`))
		const never = [...outcome.missed].filter(([point]) => !outcome.points.has(point))
		if (never.length > 0)
			dim(`  waited for in vain: ${never.map(([point, times]) => `${point} (${times})`).join(', ')}`)
		if (outcome.kept) dim(`  state and logs are kept in ${outcome.kept}`)
		console.log(closingLine(outcome))
		return outcome.violations.length > 0 ? 1 : 0
	} catch (error) {
		if (!ending.aborted) throw error
		console.error('Stopped.')
		return 130
	}
})

function wholeNumber(name: string, text: string): number {
	if (/^\d{1,7}$/.test(text) && (Number(text) > 0 || name === 'seed')) return Number(text)
	throw new Complaint(`--${name} is a whole number, not "${text}".`)
}
