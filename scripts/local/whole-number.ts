/** Numbers of the command line. */
import { Complaint } from './complaint.ts'

/** @throws Complaint when the text is not a whole number, or 0 where a count is asked for */
export function wholeNumber(option: string, text: string): number {
	if (/^\d{1,9}$/.test(text) && (Number(text) > 0 || option === 'seed')) return Number(text)
	throw new Complaint(`--${option} is a whole number, not "${text}".`)
}
