/**
 * `npm run demo`: the suite of examples/library, twice, on the embedded server. The first time a cluster, a template and
 * the worker databases are made (unless an earlier demo has left them); the second time all are reused.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root } from './workspaces.mjs'

const example = join(root, 'examples', 'library')
const colour = process.env.NO_COLOR ? {} : { FORCE_COLOR: '1' }

run('Building the packages', [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], root)
const vitest = join(dirname(createRequire(join(example, 'package.json')).resolve('vitest/package.json')), 'vitest.mjs')
run('First run of the library’s tests: whatever is missing is made', [vitest, 'run'], example)
run('Second run: everything is reused', [vitest, 'run'], example)

function run(title, args, cwd) {
  console.log(`\n\u001B[1m${title}\u001B[0m\n`)
  const { status } = spawnSync(process.execPath, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...colour, SEEDBED_REPORT: '1' },
  })
  if (status !== 0) process.exit(status ?? 1)
}
