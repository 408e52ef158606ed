/** Runs a tool to its end. */
import { PROJECT } from './folder.ts'
import { startGuarded } from './processes.ts'
import { toolEnvironment } from './wrangler.ts'

export interface ToolResult {
	ok: boolean
	output: string
}

/**
 * Runs a script of node_modules. It ends when `signal` says so, and when this process ends.
 */
export async function runTool(
	script: string,
	args: string[],
	{
		env = toolEnvironment(),
		cwd = PROJECT,
		signal,
	}: { env?: NodeJS.ProcessEnv; cwd?: string; signal?: AbortSignal } = {},
): Promise<ToolResult> {
	signal?.throwIfAborted()
	const lines: string[] = []
	const running = startGuarded({ script, args, cwd, env, onLine: (line) => lines.push(line) })
	const onAbort = () => running.kill()
	signal?.addEventListener('abort', onAbort)
	const code = await running.ended
	signal?.removeEventListener('abort', onAbort)
	signal?.throwIfAborted()
	return { ok: code === 0, output: lines.join('\n').trim() }
}
