import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'

const underEachIsolation = `
  for (const kind of ['transaction', 'restore', 'database']) {
    isolation(kind, test)(kind, async () => {
      const { rows } = await db.query('select id, name from users order by id')
      expect(rows).toEqual([{ id: 1, name: 'Ada' }, { id: Number(process.env.GRACE), name: 'Grace' }])
      expect([seeds.users.ada.id, seeds.users.grace.id]).toEqual(rows.map(row => row.id))
      await db.query("update users set name = name || ' of the test before'")
    })
  }`
const inBothRunners = {
  'vitest.config.js': `
    import seedbed from '@seedbed/vitest/plugin'
    export default { plugins: [seedbed()], test: { globals: true, maxWorkers: 1 } }`,
  'a.test.js': `import { db, isolation, seeds } from '@seedbed/vitest'\n${underEachIsolation}`,
  'jest.config.cjs': "module.exports = { preset: '@seedbed/jest', testMatch: ['**/a.spec.cjs'] }",
  'a.spec.cjs': `const { db, isolation, seeds } = require('@seedbed/jest')\n${underEachIsolation}`,
}

// What is preserved in the test database, tests see: every command in a sandbox does as a test does.
let server: PostgresForTests
let project: Project
let url: string
beforeAll(async () => {
  server = await startPostgres({ version: 16 })
  await run("create role tester login createdb password 's3cret'")
  url = server.urlFor({ user: 'tester', password: 's3cret', database: 'shop_test' })
  project = await makeProject(
    { TEST_DATABASE_URL: url },
    withFiles({
      ...inBothRunners,
      'seedbed.config.json': '{ "project": "shop" }',
      'migrations/1_users.sql': `create table users (id int generated always as identity primary key, name text unique, boss int references users);
        create table prices (tenant_id int, code text, user_id int references users, primary key (tenant_id, code))`,
      'seeds/users.json': '{ "users": { "ada": { "name": "Ada" }, "grace": { "name": "Grace" } } }',
    }),
  )
  expect((await project.seedbed(['prepare'])).code).toBe(0)
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await server?.stop()
})

const run = sqlOn(() => server)
const namesInTest = async () =>
  (await run<{ name: string }>('select name from users order by id', 'shop_test')).map(({ name }) => name)
const inTest = async (sql: string) => project.seedbed(['run', '--', 'node', 'app.mjs', sql])
const names = "select string_agg(name, ' ' order by id) from users"

test('a marked row of the test database, and what it refers to, are there in tests; a prepare keeps them', async () => {
  await run(
    "insert into users (name, boss) values ('Eve', null), ('Mallory', 3), ('Bob', null); insert into prices values (1, 'x', 4); update users set name = 'A.' where id = 1",
    'shop_test',
  )
  expect((await inTest(names)).stdout).toBe('Ada Grace\n')
  await project.seedbed(['preserve', 'prices', '--key', 'tenant_id=1,code=x'])
  await project.seedbed(['preserve', 'users', '1'])
  const seen = await inTest(names)
  expect(seen, seen.stderr).toMatchObject({ code: 0, stdout: 'A. Grace Eve Mallory\n' })
  expect(seen.stderr).toContain('tests see 4 preserved rows of the test database, 2 of them marked')
  expect(seen.stderr).toContain('preserved rows is new')
  // The next number is nobody's.
  expect((await inTest("insert into users (name) values ('next') returning id")).stdout).toBe('5\n')
  expect((await inTest(names)).stderr).not.toContain('building')

  const prepared = await project.seedbed(['prepare'])
  expect(prepared.code, prepared.stderr).toBe(0)
  expect(prepared.stderr).toContain('4 preserved rows are kept')
  expect(await namesInTest()).toEqual(['A.', 'Grace', 'Eve', 'Mallory'])
  expect((await project.seedbed(['prepare'])).stderr).toContain('it was there, with all of it')
  await project.seedbed(['preserve', 'users', '1', '--off'])
  await project.seedbed(['preserve', 'prices', '--where', 'true', '--off'])
  expect((await inTest(names)).stdout).toBe('Ada Grace\n')
})

/** Another Grace than that of the seeds, in the test database. */
async function preserveGrace(): Promise<number> {
  await run("truncate users cascade; insert into users (name) values ('Grace')", 'shop_test')
  await project.seedbed(['preserve', 'users', '--where', "name = 'Grace'"])
  const [grace] = await run<{ id: number }>('select id from users', 'shop_test')
  expect(grace!.id).toBeGreaterThan(2)
  return grace!.id
}

test('a row of the seeds with the same unique value gives way', async () => {
  const id = await preserveGrace()
  const seen = await inTest("select string_agg(id || name, ' ' order by id) from users")
  expect(seen.stdout, seen.stderr).toBe(`1Ada ${id}Grace\n`)
})

test.each([
  ['Vitest', ['vitest/vitest.mjs', 'run', 'a.test.js']],
  ['Jest', ['jest/bin/jest.js', '--runInBand']],
])('tests of %s see it under every isolation, and a label is the row that is there', async (_, [program, ...args]) => {
  const id = await preserveGrace()
  const { PATH, HOME, SEEDBED_HOME } = process.env
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [`node_modules/${program}`, ...args], {
    cwd: project.folder,
    env: { PATH, HOME, SEEDBED_HOME, NO_COLOR: '1', TEST_DATABASE_URL: url, GRACE: String(id) },
  }).catch(failed => failed as { stdout: string; stderr: string })
  expect(stdout + stderr).toMatch(/Tests: +3 passed, 3 total|Tests +3 passed \(3\)/)
})
