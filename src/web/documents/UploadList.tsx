import { formatBytes } from '../format.ts'
import { Icon } from '../parts/Icon.tsx'
import type { Upload } from './upload-queue.ts'

interface UploadListProps {
	uploads: readonly Upload[]
	onDismiss: (key: number) => void
	onRepeat: (key: number) => void
}

/** Files on their way, and those that were refused, with the reason. */
export function UploadList({ uploads, onDismiss, onRepeat }: UploadListProps) {
	return (
		<>
			{uploads.length > 0 && (
				<ul className="rows uploads" aria-label="Uploads">
					{uploads.map((upload) => (
						<UploadRow key={upload.key} upload={upload} onDismiss={onDismiss} onRepeat={onRepeat} />
					))}
				</ul>
			)}
			<p className="visually-hidden" role="status">
				{announcement(uploads)}
			</p>
		</>
	)
}

interface UploadRowProps extends Pick<UploadListProps, 'onDismiss' | 'onRepeat'> {
	upload: Upload
}

function UploadRow({ upload, onDismiss, onRepeat }: UploadRowProps) {
	const isRefused = upload.state === 'refused'
	return (
		<li className="row upload" data-state={upload.state}>
			<span className="row-sign">
				<Icon name={isRefused ? 'warning' : 'upload'} />
			</span>
			<span className="row-text">
				<span className="row-name">{upload.name}</span>
				<span className={isRefused ? 'row-reason' : 'row-facts'}>{factsOf(upload)}</span>
				{upload.state === 'sending' && <UploadBar name={upload.name} sent={upload.sent} size={upload.size} />}
			</span>
			{upload.state === 'refused' && upload.canRepeat && (
				<button
					type="button"
					className="button"
					aria-label={`Upload ${upload.name} again`}
					onClick={() => onRepeat(upload.key)}
				>
					Try again
				</button>
			)}
			<button
				type="button"
				className="button quiet icon-only"
				aria-label={`${isRefused ? 'Dismiss' : 'Stop uploading'} ${upload.name}`}
				onClick={() => onDismiss(upload.key)}
			>
				<Icon name="close" />
			</button>
		</li>
	)
}

function UploadBar({ name, sent, size }: { name: string; sent: number; size: number }) {
	const share = size === 0 ? 1 : sent / size
	return (
		<span
			className="bar thin"
			role="progressbar"
			aria-label={`Uploading ${name}`}
			aria-valuemin={0}
			aria-valuemax={100}
			aria-valuenow={Math.floor(share * 100)}
		>
			<span className="bar-fill" style={{ transform: `scaleX(${share})` }} />
		</span>
	)
}

function factsOf(upload: Upload): string {
	switch (upload.state) {
		case 'waiting':
			return `${formatBytes(upload.size)} · waiting for the others`
		case 'sending':
			return upload.sent < upload.size
				? `${formatBytes(upload.sent)} of ${formatBytes(upload.size)}`
				: `${formatBytes(upload.size)} · sent, being stored`
		case 'refused':
			return upload.reason
	}
}

/** Said to those who cannot see the list: only refusals, since the rest is soon a document in its own right. */
function announcement(uploads: readonly Upload[]): string {
	return uploads
		.flatMap((upload) => (upload.state === 'refused' ? [`${upload.name} was not taken. ${upload.reason}`] : []))
		.join(' ')
}
