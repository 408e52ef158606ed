/** Numbers and times as people read them. */

export function formatBytes(bytes: number): string {
	if (bytes < 1024) return `${bytes} B`
	if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} KB`
	return `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MB`
}

/** @example formatCount(1, 'page') // "1 page" */
export function formatCount(count: number, noun: string): string {
	return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

/** A running time: `0:07`, `12:30`, `1:02:03`. */
export function formatClock(milliseconds: number): string {
	const seconds = Math.max(0, Math.floor(milliseconds / 1000))
	const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, '0'))
	const hours = Math.floor(seconds / 3600)
	return hours > 0 ? `${hours}:${parts.join(':')}` : parts.join(':').replace(/^0/, '')
}

/** A finished time: `0.8 s`, `12 s`, `3 min 20 s`. */
export function formatDuration(milliseconds: number): string {
	if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`
	const seconds = Math.round(milliseconds / 1000)
	if (seconds < 60) return `${seconds} s`
	const minutes = Math.floor(seconds / 60)
	if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
	return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** When something will be that is due in so many milliseconds, no more precisely than one cares. */
export function formatSoon(milliseconds: number): string {
	if (milliseconds <= 0) return 'now'
	if (milliseconds <= 10_000) return 'in a few seconds'
	if (milliseconds <= 50_000) return `in about ${Math.ceil(milliseconds / 10_000) * 10} s`
	return `in about ${Math.round(milliseconds / 60_000)} min`
}

/** How long ago, while that says more than the date. */
export function formatWhen(iso: string, now: number): string {
	const time = Date.parse(iso)
	const minutes = Math.floor((now - time) / 60_000)
	if (minutes < 1) return 'just now'
	if (minutes < 60) return `${minutes} min ago`
	if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`
	return new Date(time).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' })
}
