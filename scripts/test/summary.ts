/** `node scripts/test/summary.ts FILE`: vitest's JSON report as one line, `N passed, N failed`. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

/** What is needed of vitest's report. */
const reportSchema = z.object({
	success: z.boolean(),
	numPassedTests: z.int(),
	numFailedTests: z.int(),
	testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
})

const counts = await read(process.argv[2] ?? '')
console.log(`${counts.passed} passed, ${counts.failed} failed`)
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1

/** Without a report nothing ran: types or lint have failed before. */
async function read(path: string): Promise<{ passed: number; failed: number }> {
	const text = await readFile(path, 'utf8').catch(() => null)
	if (text === null) return { passed: 0, failed: 0 }
	const report = reportSchema.parse(JSON.parse(text))
	// A file that could not even be loaded has no failed test, and yet it failed.
	const broken = report.testResults.filter(
		({ status, assertionResults }) =>
			status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
	)
	const failed = report.numFailedTests + broken.length
	// An error outside of every test.
	return { passed: report.numPassedTests, failed: report.success ? failed : Math.max(1, failed) }
}
