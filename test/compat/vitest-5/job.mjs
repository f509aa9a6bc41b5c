import { node24 } from '../support/node-24.mjs'
import { testContractWith } from '../support/other-runner.mjs'

/** The contract and the adapter's own tests with Vitest 5, which needs Node 22.12 or newer. */
export default async function job() {
  await testContractWith({ runner: 'vitest', folder: 'vitest-5', node: await node24() })
}
