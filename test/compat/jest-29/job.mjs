import { testContractWith } from '../support/other-runner.mjs'

/** The contract with Jest 29. */
export default function job() {
  return testContractWith({ runner: 'jest', folder: 'jest-29' })
}
