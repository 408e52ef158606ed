import type { KeyboardEvent, MouseEvent } from 'react'
import { Icon, type IconName } from './Icon.tsx'

interface ActionButtonProps {
	label: string
	/** While it is under way. */
	busyLabel: string
	icon?: IconName
	/** Class names. */
	look: string
	isBusy: boolean
	onAct: () => void
}

/**
 * A button that asks the service for something. It keeps the focus while that is under way, and when it turns into the
 * button for what can be done next; so that nobody does the next thing by accident, double clicks and held keys count once.
 */
export function ActionButton({ label, busyLabel, icon, look, isBusy, onAct }: ActionButtonProps) {
	function onClick(event: MouseEvent): void {
		if (!isBusy && event.detail <= 1) onAct()
	}
	function onKeyDown(event: KeyboardEvent): void {
		if (event.repeat && event.key === 'Enter') event.preventDefault()
	}
	return (
		<button
			type="button"
			className={`button ${look}`}
			// Not `disabled`, which would take the focus away.
			aria-disabled={isBusy}
			onClick={onClick}
			onKeyDown={onKeyDown}
		>
			{icon && <Icon name={icon} />}
			{isBusy ? busyLabel : label}
		</button>
	)
}
