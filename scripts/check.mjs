/**
 * `npm run check`: everything that can be said about the repository without running its tests. One line a check, then
 * the output of those that failed, then `N passed, N failed`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { examples, publishedPackages, root } from './workspaces.mjs'

const tarballs = mkdtempSync(join(tmpdir(), 'seedbed-check-'))
process.on('exit', () => rmSync(tarballs, { recursive: true, force: true }))

const checks = [
  ['types', 'tsc -b'],
  ['types of tests', 'tsc -p tsconfig.tests.json'],
  ...examples().map(({ folder }) => [`types of ${folder}`, `tsc -p ${folder}`]),
  ['lint', 'oxlint'],
  ['format', 'oxfmt --check'],
  ['unused code and dependencies', 'knip'],
  ['lock file', 'node scripts/check-lock-file.mjs'],
  ['lock file and package.json agree', 'npm ci --dry-run --ignore-scripts'],
  ['docs/errors', 'node scripts/docs.mjs --check'],
  ...publishedPackages().flatMap(({ folder, manifest: { name, version } }) => {
    const tarball = join(tarballs, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
    return [
      [`pack ${name}`, `node scripts/pack.mjs ${folder} "${tarballs}"`],
      [`publint ${name}`, `publint run --strict "${tarball}"`],
      // Every Node that we support can `require` ES modules, which attw does not believe. A preset is read by Jest, whole, and
      // scopes.cjs by our runner, as it is packed.
      [`types of exports ${name}`, `attw "${tarball}" --profile esm-only --exclude-entrypoints jest-preset scopes.cjs`],
    ]
  }),
]

const failures = []
for (const [name, command] of checks) {
  const start = performance.now()
  const { code, output } = await run(command)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(40)} ${seconds.padStart(5)} s${remark(output)}`)
  if (code !== 0) failures.push({ name, command, output })
}
for (const { name, command, output } of failures) console.log(`\n──── ${name}: ${command}\n${output.trim()}`)
console.log(`\n${checks.length - failures.length} passed, ${failures.length} failed`)
process.exitCode = failures.length > 0 ? 1 : 0

/** Runs one command in the root with the tools of node_modules on the PATH. */
function run(command) {
  const PATH = join(root, 'node_modules', '.bin') + delimiter + process.env.PATH
  const child = spawn(command, {
    cwd: root,
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH },
  })
  let output = ''
  child.stdout.on('data', chunk => (output += chunk))
  child.stderr.on('data', chunk => (output += chunk))
  return new Promise(resolve => {
    child.on('error', error => resolve({ code: 1, output: error.message }))
    child.on('close', code => resolve({ code, output }))
  })
}

/** Warnings do not fail a check, and are not lost either. */
function remark(output) {
  const warnings = /Found ([1-9]\d*) warnings?/.exec(output)?.[1]
  return warnings ? `   ${warnings} warnings: npx oxlint` : ''
}
