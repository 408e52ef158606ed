/** Where the objects are found. */
import type { DocumentObject } from './document/object.ts'
import type { LineupObject } from './lineup/object.ts'

export function documentOf(env: ApiEnv, documentId: string): DurableObjectStub<DocumentObject> {
	return env.DOCUMENTS.get(env.DOCUMENTS.idFromName(documentId))
}

/** There is one lineup. */
export function lineupOf(env: ApiEnv): DurableObjectStub<LineupObject> {
	return env.LINEUP.get(env.LINEUP.idFromName('lineup'))
}
