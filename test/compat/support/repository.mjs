import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../scripts/workspaces.mjs'
import { run, tell } from './run.mjs'

/** Compiles the packages as they are now. */
export async function build({ node = process.execPath } = {}) {
  tell('tsc -b')
  await run(node, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: root })
}

/** Installs a folder's own package.json, unless its lock file is installed already. */
export async function install(folder) {
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  const mark = join(folder, 'node_modules', '.installed-lock')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return
  tell(`npm ci in ${folder}`)
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
  writeFileSync(mark, lock)
}

/** Runs Vitest, of the version that the repository has, to its end. */
export async function vitest(args, { env = {}, node = process.execPath, cwd = root } = {}) {
  await run(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args], {
    cwd,
    env: { ...process.env, ...env },
    show: true,
  })
}
