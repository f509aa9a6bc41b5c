import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { makeProject } from './support/project.js'

const wayOutModule = fileURLToPath(new URL('../../../test/postgres-for-tests/dist/way-out.js', import.meta.url))

const passing = `
  import { test } from '@seedbed/vitest'
  test('ran', async ({ db }) => { await db.query('select 1'); console.log('a test ran') })`

test('a migration that breaks fails the run with file, line and column', async () => {
  await using project = await makeProject({
    'a.test.ts': passing,
    'migrations/2_broken.sql': '\nalter table usres add x int;',
  })
  const { output, exitCode } = await project.vitest()
  expect(exitCode).toBe(1)
  expect(output).not.toContain('a test ran')
  expect(output).toMatch(/migrations\/2_broken\.sql:2:\d+/)
})

test('projects that do not get the plugin stop the run with the line to change', async () => {
  await using project = await makeProject({
    'a.test.ts': passing,
    'vitest.config.ts': `
      import { defineConfig } from 'vitest/config'
      import seedbed from '@seedbed/vitest/plugin'
      export default defineConfig({
        plugins: [seedbed()],
        test: { projects: [{ extends: true, test: { name: 'with' } }, { extends: false, test: { name: 'without' } }] },
      })`,
  })
  const { output, exitCode } = await project.vitest()
  expect(exitCode).toBe(1)
  expect(output).toMatch(/The project "without" does not have Seedbed/)
  expect(output).toMatch(/Add extends: true, or plugins: \[seedbed\(\)\], to that project/)
  expect(output).not.toContain('a test ran')
})

test('several projects that have it run side by side', async () => {
  await using project = await makeProject({
    'a.test.ts': passing,
    'vitest.config.ts': `
      import { defineConfig } from 'vitest/config'
      import seedbed from '@seedbed/vitest/plugin'
      export default defineConfig({
        plugins: [seedbed()],
        test: { projects: [{ extends: true, test: { name: 'one' } }, { extends: true, test: { name: 'two' } }] },
      })`,
  })
  const { output, exitCode } = await project.vitest()
  expect(output).toMatch(/Tests {2}2 passed/)
  expect(exitCode).toBe(0)
})

test('a test.runner of the user’s is refused with the reason', async () => {
  await using project = await makeProject({
    'a.test.ts': passing,
    'my-runner.ts': 'export { TestRunner as default } from "vitest"',
    'vitest.config.ts': `
      import { defineConfig } from 'vitest/config'
      import seedbed from '@seedbed/vitest/plugin'
      export default defineConfig({ plugins: [seedbed()], test: { runner: './my-runner.ts' } })`,
  })
  const { output, exitCode } = await project.vitest()
  expect(exitCode).toBe(1)
  expect(output).toMatch(/RUNNER_TAKEN/)
  expect(output).not.toContain('a test ran')
})

test('the user’s setup files see the worker’s URL, and the main process only one that refuses and explains', async () => {
  await using project = await makeProject({
    'a.test.ts': passing,
    'setup.ts': "console.log('setup sees', new URL(process.env.DATABASE_URL).pathname)",
    'global-setup.ts': `
      import pg from 'pg'
      export default async () => {
        for (const client of [new pg.Client(process.env.DATABASE_URL), new pg.Client()]) {
          await client.connect().catch(error => console.log('main:', error.message))
        }
      }`,
    'vitest.config.ts': `
      import { defineConfig } from 'vitest/config'
      import seedbed from '@seedbed/vitest/plugin'
      export default defineConfig({
        plugins: [seedbed()],
        test: { setupFiles: './setup.ts', globalSetup: './global-setup.ts' },
      })`,
  })
  const env = {
    DATABASE_URL: 'postgresql://me@db.example.com/production',
    PGHOST: 'db.example.com',
    PGHOSTADDR: '192.0.2.1',
  }
  const { output, exitCode } = await project.vitest({ env })
  expect(exitCode).toBe(0)
  expect(output).not.toContain('setup sees /production')
  expect(output).toMatch(/setup sees \/\w+/)
  expect(output.match(/main: connect ENOENT \/seedbed: DATABASE_URL is set inside test files only/g)).toHaveLength(2)
})

