import { testAdapterWith } from '../support/other-runner.mjs'

/** The adapter's suite with the repository's own Vitest, but with the adapter as a copy: as npm installs it. */
export default function job() {
  return testAdapterWith({ folder: 'vitest-4' })
}
