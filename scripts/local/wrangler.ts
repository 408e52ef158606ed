/** How wrangler is called: quietly, without the network, and with nothing of this shell's that could change what it does. */
import { join } from 'node:path'
import { type Folder, PROJECT } from './folder.ts'

/** The script itself: its launcher would be one more process between us and workerd. */
export const WRANGLER = join(PROJECT, 'node_modules/wrangler/wrangler-dist/cli.js')

/** Both Workers' configurations. */
export interface WorkerConfigs {
	api: string
	converter: string
}

/** As in `wrangler.converter.toml`. */
export const CONVERTER_NAME = 'platen-converter'

export const PROJECT_CONFIGS: WorkerConfigs = {
	api: join(PROJECT, 'wrangler.toml'),
	converter: join(PROJECT, 'wrangler.converter.toml'),
}

/** wrangler prefers secrets of the environment to those of the file, and `NODE_ENV` changes what is bundled. */
const NOT_INHERITED = /^(?:AUTH_|CLOUDFLARE_|CF_|WRANGLER_|MINIFLARE_|NODE_ENV$|VITE)/

/** The environment for tools that build or run the Workers. */
export function toolEnvironment(): NodeJS.ProcessEnv {
	const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name))
	return {
		...Object.fromEntries(inherited),
		// Nobody is asked anything.
		CI: '1',
		WRANGLER_SEND_METRICS: 'false',
		WRANGLER_HIDE_BANNER: 'true',
		WRANGLER_WRITE_LOGS: 'false',
		// No telling workers.cloudflare.com that we are here.
		CLOUDFLARE_CF_FETCH_ENABLED: 'false',
		// A page and a recorder for everything in the local databases, open to whoever reaches the port.
		X_LOCAL_EXPLORER: 'false',
		X_LOCAL_OBSERVABILITY: 'false',
	}
}

/** The same for a running instance, whose processes shall meet each other and nobody else's. */
export function serviceEnvironment(folder: Folder): NodeJS.ProcessEnv {
	return { ...toolEnvironment(), WRANGLER_REGISTRY_PATH: folder.registry }
}

export interface DevOptions {
	config: string
	/** The bundled Worker. */
	script: string
	/** The web app's files. */
	assets?: string
	port: number
	inspectorPort: number
	state: string
	/** Always given, since `.env` and `.dev.vars` of the project would be read otherwise. */
	envFile: string
	/** Names of settings that this shell may give: of the file, wrangler reads secrets only. */
	settings: readonly string[]
}

/** Arguments for `wrangler dev`. */
export function devArguments(given: DevOptions): string[] {
	const { config, script, assets, port, inspectorPort, state, envFile, settings } = given
	const options = {
		'--config': config,
		'--ip': 'localhost',
		'--port': String(port),
		'--inspector-port': String(inspectorPort),
		'--persist-to': state,
		'--env-file': envFile,
		'--show-interactive-dev-session': 'false',
		...(assets && { '--assets': assets }),
	}
	const variables = settings.flatMap((name) => {
		const value = process.env[name]
		return value === undefined ? [] : ['--var', `${name}:${value}`]
	})
	return ['dev', script, '--no-bundle', ...Object.entries(options).flat(), ...variables]
}
