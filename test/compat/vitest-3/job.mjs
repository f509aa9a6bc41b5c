import { testAdapterWith } from '../support/other-runner.mjs'

/** The adapter's suite with Vitest 3.2. */
export default function job() {
  return testAdapterWith({ folder: 'vitest-3' })
}
