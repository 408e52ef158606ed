import type { Snapshot } from '../../core/snapshot.ts'

const labels = {
	none: 'Not converted',
	queued: 'Waiting',
	processing: 'Converting',
	completed: 'Ready',
	failed: 'Failed',
	cancelled: 'Cancelled',
} as const satisfies Record<Snapshot['status'], string>

interface StatusBadgeProps {
	status: Snapshot['status']
	/** Percent; null when it is not known. */
	progress: number | null
}

export function StatusBadge({ status, progress }: StatusBadgeProps) {
	return (
		<span className="badge" data-status={status}>
			<span className="badge-label">{labels[status]}</span>
			{status === 'processing' && progress !== null && <span className="badge-percent">{Math.floor(progress)}%</span>}
		</span>
	)
}
