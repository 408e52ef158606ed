/** What the lineup is compared with: an object that writes one row a request and knows nothing. */
import { DurableObject } from 'cloudflare:workers'
import { countRows } from './rows.ts'

export class BareObject extends DurableObject<ApiEnv> {
	constructor(ctx: DurableObjectState, env: ApiEnv) {
		super(ctx, env)
		ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS bare (id TEXT PRIMARY KEY, at INTEGER) STRICT, WITHOUT ROWID')
	}

	write(id: string): boolean {
		this.ctx.storage.sql.exec('INSERT INTO bare VALUES (?1, ?2)', id, Date.now())
		return true
	}

	/** Only an object can reach the prototypes that all objects of the isolate share. */
	countRows(): void {
		countRows(this.ctx.storage)
	}
}
