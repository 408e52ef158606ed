/**
 * Points in a Worker's life at which it can be stopped dead: at the one that was chosen it says so and then holds its
 * thread for good, so that nothing of it goes on until it is killed.
 *
 * One workerd has one thread for everything: Workers, objects and what Miniflare simulates (R2, D1, queues). So what was
 * not written by then never is.
 */
import { type Choice, CONTROL_PATH, MARKER } from '../control.ts'

let chosen: Choice | null = null

/** Says that a point is passed; returns unless it is the chosen one. */
export function passed(point: string): void {
	if (chosen?.point !== point || --chosen.nth > 0) return
	// It comes out at once: workerd writes it before it returns (seen on 1.20261023).
	console.log(`${MARKER}${point}`)
	for (;;) {}
}

/** Whether this point is where the Worker shall stop: for those that cost something to reach. */
export function isChosen(point: string): boolean {
	return chosen?.point === point
}

/** Takes the harness's word where to stop; null when a request is none of that. */
export async function control(request: Request): Promise<Response | null> {
	if (new URL(request.url).pathname !== CONTROL_PATH) return null
	chosen = (await request.json()) as Choice
	return new Response(null, { status: 204 })
}
