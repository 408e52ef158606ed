/** Platen's mark: a sheet on its roller. */
export function Mark() {
	return (
		<svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
			<rect className="mark-plate" width="32" height="32" rx="8" />
			<path className="mark-sheet" d="M10 5.5h8.2L23 10.3V19H9V6.5a1 1 0 0 1 1-1z" />
			<path className="mark-fold" d="M18.2 5.5 23 10.3h-3.8a1 1 0 0 1-1-1z" />
			<rect className="mark-roller" x="4.5" y="20.5" width="23" height="6" rx="3" />
		</svg>
	)
}
