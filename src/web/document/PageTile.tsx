import { memo } from 'react'
import { failure } from '../../core/failure.ts'
import { Icon } from '../parts/Icon.tsx'
import type { TileState } from './page-plan.ts'

interface PageTileProps {
	id: string
	page: number
	state: TileState
	thumbnailUrl: string | null
	isDegraded: boolean
	/** Why the page failed, as far as that is known. */
	reason: string | null
	/** Width by height. */
	ratio: number
	onOpen: (page: number) => void
	onBroken: (page: number) => void
}

/** One page in the grid. There may be thousands, so it is drawn anew only when something of it changes. */
export const PageTile = memo(function PageTile(props: PageTileProps) {
	const { id, page, state, thumbnailUrl, isDegraded, reason, ratio, onOpen, onBroken } = props
	const frame = { aspectRatio: String(ratio) }
	if (state === 'ready' && thumbnailUrl !== null) {
		return (
			<li className="page">
				<button
					type="button"
					id={id}
					className="page-frame"
					style={frame}
					aria-label={isDegraded ? `Page ${page}, incomplete` : `Page ${page}`}
					aria-haspopup="dialog"
					onClick={() => onOpen(page)}
				>
					<img src={thumbnailUrl} alt="" loading="lazy" decoding="async" onError={() => onBroken(page)} />
				</button>
				<span className="page-number" aria-hidden="true">
					{page}
					{isDegraded && (
						<span className="page-remark" title={failure('degraded').message}>
							incomplete
						</span>
					)}
				</span>
			</li>
		)
	}
	return (
		<li className="page">
			<div className="page-frame" data-state={state} style={frame}>
				{(state === 'failed' || state === 'missing') && (
					<span className="page-failed" title={reason ?? undefined}>
						{state === 'failed' && <Icon name="warning" />}
						Not converted
					</span>
				)}
			</div>
			<span className="page-number">
				<span className="visually-hidden">{spoken[state]} </span>
				{page}
			</span>
		</li>
	)
})

const spoken = {
	ready: 'Page',
	loading: 'Getting page',
	waiting: 'Waiting for page',
	failed: 'Page',
	missing: 'Page',
} as const satisfies Record<TileState, string>
