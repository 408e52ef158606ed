/** `npm run convert -- FILE.pdf --out DIR`: converts a file on the local service, and keeps each page once it is ready. */
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createClient } from '../src/client/client.ts'
import { PlatenError } from '../src/client/error.ts'
import { createToken } from '../src/client/token.ts'
import { qualitySchema } from '../src/core/options.ts'
import { follow } from './convert/follow.ts'
import { readPdf } from './convert/input.ts'
import { createPasswords, PASSWORD_VARIABLE } from './convert/password.ts'
import { closingLine, createProgress, failedLines } from './convert/progress.ts'
import { createSaver, makeFolder } from './convert/save.ts'
import { Complaint, runScript } from './local/complaint.ts'
import { endingSignal } from './local/endings.ts'
import { type Folder, openFolder, shown } from './local/folder.ts'
import { freePorts, parsePort } from './local/ports.ts'
import { runningService } from './local/record.ts'
import { localSecret } from './local/secret.ts'
import { type LocalService, startService } from './local/service.ts'

const HELP = `Converts a PDF on the local service: images, thumbnails and texts of its pages, kept as they become ready.

  npm run convert -- report.pdf --out pages

  --out DIR         where the pages go (needed)
  --quality Q       low, medium or high; default medium
  --words           also the places of the words, as page-0001.words.json: [word, x, y, width, height] in
                    ten-thousandths of the page
  --persist DIR     the service's folder; default .platen. When no service runs on it, one is started for this file
  --port N          the port of that one; default any free port

A protected document's password is asked for, or taken from the environment variable ${PASSWORD_VARIABLE}. It cannot be
given as an argument, since others on the machine see those.

Exit code: 0 all pages, 1 failed, 2 some pages could not be converted.`

await runScript(async () => {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			out: { type: 'string' },
			quality: { type: 'string', default: 'medium' },
			words: { type: 'boolean', default: false },
			persist: { type: 'string' },
			port: { type: 'string' },
			help: { type: 'boolean', short: 'h', default: false },
		},
	})
	if (values.help) {
		console.log(HELP)
		return 0
	}
	const [path, ...more] = positionals
	if (!path || more.length > 0) throw new Complaint('Give one file: npm run convert -- FILE.pdf --out DIR. See --help.')
	if (!values.out) throw new Complaint('Say where the pages shall go: --out DIR. See --help.')
	const quality = qualitySchema.safeParse(values.quality)
	if (!quality.success) throw new Complaint(`--quality is low, medium or high, not "${values.quality}".`)
	const wantedPort = values.port === undefined ? null : parsePort(values.port)

	const out = resolve(values.out)
	const givenPassword = process.env[PASSWORD_VARIABLE]
	// What is started from here has no need to know.
	delete process.env[PASSWORD_VARIABLE]

	let service: LocalService | null = null
	const broken = new AbortController()
	const ending = endingSignal(() => {
		service?.kill()
		process.exit(1)
	})
	const progress = createProgress(process.stdout)
	try {
		const bytes = await readPdf(path)
		await makeFolder(out)
		const folder = await openFolder(values.persist)
		const running = await runningService(folder)
		if (!running) {
			progress.note('Starting the service')
			service = await startForThis(folder, wantedPort, ending)
			void service.broken.then((complaint) => broken.abort(complaint))
		}
		const secret = await localSecret(folder)
		const client = createClient({
			baseUrl: `http://localhost:${running?.port ?? service?.port}`,
			getToken: () => createToken(secret, { sub: 'local', expiresIn: 3_600 }),
		})
		progress.note('Uploading')
		const saver = createSaver(out, client.bytes, { words: values.words })
		const startedAt = performance.now()
		const signal = AbortSignal.any([ending, broken.signal])
		const snapshot = await follow({
			client,
			bytes,
			name: basename(path),
			quality: quality.data,
			passwords: createPasswords({ given: givenPassword, input: process.stdin, output: process.stderr, signal }),
			saver,
			progress,
			signal,
		})
		progress.done()
		const firstImageAt = saver.firstImageAt()
		console.log(
			closingLine({
				snapshot,
				duration: performance.now() - startedAt,
				toFirstPage: firstImageAt === null ? null : firstImageAt - startedAt,
				folder: shown(out),
			}),
		)
		for (const line of failedLines(snapshot)) console.error(line)
		return snapshot.failedPageCount > 0 ? 2 : 0
	} catch (error) {
		progress.done()
		if (ending.aborted) {
			console.error('Stopped.')
			return 130
		}
		throw error instanceof PlatenError ? new Complaint(error.detail) : error
	} finally {
		await service?.stop()
	}
})

async function startForThis(folder: Folder, port: number | null, signal: AbortSignal): Promise<LocalService> {
	const [free = 0] = port === null ? await freePorts(1) : [port]
	return await startService({ folder, port: free, signal })
}
