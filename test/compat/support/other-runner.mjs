import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../../../scripts/workspaces.mjs'
import { build, install, vitest } from './repository.mjs'
import { tell } from './run.mjs'

/** What the projects of the tests import besides the runner and its adapter. */
const imported = ['@seedbed/core', 'pg', 'pg-sandbox', 'pg-template-db']

/**
 * Runs the contract, and what the adapter has of tests of its own, with the runner of a folder under test/compat. The tests
 * themselves are run by the repository's Vitest; the projects that they make are run by the other one.
 *
 * @param {{ runner: 'vitest' | 'jest', folder: string, node?: string }} options `node`: the binary that runs the other one
 */
export async function testContractWith({ runner, folder, node = process.execPath }) {
  const at = join(fileURLToPath(new URL('..', import.meta.url)), folder)
  const modules = join(at, 'node_modules')
  await install(at)
  await build()
  placePackages(modules, `@seedbed/${runner}`)
  const env = { SEEDBED_TEST_RUNNER: runner, SEEDBED_TEST_MODULES: modules, SEEDBED_TEST_NODE: node }
  tell(`the contract with the ${runner} of test/compat/${folder}, on ${node}`)
  await vitest([], { cwd: join(root, 'test/contract'), env })
  if (runner === 'vitest') await vitest([], { cwd: join(root, 'packages/vitest'), env })
}

/**
 * As `npm install` would: the adapter as a copy, since from a link it would find the repository's runner beside it. What
 * it needs else is the same for every runner, and linked.
 */
function placePackages(modules, adapter) {
  const copy = join(modules, adapter)
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  for (const part of ['dist', 'package.json']) {
    cpSync(join(root, 'node_modules', adapter, part), join(copy, part), { recursive: true })
  }
  for (const name of imported) {
    const link = join(modules, name)
    mkdirSync(dirname(link), { recursive: true })
    if (!existsSync(link)) symlinkSync(join(root, 'node_modules', name), link, 'junction')
  }
}
