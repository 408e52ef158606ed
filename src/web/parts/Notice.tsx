import type { ReactNode } from 'react'

interface NoticeProps {
	tone: 'calm' | 'warning' | 'error'
	children: ReactNode
	/** What can be done about it. */
	action?: ReactNode
}

/** A sentence or two that should be read, with what to do about it. */
export function Notice({ tone, children, action }: NoticeProps) {
	return (
		<div className="notice" data-tone={tone} role={tone === 'error' ? 'alert' : 'status'}>
			<div className="notice-text">{children}</div>
			{action && <div className="notice-action">{action}</div>}
		</div>
	)
}
