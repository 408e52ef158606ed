/**
 * Where a document's bytes lie in R2. Every key can be told from the document's id and the fences it handed out, so
 * nothing ever needs listing.
 */
export function sourceKey(documentId: string): string {
	return `${documentId}/source`
}

export function packKey(documentId: string, fence: number): string {
	return `${documentId}/pack-${fence}.zip`
}
