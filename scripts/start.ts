/** `npm start`: the whole service on this machine, until Ctrl-C. */
import { once } from 'node:events'
import { parseArgs, styleText } from 'node:util'
import { createToken } from '../src/client/token.ts'
import { runScript } from './local/complaint.ts'
import { endingSignal } from './local/endings.ts'
import { DEFAULT_FOLDER, type Folder, openFolder, shown } from './local/folder.ts'
import { parsePort } from './local/ports.ts'
import { localSecret } from './local/secret.ts'
import { type LocalService, startService } from './local/service.ts'
import { parseSettings } from './local/settings.ts'

const HELP = `Starts Platen on this machine and prints an address that signs you in. Ctrl-C ends it.

  npm start
  npm start -- --port 9000 --persist /tmp/platen

  --port N          where the API and the web app are; default 8787
  --persist DIR     all state and the secret; default .platen
  --var NAME=VALUE  a setting of the service, as in OWN_CONVERTER_TYPES=text/plain; may be given again and again
  --quiet           print the sign-in address only`

await runScript(async () => {
	const { values } = parseArgs({
		options: {
			port: { type: 'string', default: '8787' },
			persist: { type: 'string' },
			var: { type: 'string', multiple: true, default: [] },
			quiet: { type: 'boolean', short: 'q', default: false },
			help: { type: 'boolean', short: 'h', default: false },
		},
	})
	if (values.help) {
		console.log(HELP)
		return 0
	}
	const port = parsePort(values.port)
	const settings = parseSettings(values.var)
	let service: LocalService | null = null
	const ending = endingSignal(() => {
		service?.kill()
		process.exit(1)
	})
	const folder = await openFolder(values.persist)

	const say = values.quiet ? () => {} : (text: string) => console.log(text)
	try {
		service = await startService({
			folder,
			port,
			settings,
			signal: ending,
			onStep: (text) => say(styleText('dim', `  ${text} …`)),
			...(values.quiet ? {} : { onError: (line) => console.error(styleText('red', line)) }),
		})
	} catch (error) {
		// Stopped by those who started it, which is no failure.
		if (ending.aborted) return 0
		throw error
	}

	const token = await createToken(await localSecret(folder), { sub: 'local' })
	const address = `http://localhost:${port}/#token=${token}`
	if (values.quiet) console.log(address)
	else console.log(welcome(address, folder, performance.now() / 1000))

	const complaint = await Promise.race([service.broken, ending.aborted ? null : once(ending, 'abort').then(() => null)])
	if (!complaint) say(styleText('dim', '\n  Stopping …'))
	await service.stop()
	if (complaint) throw complaint
	return 0
})

function welcome(address: string, folder: Folder, seconds: number): string {
	const persist = folder.path === DEFAULT_FOLDER ? '' : ` --persist ${shown(folder.path)}`
	const row = (name: string, value: string) => `  ${styleText('dim', name.padEnd(9))} ${value}`
	return [
		'',
		`  ${styleText(['bold', 'green'], 'Platen is ready')} ${styleText('dim', `after ${seconds.toFixed(1)} s`)}`,
		'',
		row('Open', styleText('cyan', address)),
		row('Convert', `npm run convert -- FILE.pdf --out DIR${persist}`),
		row('Kept in', `${shown(folder.path)} ${styleText('dim', '(state, secret, logs)')}`),
		row('Stop', 'Ctrl-C'),
		'',
	].join('\n')
}
