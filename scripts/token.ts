/** `npm run --silent token -- --sub NAME`: prints a token for the local service, and nothing else. */
import { parseArgs } from 'node:util'
import { createToken } from '../src/client/token.ts'
import { Complaint, runScript } from './local/complaint.ts'
import { openFolder } from './local/folder.ts'
import { localSecret } from './local/secret.ts'

const HELP = `Prints a token for the local service.

  npm run --silent token -- --sub alice

  --sub NAME        who the token is for (needed)
  --tenant NAME     the tenant; default is "default"
  --scope SCOPES    space-separated: operator, converter
  --expires TIME    as in 15m, 12h, 7d; default 12h
  --persist DIR     the service's folder; default .platen`

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

await runScript(async () => {
	const { values } = parseArgs({
		options: {
			sub: { type: 'string' },
			tenant: { type: 'string' },
			scope: { type: 'string' },
			expires: { type: 'string', default: '12h' },
			persist: { type: 'string' },
			help: { type: 'boolean', short: 'h', default: false },
		},
	})
	if (values.help) {
		console.log(HELP)
		return
	}
	const { sub, tenant, scope } = values
	if (!sub) throw new Complaint('Say who the token is for: --sub NAME. See --help.')
	const secret = await localSecret(await openFolder(values.persist))
	console.log(await createToken(secret, { sub, tenant, scope, expiresIn: parseDuration(values.expires) }))
})

/** @returns seconds */
function parseDuration(text: string): number {
	const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
	const seconds = Number(count) * (SECONDS[unit] ?? Number.NaN)
	if (seconds > 0) return seconds
	throw new Complaint(`--expires is a time as in 15m, 12h or 7d, not "${text}".`)
}
