/** Where the objects are found. */
import type { Caller } from '../core/access.ts'
import type { DocumentObject } from './document/object.ts'
import type { LineupObject } from './lineup/object.ts'

export function documentOf(env: ApiEnv, documentId: string): DurableObjectStub<DocumentObject> {
	return env.DOCUMENTS.get(env.DOCUMENTS.idFromName(documentId))
}

/** Who calls, as a header of a request to an object: headers are ASCII, names are not. */
export function callerHeader(caller: Caller): string {
	const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
	return JSON.stringify(caller).replaceAll(/[\u0080-\uffff]/g, escaped)
}

/** There is one lineup. */
export function lineupOf(env: ApiEnv): DurableObjectStub<LineupObject> {
	return env.LINEUP.get(env.LINEUP.idFromName('lineup'))
}
