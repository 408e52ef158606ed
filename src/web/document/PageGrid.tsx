import { useMemo } from 'react'
import { failure } from '../../core/failure.ts'
import { pageNumbers, parseRanges } from '../../core/pages.ts'
import { isSettled, type Snapshot } from '../../core/snapshot.ts'
import type { PagesByNumber } from './load-pages.ts'
import { PageTile } from './PageTile.tsx'
import { pagesToShow, stateWithoutPicture } from './page-plan.ts'

interface PageGridProps {
	snapshot: Snapshot
	pages: PagesByNumber
	onOpen: (page: number) => void
	onBroken: (page: number) => void
}

/** Most pages are A4 upright; until the first one is there, all are taken for that. Width by height. */
const A4 = 1 / Math.SQRT2

/** Extremely long or wide pages are shown in part. Width by height. */
const RATIO_BOUNDS = { least: 0.5, most: 2 } as const

/** The element that stands for a page, so that the focus finds back to it. */
export function tileId(page: number): string {
	return `page-${page}`
}

/** All pages of the document, each in its place from the moment their number is known. */
export function PageGrid({ snapshot, pages, onOpen, onBroken }: PageGridProps) {
	const { readyPages, failedPages } = snapshot
	const ready = useMemo(() => new Set(pageNumbers(parseRanges(readyPages) ?? [])), [readyPages])
	const reasons = useMemo(
		() => new Map(failedPages.map(({ page, code }) => [page, failure(code).message])),
		[failedPages],
	)
	const failed = useMemo(() => new Set(reasons.keys()), [reasons])
	const numbers = pagesToShow(snapshot)
	const usualRatio = ratioOf(pages.values().next().value) ?? A4

	if (numbers.length === 0) {
		if (isSettled(snapshot.status) || snapshot.status === 'none') return null
		return <p className="empty">The pages appear here one by one, as soon as each of them is ready.</p>
	}
	return (
		<section aria-label="Pages">
			<ol className="pages">
				{numbers.map((page) => {
					const entry = pages.get(page)
					const hasPicture = entry?.thumbnailUrl != null
					return (
						<PageTile
							key={page}
							id={tileId(page)}
							page={page}
							thumbnailUrl={entry?.thumbnailUrl ?? null}
							isDegraded={entry?.state === 'degraded'}
							state={hasPicture ? 'ready' : stateWithoutPicture(page, snapshot, ready, failed)}
							reason={reasons.get(page) ?? null}
							ratio={ratioOf(entry) ?? usualRatio}
							onOpen={onOpen}
							onBroken={onBroken}
						/>
					)
				})}
			</ol>
		</section>
	)
}

function ratioOf(entry: { width: number | null; height: number | null } | undefined): number | null {
	if (!entry?.width || !entry.height) return null
	return Math.min(RATIO_BOUNDS.most, Math.max(RATIO_BOUNDS.least, entry.width / entry.height))
}
