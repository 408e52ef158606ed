/** The endpoints that owners have set up, in D1. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { Owner } from '../../core/access.ts'
import { webhooks } from '../history/schema.ts'

export type Endpoint = typeof webhooks.$inferSelect

export class Endpoints {
	readonly #db: ReturnType<typeof drizzle>

	constructor(database: D1Database) {
		this.#db = drizzle(database)
	}

	async of(owner: Owner): Promise<Endpoint | null> {
		return (await this.#db.select().from(webhooks).where(isOf(owner)).limit(1))[0] ?? null
	}

	/**
	 * The owner's endpoint with this address, and called again if it was not any more.
	 *
	 * @param secrets of a new one: one that is there keeps its own, so they say which it was
	 */
	async put(owner: Owner, url: string, secrets: string, now: number): Promise<Endpoint> {
		const { tenant, sub } = owner
		const changes = { url, updatedAt: now, disabledAt: null, disabledReason: null }
		const rows = await this.#db
			.insert(webhooks)
			.values({ tenant, sub, secrets, createdAt: now, ...changes })
			.onConflictDoUpdate({ target: [webhooks.tenant, webhooks.sub], set: changes })
			.returning()
		const row = rows[0]
		if (!row) throw new Error('An endpoint was written and not given back')
		return row
	}

	/** Other secrets, unless they have changed meanwhile. @returns null then */
	async replaceSecrets(owner: Owner, before: string, after: string, now: number): Promise<Endpoint | null> {
		const rows = await this.#db
			.update(webhooks)
			.set({ secrets: after, updatedAt: now })
			.where(and(isOf(owner), eq(webhooks.secrets, before)))
			.returning()
		return rows[0] ?? null
	}

	/** @returns whether there was one */
	async delete(owner: Owner): Promise<boolean> {
		return (await this.#db.delete(webhooks).where(isOf(owner)).returning({ sub: webhooks.sub })).length > 0
	}

	/** It said that it is gone. One that was set to another address meanwhile goes on. */
	async disable(owner: Owner, url: string, now: number): Promise<void> {
		await this.#db
			.update(webhooks)
			.set({ disabledAt: now, disabledReason: 'gone' })
			.where(and(isOf(owner), eq(webhooks.url, url), isNull(webhooks.disabledAt)))
	}
}

/** Whether an owner wants to be called, as a query beside others. */
export function webhookQuery(db: ReturnType<typeof drizzle>, owner: Owner) {
	return db
		.select({ wants: sql<number>`1` })
		.from(webhooks)
		.where(and(isOf(owner), isNull(webhooks.disabledAt)))
		.limit(1)
}

function isOf({ tenant, sub }: Owner) {
	return and(eq(webhooks.tenant, tenant), eq(webhooks.sub, sub))
}
