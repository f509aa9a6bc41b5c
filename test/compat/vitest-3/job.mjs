import { testContractWith } from '../support/other-runner.mjs'

/** The contract and the adapter's own tests with Vitest 3.2. */
export default function job() {
  return testContractWith({ runner: 'vitest', folder: 'vitest-3' })
}
