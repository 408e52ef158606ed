/**
 * A document's password on its way from whoever knows it to the converter that needs it. In between it is sealed: the
 * document's object keeps it until the job ends, and cannot read it.
 */
import type { Lease } from '../core/gate.ts'
import type { Settings } from './env.ts'
import { seal, sealingKey, unseal } from './sealing.ts'

const PURPOSE = 'passwords'

/** A lease as the document's object gives it. An object of the release before says nothing of passwords. */
export type SealedLease = Omit<Lease, 'password'> & { sealedPassword?: string | null }

/** @param documentId the only document that it can be unsealed for */
export async function sealPassword({ secrets }: Settings, password: string, documentId: string): Promise<string> {
	return await seal(await sealingKey(secrets[0], PURPOSE), password, documentId)
}

/** A lease as its converter needs it; null when the password cannot be had any more, since the Worker's secret is another. */
export async function unsealedLease({ secrets }: Settings, lease: SealedLease): Promise<Lease | null> {
	const { sealedPassword = null, ...open } = lease
	if (sealedPassword === null) return { ...open, password: null }
	const inForce = secrets.filter((secret) => secret !== undefined)
	const keys = await Promise.all(inForce.map((secret) => sealingKey(secret, PURPOSE)))
	const password = await unseal(keys, sealedPassword, lease.documentId)
	return password === null ? null : { ...open, password }
}
