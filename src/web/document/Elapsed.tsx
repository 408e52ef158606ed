import { useEffect, useState } from 'react'
import { formatClock } from '../format.ts'

/** A clock that runs since then. Never read out: it would chatter. */
export function Elapsed({ since }: { since: string }) {
	const [now, setNow] = useState(() => Date.now())

	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), 1_000)
		return () => clearInterval(timer)
	}, [])
	return (
		<span className="clock" aria-hidden="true" title="Since the start">
			{formatClock(now - Date.parse(since))}
		</span>
	)
}
