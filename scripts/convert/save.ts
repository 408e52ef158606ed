/** Fetches pages and writes them to a folder, a few at a time. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ManifestPage } from '../../src/core/protocol.ts'
import { Complaint } from '../local/complaint.ts'

/** Downloads at once. */
const LANES = 4
const PNG_BEGINS = 0x89
const IMAGE = /^page-\d+\.(?:png|webp)$/

type Bytes = Uint8Array<ArrayBuffer>

interface Download {
	address: string
	/** The file's name, which may depend on what comes. */
	nameOf: (bytes: Bytes) => string
}

export interface Saver {
	/** Takes a page's image, thumbnail and text to be fetched, and its words if they are wanted. */
	add(page: ManifestPage): void
	/** Resolves when everything that was added is on disk; throws the first error that there was. */
	finished(): Promise<void>
	/** When the first page's image was on disk, by `performance.now()`. */
	firstImageAt(): number | null
}

/** Makes the folder if it is not there. */
export async function makeFolder(folder: string): Promise<void> {
	await mkdir(folder, { recursive: true }).catch((error: Error) => {
		throw new Complaint(`The folder ${folder} cannot be made: ${error.message}`)
	})
}

/**
 * @param folder where files go; those of the same name are replaced
 * @param fetchBytes gets what lies at an address of the manifest
 * @param words whether their places are kept as well
 */
export function createSaver(
	folder: string,
	fetchBytes: (address: string) => Promise<Bytes>,
	{ words }: { words: boolean },
): Saver {
	const waiting: Download[] = []
	const lanes = new Set<Promise<void>>()
	const errors: unknown[] = []
	let firstImageAt: number | null = null

	async function save({ address, nameOf }: Download): Promise<void> {
		const bytes = await fetchBytes(address)
		const name = nameOf(bytes)
		const path = join(folder, name)
		// Whoever watches the folder sees whole files only.
		await writeFile(`${path}.part`, bytes)
		await rename(`${path}.part`, path)
		if (IMAGE.test(name)) firstImageAt ??= performance.now()
	}

	async function work(): Promise<void> {
		for (let next = waiting.shift(); next && errors.length === 0; next = waiting.shift()) {
			await save(next).catch((error: unknown) => errors.push(error))
		}
	}

	function enqueue(address: string | null, nameOf: Download['nameOf']): void {
		if (address === null) return
		waiting.push({ address, nameOf })
		if (lanes.size >= LANES) return
		const lane = work().finally(() => lanes.delete(lane))
		lanes.add(lane)
	}

	return {
		add({ page, imageUrl, thumbnailUrl, textUrl, wordsUrl }) {
			const number = String(page).padStart(4, '0')
			enqueue(imageUrl, (bytes) => `page-${number}.${extensionOf(bytes)}`)
			enqueue(thumbnailUrl, (bytes) => `thumbnail-${number}.${extensionOf(bytes)}`)
			enqueue(textUrl, () => `page-${number}.txt`)
			if (words) enqueue(wordsUrl, () => `page-${number}.words.json`)
		},
		async finished() {
			while (lanes.size > 0) await Promise.all(lanes)
			if (errors.length > 0) throw errors[0]
		},
		firstImageAt: () => firstImageAt,
	}
}

/** The manifest knows the type of a page's image, and a thumbnail may have another. */
function extensionOf(image: Bytes): 'png' | 'webp' {
	return image[0] === PNG_BEGINS ? 'png' : 'webp'
}
