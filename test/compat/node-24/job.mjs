import { join } from 'node:path'
import { root } from '../../../scripts/workspaces.mjs'
import { node24 } from '../support/node-24.mjs'
import { build, vitest } from '../support/repository.mjs'
import { tell } from '../support/run.mjs'

/** The suites of pg-template-db and core on Node 24, which their children are then too. */
export default async function job() {
  const node = await node24()
  await build({ node })
  for (const folder of ['packages/pg-template-db', 'packages/core']) {
    tell(`${folder} on ${node}`)
    await vitest([], { cwd: join(root, folder), node })
  }
}
