import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeSmallProject } from './small/small-project.mjs'

const resolved = { imports: '', body: 'const { rows } = await Promise.resolve({ rows: [{ one: 1 }] })' }
const select = client => `const { rows } = await ${client}.query('select 1 as one')`
/** One suite in four forms: no database, hand-written hooks, Seedbed, and Seedbed where no test asks for the database. */
const formsInVitest = {
  none: { config: 'export default {}\n', ...resolved },
  hooks: {
    config: "export default { test: { setupFiles: ['./setup.ts'] } }\n",
    imports: "import { client } from '../setup'\n",
    body: select('client'),
    setup: `
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
export const client = new pg.Client({ connectionString: process.env.BENCH_URL })
beforeAll(async () => { await client.connect() })
beforeEach(async () => { await client.query('BEGIN') })
afterEach(async () => { await client.query('ROLLBACK') })
afterAll(async () => { await client.end() })
`,
  },
  seedbed: {
    config: `
import { defineConfig } from 'vitest/config'
import seedbed from '@seedbed/vitest/plugin'
export default defineConfig({ plugins: [seedbed()] })
`,
    imports: "import { db } from '@seedbed/vitest'\n",
    body: select('db'),
  },
}
formsInVitest.idle = { config: formsInVitest.seedbed.config, ...resolved }

/** Plain CommonJS, so that nothing is transformed. */
const formsInJest = {
  none: { config: 'module.exports = {}\n', ...resolved },
  hooks: {
    config: "module.exports = { setupFilesAfterEnv: ['./setup.cjs'] }\n",
    imports: '',
    body: select('client'),
    setup: `
const pg = require('pg')
globalThis.client = new pg.Client({ connectionString: process.env.BENCH_URL })
beforeAll(async () => { await client.connect() })
beforeEach(async () => { await client.query('BEGIN') })
afterEach(async () => { await client.query('ROLLBACK') })
afterAll(async () => { await client.end() })
`,
  },
  seedbed: {
    config: "module.exports = { preset: '@seedbed/jest' }\n",
    imports: "const { db } = require('@seedbed/jest')\n",
    body: select('db'),
  },
}

const runners = {
  vitest: {
    forms: formsInVitest,
    config: 'vitest.config.ts',
    setup: 'setup.ts',
    test: file => `test/file-${file}.test.ts`,
    imports: "import { expect, test } from 'vitest'\n",
    command: project => [project.vitest, 'run'],
  },
  jest: {
    forms: formsInJest,
    config: 'jest.config.cjs',
    setup: 'setup.cjs',
    test: file => `test/file-${file}.test.cjs`,
    imports: '',
    command: project => [project.jest],
  },
}

/**
 * Writes a suite into a folder of its own below the project in which everything is installed.
 *
 * @returns {Promise<string>} the folder
 */
export async function writeSuite(projectFolder, variant, { files, testsPerFile, runner = 'vitest' }) {
  const { forms, ...names } = runners[runner]
  const folder = join(projectFolder, 'suites', `${runner}-${variant}-${files}`)
  const { config, imports, body, setup } = forms[variant]
  await writeSmallProject(folder)
  const write = async (name, text) => {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  await write(names.config, config)
  if (setup) await write(names.setup, setup)
  for (let file = 1; file <= files; file++) {
    const tests = Array.from(
      { length: testsPerFile },
      (_, index) => `test('test ${index + 1}', async () => {\n  ${body}\n  expect(rows).toEqual([{ one: 1 }])\n})\n`,
    )
    await write(names.test(file), `${names.imports}${imports}\n${tests.join('\n')}`)
  }
  return folder
}

/**
 * Runs a suite, or one of its files.
 *
 * @returns {Promise<number>} milliseconds from the runner's start to its end
 * @throws unless that many tests pass
 */
export async function runSuite(project, folder, { runner = 'vitest', env = {}, file, tests, workers }) {
  const begin = performance.now()
  const { command, test } = runners[runner]
  const limits = [...(workers ? [`--maxWorkers=${workers}`] : []), ...(file ? [test(file)] : [])]
  const child = spawn(process.execPath, [...command(project), ...limits], {
    cwd: folder,
    env: { ...suiteEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const [code] = await once(child, 'close')
  const wall = performance.now() - begin
  if (code !== 0 || !output.includes(`${tests} passed`)) throw new Error(`${folder}: exit code ${code}\n${output}`)
  return wall
}

/** Nothing of ours but what a suite needs. */
export function suiteEnvironment() {
  const { PATH, HOME, TMPDIR, SEEDBED_HOME } = process.env
  return { PATH, HOME, TMPDIR, SEEDBED_HOME, NO_COLOR: '1' }
}
