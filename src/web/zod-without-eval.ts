/**
 * Zod compiles its parsers with `new Function` where it may. The page's security policy forbids that, and even the probe
 * whether it is allowed would be reported as a violation. Imported before everything else.
 */
import { config } from 'zod'

config({ jitless: true })
