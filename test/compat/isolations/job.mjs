import { join } from 'node:path'
import { root } from '../../../scripts/workspaces.mjs'
import { build, vitest } from '../support/repository.mjs'
import { tell } from '../support/run.mjs'

/** Of the contract, those that are about tests; the others are about a run's set-up, which is the same. */
const files = ['isolation', 'outcomes', 'environment', 'restart'].map(name => `test/${name}.test.ts`)

/** The contract of both runners where tests really commit. */
export default async function job() {
  await build()
  for (const isolation of ['restore', 'database']) {
    tell(`the contract under isolation '${isolation}'`)
    await vitest(files, { cwd: join(root, 'test/contract'), env: { SEEDBED_TEST_ISOLATION: isolation } })
  }
}
