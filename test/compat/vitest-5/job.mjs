import { node24 } from '../support/node-24.mjs'
import { testAdapterWith } from '../support/other-runner.mjs'

/** The adapter's suite with Vitest 5, which needs Node 22.12 or newer. */
export default async function job() {
  await testAdapterWith({ folder: 'vitest-5', node: await node24() })
}
