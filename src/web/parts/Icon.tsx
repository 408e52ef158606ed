/** The few signs that the app uses, drawn as strokes on a field of 20. */
const paths = {
	back: 'M12 4.5 6.5 10l5.5 5.5',
	next: 'M8 4.5 13.5 10 8 15.5',
	close: 'm5 5 10 10M15 5 5 15',
	upload: 'M10 13.5v-9M6 8l4-4 4 4M4 13.5v1a2 2 0 0 0 2 2h8a2 2 0 0 0 2-2v-1',
	text: 'M4 5.5h12M4 10h12M4 14.5h7',
	zoom: 'M9 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10Zm3.7-1.3L16.5 16.5M9 7v4M7 9h4',
	fit: 'M4 8V4h4M16 8V4h-4M4 12v4h4M16 12v4h-4',
	again: 'M15.8 8A6 6 0 1 0 16 11M16 4v4h-4',
	sheet: 'M6 3h5.5L15 6.5V17H5V4a1 1 0 0 1 1-1Zm5 0v4h4',
	bin: 'M4 6h12M8 6V3.5h4V6M5.5 6l.7 10.5h7.6L14.5 6M8.4 9v4.5M11.6 9v4.5',
	lock: 'M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9M5 9h10v7.5H5zM10 12v1.8',
	warning: 'M10 4 3 16h14zM10 8.5v3.5M10 14v.1',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
	return (
		<svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
			<path d={paths[name]} />
		</svg>
	)
}
