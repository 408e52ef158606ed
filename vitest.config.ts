import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

/** Required secrets are read from the environment, also by the Workers that are tested. */
process.env.AUTH_JWT_SECRET = 'a secret that only tests know, long enough'

/** Where the code runs in production decides where it is tested: pure parts in Node, Workers inside workerd. */
export default defineConfig({
	test: {
		projects: [
			{
				test: {
					name: 'core',
					include: ['test/{core,client,contract,converter,scripts,simulation}/**/*.test.ts'],
					exclude: ['**/*.workerd.test.ts'],
				},
			},
			{
				plugins: [
					cloudflareTest(async () => ({
						wrangler: { configPath: './wrangler.toml' },
						miniflare: {
							bindings: {
								MIGRATIONS: await readD1Migrations('migrations'),
								// The endpoint of these tests is on this machine.
								WEBHOOK_ALLOW_LOCAL: 'true',
							},
						},
					})),
				],
				test: {
					name: 'api',
					include: ['test/api/**/*.test.ts'],
					setupFiles: ['test/api/setup.ts'],
					// Some convert dozens of documents, and the machine may be busy.
					testTimeout: 30_000,
					expect: { poll: { timeout: 10_000 } },
					globalSetup: ['test/api/webhook/receiver.ts', 'test/api/identity-provider.ts'],
				},
			},
			{
				plugins: [
					cloudflareTest({
						miniflare: {
							compatibilityDate: '2026-10-20',
							compatibilityFlags: ['nodejs_compat'],
							modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
						},
					}),
				],
				test: { name: 'converter', include: ['test/converter/**/*.workerd.test.ts'] },
			},
			{
				test: {
					name: 'service',
					include: ['test/service/**/*.test.ts'],
					// A converter that crashes is replaced, and its lease expires first: that may happen in any of these.
					testTimeout: 240_000,
					hookTimeout: 120_000,
					// Each starts the whole service, and the machine has few cores.
					fileParallelism: false,
				},
			},
		],
	},
})
