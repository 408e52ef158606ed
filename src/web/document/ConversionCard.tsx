import { useCallback, useRef } from 'react'
import type { Connection } from '../../client/watch.ts'
import { parseRanges, rangeLength } from '../../core/pages.ts'
import { isSettled, type Snapshot } from '../../core/snapshot.ts'
import { ActionButton } from '../parts/ActionButton.tsx'
import { Icon, type IconName } from '../parts/Icon.tsx'
import { ConnectionNote } from './ConnectionNote.tsx'
import { factsOf, headlineOf, isLocked, isWaitingToRetry, remarksOf, spokenOf } from './conversion-text.ts'
import { Elapsed } from './Elapsed.tsx'
import { PasswordForm } from './PasswordForm.tsx'
import { RetryNote } from './RetryNote.tsx'
import type { Action, Actions } from './use-actions.ts'

interface ConversionCardProps {
	snapshot: Snapshot
	connection: Connection
	/** Pages known to be incomplete. */
	degradedPages: readonly number[]
	actions: Actions
}

/** How far the conversion is, what came of it, and what can be done about it. */
export function ConversionCard({ snapshot, connection, degradedPages, actions }: ConversionCardProps) {
	const { status, nextRetryAt } = snapshot
	const isOver = isSettled(status)
	const isPartial = status === 'completed' && snapshot.failedPageCount > 0
	const readyCount = (parseRanges(snapshot.readyPages) ?? []).reduce((sum, range) => sum + rangeLength(range), 0)
	const remarks = remarksOf(snapshot, readyCount, degradedPages)
	const facts = factsOf(snapshot)
	const locked = isLocked(snapshot)
	const hasBar = status !== 'none' && status !== 'completed' && !locked
	const card = useRef<HTMLElement>(null)
	const takeFocus = useCallback(() => card.current?.focus(), [])
	return (
		<section
			ref={card}
			tabIndex={-1}
			className="conversion"
			data-status={status}
			data-stage={snapshot.stage ?? 'queued'}
			data-partial={isPartial}
			data-locked={locked}
			aria-label="Conversion"
		>
			<div className="conversion-head">
				<p className="conversion-message">
					{(isPartial || (isOver && status !== 'completed')) && <Icon name={locked ? 'lock' : 'warning'} />}
					{headlineOf(snapshot)}
				</p>
				{hasBar && <span className="conversion-percent">{Math.floor(snapshot.progress)}%</span>}
			</div>
			{remarks.length > 0 && (
				<div className="conversion-remarks" id={REMARKS}>
					{remarks.map((remark) => (
						<p key={remark}>{remark}</p>
					))}
				</div>
			)}
			{hasBar && <ProgressBar snapshot={snapshot} />}
			{locked && (
				<PasswordForm
					// Whoever gave a wrong one begins anew.
					key={snapshot.jobId}
					isWrong={snapshot.failure?.code === 'password_wrong'}
					describedBy={REMARKS}
					isBusy={actions.pending !== null}
					onPassword={(password) => actions.run('retry', password)}
					onFocusLost={takeFocus}
				/>
			)}
			<div className="conversion-foot" hidden={locked && facts.length === 0}>
				<ul className="conversion-facts">
					{facts.map((fact) => (
						<li key={fact}>{fact}</li>
					))}
					{nextRetryAt !== null && isWaitingToRetry(snapshot) && (
						<li key={nextRetryAt}>
							{/* Both times are the service's, so that our clock may be wrong. */}
							<RetryNote wait={Date.parse(nextRetryAt) - Date.parse(snapshot.updatedAt)} />
						</li>
					)}
					{!isOver && snapshot.createdAt && (
						<li>
							<Elapsed since={snapshot.createdAt} />
						</li>
					)}
				</ul>
				<div className="conversion-side">
					{!isOver && status !== 'none' && <ConnectionNote connection={connection} />}
					{!locked && <Offer snapshot={snapshot} actions={actions} />}
				</div>
			</div>
			<p className="visually-hidden" role="status">
				{spokenOf(snapshot)}
			</p>
		</section>
	)
}

/** Why it stands as it does; the password's field refers to it. */
const REMARKS = 'conversion-remarks'

/** The one thing that can be done now. */
function Offer({ snapshot, actions }: { snapshot: Snapshot; actions: Actions }) {
	const { pending, run } = actions
	const action = actionFor(snapshot.status)
	const { icon, label } = offers[action]
	return (
		<ActionButton
			label={label}
			busyLabel={offers[pending ?? action].busyLabel}
			icon={icon}
			look={lookOf(snapshot)}
			isBusy={pending !== null}
			onAct={() => run(action)}
		/>
	)
}

const offers = {
	convert: { label: 'Convert', busyLabel: 'Starting…', icon: 'again' },
	reconvert: { label: 'Convert again', busyLabel: 'Starting…', icon: 'again' },
	retry: { label: 'Try again', busyLabel: 'Starting…', icon: 'again' },
	cancel: { label: 'Cancel', busyLabel: 'Cancelling…', icon: 'close' },
} as const satisfies Record<Action, { label: string; busyLabel: string; icon: IconName }>

function actionFor(status: Snapshot['status']): Action {
	switch (status) {
		case 'none':
			return 'convert'
		case 'queued':
		case 'processing':
			return 'cancel'
		case 'completed':
			return 'reconvert'
		case 'failed':
		case 'cancelled':
			return 'retry'
	}
}

/** As prominent as it is likely to help. */
function lookOf({ status, failure }: Snapshot): string {
	switch (status) {
		case 'queued':
		case 'processing':
			return 'quiet small'
		case 'completed':
			return 'quiet'
		case 'failed':
			return failure?.retryable === false ? '' : 'primary'
		case 'none':
		case 'cancelled':
			return 'primary'
	}
}

function ProgressBar({ snapshot }: { snapshot: Snapshot }) {
	const percent = Math.floor(snapshot.progress)
	return (
		<div
			className="bar"
			role="progressbar"
			aria-label="Conversion"
			aria-valuemin={0}
			aria-valuemax={100}
			aria-valuenow={percent}
			aria-valuetext={[`${percent}%`, headlineOf(snapshot), ...factsOf(snapshot)].join(', ')}
		>
			<div className="bar-fill" style={{ transform: `scaleX(${snapshot.progress / 100})` }} />
		</div>
	)
}
