import { testContractWith } from '../support/other-runner.mjs'

/** The contract and the adapter's own tests with the repository's own Vitest, but with the adapter as a copy: as npm installs it. */
export default function job() {
  return testContractWith({ runner: 'vitest', folder: 'vitest-4' })
}
