import type { Connection } from '../../client/watch.ts'
import { isSettled, type Snapshot } from '../../core/snapshot.ts'
import { formatCount, formatDuration } from '../format.ts'
import { Icon } from '../parts/Icon.tsx'
import { ConnectionNote } from './ConnectionNote.tsx'
import { Elapsed } from './Elapsed.tsx'

interface ConversionCardProps {
	snapshot: Snapshot
	connection: Connection
	isStarting: boolean
	onConvert: () => void
}

/** How far the conversion is, what came of it, and the way to begin it anew. */
export function ConversionCard({ snapshot, connection, isStarting, onConvert }: ConversionCardProps) {
	const { status } = snapshot
	const isOver = isSettled(status)
	return (
		<section
			className="conversion"
			data-status={status}
			data-stage={snapshot.stage ?? 'queued'}
			aria-label="Conversion"
		>
			<div className="conversion-head">
				<p className="conversion-message">
					{isOver && status !== 'completed' && <Icon name="warning" />}
					{headlineOf(snapshot)}
				</p>
				{status !== 'none' && status !== 'completed' && (
					<span className="conversion-percent">{Math.floor(snapshot.progress)}%</span>
				)}
			</div>
			{status === 'failed' && <p className="conversion-reason">{snapshot.failure?.message ?? snapshot.message}</p>}
			{status !== 'none' && status !== 'completed' && <ProgressBar snapshot={snapshot} />}
			<div className="conversion-foot">
				<ul className="conversion-facts">
					{factsOf(snapshot).map((fact) => (
						<li key={fact}>{fact}</li>
					))}
					{!isOver && snapshot.createdAt && (
						<li>
							<Elapsed since={snapshot.createdAt} />
						</li>
					)}
				</ul>
				{!isOver && status !== 'none' && <ConnectionNote connection={connection} />}
				{(isOver || status === 'none') && (
					<button type="button" className={`button ${emphasisOf(snapshot)}`} disabled={isStarting} onClick={onConvert}>
						<Icon name="again" />
						{isStarting ? 'Starting…' : status === 'none' ? 'Convert' : 'Convert again'}
					</button>
				)}
			</div>
			<p className="visually-hidden" role="status">
				{spokenOf(snapshot)}
			</p>
		</section>
	)
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
			aria-valuetext={[`${percent}%`, snapshot.message, ...factsOf(snapshot)].join(', ')}
		>
			<div className="bar-fill" style={{ transform: `scaleX(${snapshot.progress / 100})` }} />
		</div>
	)
}

/** As prominent as it is likely to help. */
function emphasisOf({ status, failure }: Snapshot): 'quiet' | 'primary' | '' {
	if (status === 'completed') return 'quiet'
	return failure?.retryable === false ? '' : 'primary'
}

function headlineOf(snapshot: Snapshot): string {
	if (snapshot.status === 'failed') return 'The document could not be converted'
	if (snapshot.status === 'cancelled') return 'The conversion was cancelled'
	return snapshot.message
}

function factsOf(snapshot: Snapshot): string[] {
	const facts: string[] = []
	const { status, totalPages, failedPageCount, estimatedTimeRemaining, queuePosition } = snapshot
	if (totalPages !== null) {
		const done = status === 'completed' ? totalPages - failedPageCount : snapshot.processedPages
		const count = formatCount(totalPages, 'page')
		facts.push(done === totalPages && status === 'completed' ? count : `${done.toLocaleString('en')} of ${count}`)
	}
	// The headline of a completed one says it already.
	if (failedPageCount > 0 && totalPages !== null && status !== 'completed') {
		facts.push(`${failedPageCount.toLocaleString('en')} could not be converted`)
	}
	if (status === 'queued' && queuePosition !== null) facts.push(`number ${queuePosition} in line`)
	if (snapshot.retryCount > 0)
		facts.push(snapshot.retryCount === 1 ? 'tried again once' : `tried again ${snapshot.retryCount} times`)
	if (!isSettled(status) && estimatedTimeRemaining !== null) {
		facts.push(
			`about ${formatDuration(Math.max(1_000, Math.round(estimatedTimeRemaining / 1000) * 1000)).replace('.0', '')} left`,
		)
	}
	if (status === 'completed' && snapshot.createdAt && snapshot.completedAt) {
		facts.push(`converted in ${formatDuration(Date.parse(snapshot.completedAt) - Date.parse(snapshot.createdAt))}`)
	}
	return facts
}

/** What is said aloud changes with the stage, not with every page. */
function spokenOf(snapshot: Snapshot): string {
	if (snapshot.status === 'failed') return `${headlineOf(snapshot)}. ${snapshot.failure?.message ?? ''}`
	if (snapshot.status === 'completed' && snapshot.totalPages !== null) {
		return `${snapshot.message}: ${formatCount(snapshot.totalPages - snapshot.failedPageCount, 'page')}.`
	}
	return headlineOf(snapshot)
}
