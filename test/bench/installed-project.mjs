import { chmodSync, cpSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createJiti } from 'jiti'
import { root } from '../../scripts/workspaces.mjs'

/**
 * The packages as a user has them: packed, and installed in a project of its own. Vitest treats what lies in
 * node_modules differently from a linked workspace. The programs of `programs/` are copied beside, so that they import
 * what is installed there.
 *
 * @param {string} place the benchmark's folder
 */
export async function installProject(place) {
  process.env.TMPDIR = place
  const { createPackedProject } = await createJiti(import.meta.url).import('../packaging/test/packed-project.ts')
  const { folder } = createPackedProject()
  // PostgreSQL runs as somebody else where we are root, and would have to copy the binaries from a private folder.
  chmodSync(folder, 0o755)
  cpSync(fileURLToPath(new URL('programs', import.meta.url)), join(folder, 'programs'), { recursive: true })
  // What only the programs use; it has no dependencies.
  const copyStreams = dirname(createRequire(import.meta.url).resolve('pg-copy-streams/package.json'))
  cpSync(copyStreams, join(folder, 'node_modules', 'pg-copy-streams'), { recursive: true })
  // Rooms of core that parts of the benchmark need by themselves; what is packed holds them in few files.
  cpSync(join(root, 'packages', 'core', 'dist'), join(folder, 'node_modules', '@seedbed', 'core', 'built'), {
    recursive: true,
  })
  const { resolve } = createRequire(join(folder, 'package.json'))
  const packageFolder = name => join(folder, 'node_modules', name)
  return {
    folder,
    program: name => join(folder, 'programs', name),
    vitest: join(packageFolder('vitest'), 'vitest.mjs'),
    jest: join(packageFolder('jest'), 'bin', 'jest.js'),
    /** A module of an installed package, also one that it does not export: `('@seedbed/core', 'built/server/home.js')`. */
    module: (name, path) => import(pathToFileURL(path ? join(packageFolder(name), path) : resolve(name)).href),
    version: name => JSON.parse(readFileSync(join(packageFolder(name), 'package.json'), 'utf8')).version,
  }
}
