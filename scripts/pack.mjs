/**
 * `node scripts/pack.mjs <workspace> <destination>`: packs a published package as it goes to npm, and prints what
 * `npm pack --json` does. What is published is what this packs.
 *
 * In Vitest's default pool each test file is a process, which loads every module anew: so those of a package that test
 * files load are put together into few. What is built stays a file for each source, for `tsc -b` to replace one by one.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './workspaces.mjs'

/** The files of `dist` that something imports, or starts as a thread; all else goes into them. */
const bundled = { 'packages/pg-sandbox': ['index', 'sentinel', 'sandbox-thread'] }

const [workspace, destination] = process.argv.slice(2)
const staging = realpathSync(mkdtempSync(join(tmpdir(), 'seedbed-pack-')))
process.on('exit', () => rmSync(staging, { recursive: true, force: true }))

cpSync(join(root, workspace), staging, { recursive: true, filter: path => !/[\\/](node_modules|src|test)$/.test(path) })
if (bundled[workspace]) await bundle(join(staging, 'dist'), bundled[workspace])
const { status } = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', destination])
process.exitCode = status ?? 1

async function bundle(dist, entries) {
  const build = await rolldown({
    input: entries.map(entry => join(root, workspace, 'dist', `${entry}.js`)),
    platform: 'node',
    external: id => !id.startsWith('.') && !isAbsolute(id),
  })
  for (const file of readdirSync(dist)) if (file.endsWith('.js')) rmSync(join(dist, file))
  await build.write({ dir: dist, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' })
}

function npm(parameters) {
  // Inside `npm test` npm is known by the path of its own script, so that it runs with the same Node on every platform.
  const script = process.env.npm_execpath
  const [command, ...all] = script ? [process.execPath, script, ...parameters] : ['npm', ...parameters]
  return spawnSync(command, all, { cwd: staging, stdio: ['ignore', 'inherit', 'inherit'] })
}
