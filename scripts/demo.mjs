/**
 * `npm run demo`: the suite of examples/library, twice, on the embedded server. The first time a cluster, a template and
 * the worker databases are made (unless an earlier demo has left them); the second time all are reused.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from './workspaces.mjs'

const example = join(root, 'examples', 'library')
const colour = process.env.NO_COLOR ? {} : { FORCE_COLOR: '1' }

run('Building the packages', [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], root)
const vitest = join(dirname(createRequire(join(example, 'package.json')).resolve('vitest/package.json')), 'vitest.mjs')
const reports = mkdtempSync(join(tmpdir(), 'seedbed-demo-'))
process.on('exit', () => rmSync(reports, { recursive: true, force: true }))
runTests('First run of the library’s tests: whatever is missing is made')
runTests('Second run: everything is reused')

function runTests(title) {
  const report = join(reports, 'report.json')
  run(title, [vitest, 'run'], example, { SEEDBED_REPORT: report })
  const [{ files }] = JSON.parse(readFileSync(report, 'utf8')).runs
  console.log('\nEntering and leaving  In the database')
  for (const { name, microseconds, databaseMicroseconds } of files.flatMap(({ tests }) => tests)) {
    console.log(`${milliseconds(microseconds).padStart(20)}${milliseconds(databaseMicroseconds).padStart(17)}  ${name}`)
  }
}

function milliseconds(microseconds) {
  return `${(microseconds / 1_000).toFixed(2)} ms`
}

function run(title, args, cwd, variables = {}) {
  console.log(`\n\u001B[1m${title}\u001B[0m\n`)
  const { status } = spawnSync(process.execPath, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...colour, ...variables },
  })
  if (status !== 0) process.exit(status ?? 1)
}
