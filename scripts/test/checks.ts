/** What is checked before any test runs. */
import { glob } from 'node:fs/promises'
import { resolve } from 'node:path'
import { PROJECT } from '../local/folder.ts'
import { runTool, type ToolResult } from '../local/tool.ts'
import { WRANGLER } from '../local/wrangler.ts'

const TYPESCRIPT = 'node_modules/typescript/bin/tsc'
const BIOME = 'node_modules/@biomejs/biome/bin/biome'
const OXLINT = 'node_modules/oxlint/bin/oxlint'

/** Everything that has types of its own; a part that has no such file yet is not checked yet. */
const PARTS = ['src/*/tsconfig.json', '{scripts,test,bench}/tsconfig.json', '{test,bench,examples}/**/tsconfig.json']

export interface Check {
	name: string
	run: (signal: AbortSignal) => Promise<ToolResult>
}

/** In the order in which they run. */
export const checks: readonly Check[] = [
	{ name: 'types of the runtime and the bindings', run: generateTypes },
	{ name: 'types', run: checkTypes },
	{ name: 'biome', run: (signal) => tool(BIOME, ['check', '--error-on-warnings'], signal) },
	{ name: 'oxlint', run: (signal) => tool(OXLINT, ['--type-aware'], signal) },
]

async function generateTypes(signal: AbortSignal): Promise<ToolResult> {
	const runtime = ['types', '--include-env=false', 'src/runtime.d.ts']
	const bindings = (config: string, name: string, path: string) => [
		...['types', `--config=${config}`, '--include-runtime=false'],
		...[`--env-interface=${name}`, path],
	]
	return await all([
		tool(WRANGLER, runtime, signal),
		tool(WRANGLER, bindings('wrangler.toml', 'ApiEnv', 'src/api/env.generated.d.ts'), signal),
		tool(WRANGLER, bindings('wrangler.converter.toml', 'ConverterEnv', 'src/converter/env.generated.d.ts'), signal),
	])
}

async function checkTypes(signal: AbortSignal): Promise<ToolResult> {
	const projects: string[] = []
	for await (const path of glob(PARTS, { cwd: PROJECT, exclude: (name) => name.includes('node_modules') })) {
		projects.push(path)
	}
	return await all(projects.sort().map((project) => tool(TYPESCRIPT, ['--project', project], signal)))
}

async function all(running: Promise<ToolResult>[]): Promise<ToolResult> {
	const results = await Promise.all(running)
	const failed = results.filter((result) => !result.ok)
	return { ok: failed.length === 0, output: failed.map((result) => result.output).join('\n') }
}

function tool(script: string, args: string[], signal: AbortSignal): Promise<ToolResult> {
	return runTool(resolve(PROJECT, script), args, { signal })
}
