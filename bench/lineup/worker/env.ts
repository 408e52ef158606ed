/** The API Worker's bindings, and the bench's own. */
import type { BareObject } from './bare.ts'

export interface BenchEnv extends ApiEnv {
	BARE: DurableObjectNamespace<BareObject>
}
