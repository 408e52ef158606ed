/**
 * Who may do what with a document. The object that owns the document asks here on every call; for reads that many share
 * the Worker does, with the owner that the object told.
 */
import { z } from 'zod'
import { type Priority, prioritySchema } from './snapshot.ts'

export const accessSchema = z.enum(['read', 'manage'])
export type Access = z.infer<typeof accessSchema>

const subject = z.string().min(1).max(256)

/** What a bearer token says of who calls. */
export const claimsSchema = z.object({
	sub: subject,
	tenant: subject.default('default'),
	/** Space-separated, as in OAuth 2.0. */
	scope: z.string().max(1_000).default(''),
	/** Exactly these documents, for a token that owns nothing else: a reader, a share link. */
	documents: z.record(z.string(), accessSchema).optional(),
	maxPriority: prioritySchema.default('normal'),
	/** Seconds since the epoch. */
	exp: z.number(),
})
export type Caller = z.infer<typeof claimsSchema>

export interface Owner {
	tenant: string
	sub: string
}

/** An owner's name in one text; no two have the same. */
export function ownerKey({ tenant, sub }: Owner): string {
	return JSON.stringify([tenant, sub])
}

/** Whether the caller has this access to a document of this owner. */
export function mayAccess(caller: Caller, documentId: string, owner: Owner, access: Access): boolean {
	if (caller.tenant !== owner.tenant) return false
	if (caller.documents) {
		const granted = Object.hasOwn(caller.documents, documentId) ? caller.documents[documentId] : undefined
		return granted === 'manage' || granted === access
	}
	return caller.sub === owner.sub
}

/** Whether the caller runs the service. */
export function isOperator(caller: Caller): boolean {
	return caller.scope.split(' ').includes('operator')
}

/** Whether the caller converts for the service. */
export function isConverter(caller: Caller): boolean {
	return caller.scope.split(' ').includes('converter')
}

/** The highest priority that the caller may give a job. */
export function maxPriorityOf(caller: Caller): Priority {
	return isOperator(caller) ? 'urgent' : caller.maxPriority
}

/** Whether the caller may upload documents of their own. */
export function mayOwn(caller: Caller): boolean {
	return caller.documents === undefined
}