test('a run in which nothing ever connected says so', async () => {
  await using project = await makeProject({
    'a.test.ts': `
      import { createRequire } from 'node:module'
      import { test } from '@seedbed/vitest'
      import { expect } from 'vitest'
      test('needs no database, and so not even its driver', () => {
        const loaded = Object.keys(createRequire(import.meta.url).cache)
        expect(loaded.filter(path => path.includes('/node_modules/pg/'))).toEqual([])
      })`,
  })
  const { output, exitCode } = await project.vitest()
  expect(output).toMatch(/Tests {2}1 passed/)
  expect(exitCode).toBe(0)
  expect(output).toMatch(/No test ever connected to the database/)
})

test('a statement that finds a way to commit costs the database, and the next run starts on a fresh clone', async () => {
  await using project = await makeProject({
    'a.test.ts': `
      import { test } from '@seedbed/vitest'
      import { openWayOut, wayOut } from ${JSON.stringify(wayOutModule)}
      test('commits', async ({ db }) => {
        openWayOut()
        await db.query("insert into users (name) values ('Eve')")
        await db.query(wayOut)
      })
      test('is not run on it', async ({ db }) => { await db.query('select 1'); console.log('a test ran') })`,
  })
  const first = await project.vitest({ args: ['run', '--maxWorkers=1'] })
  expect(first.exitCode).toBe(1)
  expect(first.output).toMatch(/a statement ended the shared transaction: select 'a way out'/)
  expect(first.output).toMatch(/TRANSACTION_ENDED/)
  expect(first.output).not.toContain('a test ran')
  expect(first.output).toMatch(/was dropped: a statement has found a way to commit in it/)
  await project.write({ 'a.test.ts': passing })
  const second = await project.vitest({ args: ['run', '--maxWorkers=1'] })
  expect(second.output).toMatch(/template reused · 1 database cloned/)
})

test('a session that goes round the sandbox is noticed: the database is dropped and the run says why', async () => {
  await using project = await makeProject({
    'a.test.ts': `
      import { inject, test } from 'vitest'
      import pg from 'pg'
      test('connects by itself', async () => {
        const client = new pg.Client(inject('seedbed').workers[0].url)
        await client.connect()
        await client.query("insert into users (name) values ('Eve')")
        await client.end()
      })`,
  })
  const { output } = await project.vitest({ args: ['run', '--maxWorkers=1'] })
  expect(output).toMatch(/was dropped: there were 1 sessions in it instead of 0; what does not connect by DATABASE_URL/)
})

test('vite build and vite dev are left alone', async () => {
  await using project = await makeProject({
    'vitest.config.ts': 'export default {}',
    'index.html': '<script type="module" src="./main.ts"></script>',
    'main.ts': 'console.log(1)',
    'build.mjs': `
      import { build, createServer } from 'vite'
      import seedbed from '@seedbed/vitest/plugin'
      const before = JSON.stringify(process.env)
      await build({ plugins: [seedbed()], logLevel: 'silent', configFile: false })
      const server = await createServer({ plugins: [seedbed()], configFile: false, server: { middlewareMode: true } })
      await server.close()
      // Vite itself sets NODE_ENV.
      delete process.env.NODE_ENV
      console.log(JSON.stringify(process.env) === before ? 'untouched' : 'changed')`,
    'run.test.ts': `
      import { execFileSync } from 'node:child_process'
      import { test } from 'vitest'
      test('build', () => {
        const { VITEST, NODE_ENV, ...env } = process.env
        console.log(execFileSync(process.execPath, ['build.mjs'], { encoding: 'utf8', env }))
      })`,
  })
  const { output } = await project.vitest()
  expect(output).toContain('untouched')
  expect(await readFile(join(project.folder, 'dist/index.html'), 'utf8')).toContain('script')
})
