import { useEffect, useState } from 'react'
import { formatSoon } from '../format.ts'

interface RetryNoteProps {
	/** Milliseconds from the moment at which this appears. */
	wait: number
}

/** When the next try begins. In steps, since a clock that counts seconds down only makes nervous. */
export function RetryNote({ wait }: RetryNoteProps) {
	const [at] = useState(() => Date.now() + wait)
	const [now, setNow] = useState(() => Date.now())

	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), 1_000)
		return () => clearInterval(timer)
	}, [])
	return <>trying again {formatSoon(at - now)}</>
}
