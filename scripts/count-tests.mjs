/**
 * Adds up the JSON reports of Vitest and Jest, which have the same shape. Each thing that is wrong counts once: a
 * failed test; a file that failed without a failed test (it did not load, or its set-up failed); a package without a
 * report; and, if nothing of these explains it, that the run as a whole failed.
 *
 * @param {{ name: string, report: any }[]} packages `report` is undefined where there is none
 * @param {boolean} everyCommandSucceeded
 * @returns {{ passed: number, failed: number, skipped: number, problems: string[] }}
 */
export function countTests(packages, everyCommandSucceeded) {
  const total = { passed: 0, failed: 0, skipped: 0, problems: [] }
  const problem = text => {
    total.failed++
    total.problems.push(text)
  }

  for (const { name, report } of packages) {
    if (!report) {
      problem(`${name}: its tests did not run, or broke before they could report`)
      continue
    }
    for (const file of report.testResults) {
      const results = file.assertionResults.map(({ status }) => status)
      const failed = results.filter(status => status === 'failed').length
      total.passed += results.filter(status => status === 'passed').length
      total.failed += failed
      total.skipped += results.length - failed - results.filter(status => status === 'passed').length
      if (file.status === 'failed' && failed === 0) problem(`${name}: ${file.name} failed outside of its tests`)
    }
    if (report.testResults.length === 0) problem(`${name}: no test was found`)
  }
  if (!everyCommandSucceeded && total.failed === 0) problem('A command failed although every test passed: see above')
  return total
}

/** For instance `12 passed, 0 failed`, or `12 passed, 0 failed, 1 skipped`. */
export function totalLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
