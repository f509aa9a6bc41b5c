import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'

// What is preserved in the test database, tests see: every command in a sandbox does as a test does.
let server: PostgresForTests
let project: Project
beforeAll(async () => {
  server = await startPostgres({ version: 16 })
  await run("create role tester login createdb password 's3cret'")
  project = await makeProject(
    { TEST_DATABASE_URL: server.urlFor({ user: 'tester', password: 's3cret', database: 'shop_test' }) },
    withFiles({
      'seedbed.config.json': '{ "project": "shop" }',
      'migrations/1_users.sql': `create table users (id int generated always as identity primary key, name text unique, boss int references users);
        create table prices (tenant_id int, code text, user_id int references users, primary key (tenant_id, code))`,
      'seeds/users.json': '{ "users": [{ "name": "Ada" }, { "name": "Grace" }] }',
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

test('a row of the seeds with the same unique value gives way', async () => {
  await run("truncate users cascade; insert into users (name) overriding system value values ('Grace')", 'shop_test')
  await project.seedbed(['preserve', 'users', '--where', "name = 'Grace'"])
  const seen = await inTest("select string_agg(id || name, ' ' order by id) from users")
  expect(seen.stdout, seen.stderr).toMatch(/^1Ada \d+Grace\n$/)
})
