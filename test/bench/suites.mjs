import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeSmallProject } from './small/small-project.mjs'

const withPlugin = `
import { defineConfig } from 'vitest/config'
import seedbed from '@seedbed/vitest/plugin'
export default defineConfig({ plugins: [seedbed()] })
`
const resolved = { imports: '', body: 'const { rows } = await Promise.resolve({ rows: [{ one: 1 }] })' }
/** One suite in four forms: no database, hand-written hooks, Seedbed, and Seedbed where no test asks for the database. */
const forms = {
  none: { config: 'export default {}\n', ...resolved },
  hooks: {
    config: "export default { test: { setupFiles: ['./setup.ts'] } }\n",
    imports: "import { client } from '../setup'\n",
    body: "const { rows } = await client.query('select 1 as one')",
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
    config: withPlugin,
    imports: "import { db } from '@seedbed/vitest'\n",
    body: "const { rows } = await db.query('select 1 as one')",
  },
  idle: { config: withPlugin, ...resolved },
}

/**
 * Writes a suite into a folder of its own below the project in which everything is installed.
 *
 * @returns {Promise<string>} the folder
 */
export async function writeSuite(projectFolder, variant, { files, testsPerFile }) {
  const folder = join(projectFolder, 'suites', `${variant}-${files}`)
  const { config, imports, body, setup } = forms[variant]
  await writeSmallProject(folder)
  const write = async (name, text) => {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  await write('vitest.config.ts', config)
  if (setup) await write('setup.ts', setup)
  for (let file = 1; file <= files; file++) {
    const tests = Array.from(
      { length: testsPerFile },
      (_, index) => `test('test ${index + 1}', async () => {\n  ${body}\n  expect(rows).toEqual([{ one: 1 }])\n})\n`,
    )
    await write(`test/file-${file}.test.ts`, `import { expect, test } from 'vitest'\n${imports}\n${tests.join('\n')}`)
  }
  return folder
}

/**
 * Runs a suite with Vitest, or one of its files.
 *
 * @returns {Promise<number>} milliseconds from Vitest's start to its end
 * @throws unless that many tests pass
 */
export async function runSuite(project, folder, { env = {}, file, tests, workers }) {
  const begin = performance.now()
  const limits = [...(workers ? [`--maxWorkers=${workers}`] : []), ...(file ? [`test/file-${file}.test.ts`] : [])]
  const child = spawn(process.execPath, [project.vitest, 'run', ...limits], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TMPDIR: process.env.TMPDIR,
      SEEDBED_HOME: process.env.SEEDBED_HOME,
      NO_COLOR: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const [code] = await once(child, 'close')
  const wall = performance.now() - begin
  if (code !== 0 || !output.includes(`${tests} passed`)) throw new Error(`${folder}: exit code ${code}\n${output}`)
  return wall
}
