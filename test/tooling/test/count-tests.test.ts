import { expect, test } from 'vitest'
import { countTests, totalLine } from '../../../scripts/count-tests.mjs'

const report = (...files: { name: string; status: string; tests: string[] }[]) => ({
  testResults: files.map(({ name, status, tests }) => ({
    name,
    status,
    assertionResults: tests.map(of => ({ status: of })),
  })),
})

test('adds up the tests of all packages', () => {
  const packages = [
    {
      name: 'a',
      report: report({ name: 'a.test.ts', status: 'passed', tests: ['passed', 'passed', 'pending', 'todo'] }),
    },
    { name: 'b', report: report({ name: 'b.test.ts', status: 'failed', tests: ['passed', 'failed', 'failed'] }) },
  ]
  expect(countTests(packages, false)).toEqual({ passed: 3, failed: 2, skipped: 2, problems: [] })
})

test('a file that fails outside of its tests counts once, and is named', () => {
  const packages = [
    { name: 'a', report: report({ name: 'a.test.ts', status: 'failed', tests: ['passed', 'skipped'] }) },
  ]
  expect(countTests(packages, false)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 1,
    problems: ['a: a.test.ts failed outside of its tests'],
  })
})

test('a package without a report, and one that found no test, count once each', () => {
  const packages = [
    { name: 'a', report: undefined },
    { name: 'b', report: report() },
  ]
  const { failed, problems } = countTests(packages, false)
  expect({ failed, problems }).toEqual({
    failed: 2,
    problems: ['a: its tests did not run, or broke before they could report', 'b: no test was found'],
  })
})

test('a command that failed for no reported reason counts once', () => {
  const packages = [{ name: 'a', report: report({ name: 'a.test.ts', status: 'passed', tests: ['passed'] }) }]
  expect(countTests(packages, true).failed).toBe(0)
  expect(countTests(packages, false).failed).toBe(1)
})

test('the last line has the skipped tests only where there are some', () => {
  expect(totalLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed')
  expect(totalLine({ passed: 12, failed: 1, skipped: 3 })).toBe('12 passed, 1 failed, 3 skipped')
})
