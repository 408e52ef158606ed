/** How long a Worker's top level runs before its first request: workerd's own profile of it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Complaint } from '../local/complaint.ts'
import { runTool } from '../local/tool.ts'
import { WRANGLER } from '../local/wrangler.ts'

const RUNS = 5

/** What is needed of V8's format. Times in microseconds. */
const profileSchema = z.object({
	nodes: z.array(z.object({ id: z.int(), callFrame: z.object({ functionName: z.string() }) })),
	samples: z.array(z.int()),
	timeDeltas: z.array(z.number()),
})

/**
 * Measures by `wrangler check startup`, which needs no account.
 *
 * It is given the bundle since it would otherwise take `wrangler.toml`, whatever `--config` says (seen on 4.155).
 *
 * @param upload the bundle
 * @param folder for the profile
 * @returns milliseconds in which the processor was busy; the median of several runs
 */
export async function measureStart(upload: string, folder: string, signal: AbortSignal): Promise<number> {
	const profile = join(folder, 'startup.cpuprofile')
	const times: number[] = []
	for (let run = 0; run < RUNS; run++) {
		const { ok, output } = await runTool(WRANGLER, ['check', 'startup', '--worker', upload, '--outfile', profile], {
			signal,
		})
		if (!ok) throw new Complaint(`The start of the Worker could not be measured.\n${output}`)
		times.push(busyTime(profileSchema.parse(JSON.parse(await readFile(profile, 'utf8')))))
	}
	return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0
}

function busyTime({ nodes, samples, timeDeltas }: z.infer<typeof profileSchema>): number {
	const idle = new Set(nodes.filter((node) => node.callFrame.functionName === '(idle)').map((node) => node.id))
	const busy = samples.map((node, index) => (idle.has(node) ? 0 : (timeDeltas[index] ?? 0)))
	return busy.reduce((sum, time) => sum + time, 0) / 1_000
}
