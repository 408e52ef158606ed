/** Every wait for somebody else has a bound. */
export class DeadlineExceeded extends Error {
	constructor(milliseconds: number) {
		super(`No answer within ${milliseconds} ms`)
		this.name = 'DeadlineExceeded'
	}
}

/**
 * The promise's own outcome, or after so many milliseconds a failure.
 *
 * @throws DeadlineExceeded
 */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
	let timer: ReturnType<typeof setTimeout> | undefined
	const deadline = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new DeadlineExceeded(milliseconds)), milliseconds)
	})
	try {
		return await Promise.race([promise, deadline])
	} finally {
		clearTimeout(timer)
	}
}
