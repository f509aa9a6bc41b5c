import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../../../scripts/workspaces.mjs'
import { build, install, vitest } from './repository.mjs'
import { tell } from './run.mjs'

/** What the projects of the adapter's suite import besides the runner. */
const imported = ['@seedbed/core', 'pg', 'pg-sandbox', 'pg-template-db']

/**
 * Runs the adapter's own suite with the Vitest of a folder under test/compat. The suite itself is run by the
 * repository's Vitest; the projects that it makes are run by the other one.
 *
 * @param {{ folder: string, node?: string }} options `node`: the binary that runs the other Vitest
 */
export async function testAdapterWith({ folder, node = process.execPath }) {
  const at = join(fileURLToPath(new URL('..', import.meta.url)), folder)
  const modules = join(at, 'node_modules')
  await install(at)
  await build()
  placePackages(modules)
  tell(`the suite of @seedbed/vitest with the Vitest of test/compat/${folder}, on ${node}`)
  await vitest([], {
    cwd: join(root, 'packages/vitest'),
    env: { SEEDBED_TEST_MODULES: modules, SEEDBED_TEST_NODE: node },
  })
}

/**
 * As `npm install` would: the adapter as a copy, since from a link it would find the repository's Vitest beside it. What
 * it needs else is the same for every runner, and linked.
 */
function placePackages(modules) {
  const adapter = join(modules, '@seedbed/vitest')
  rmSync(adapter, { recursive: true, force: true })
  mkdirSync(adapter, { recursive: true })
  for (const part of ['dist', 'package.json']) {
    cpSync(join(root, 'packages/vitest', part), join(adapter, part), { recursive: true })
  }
  for (const name of imported) {
    const link = join(modules, name)
    mkdirSync(dirname(link), { recursive: true })
    if (!existsSync(link)) symlinkSync(join(root, 'node_modules', name), link, 'junction')
  }
}
