import type { Connection } from '../../client/watch.ts'

const notes = {
	connecting: { label: 'Connecting…', explanation: 'The connection for live progress is being made.' },
	live: { label: 'Live', explanation: 'Progress is shown the moment it is made.' },
	polling: {
		label: 'Nearly live',
		explanation:
			'There is no live connection at the moment, so the service is asked for news. They are a second late at most.',
	},
	offline: {
		label: 'Offline, trying again',
		explanation: 'The service cannot be reached. What is shown is how it was when it last answered.',
	},
} as const satisfies Record<Connection, { label: string; explanation: string }>

/** Says how fresh the progress is that is shown. */
export function ConnectionNote({ connection }: { connection: Connection }) {
	const { label, explanation } = notes[connection]
	return (
		<span className="connection" data-connection={connection} title={explanation}>
			{label}
		</span>
	)
}
