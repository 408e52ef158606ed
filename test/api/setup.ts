import { applyD1Migrations, env } from 'cloudflare:test'

await applyD1Migrations(env.HISTORY, env.MIGRATIONS)
