import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Preserved, Reset } from '@seedbed/core'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeProject, withFiles, type Outcome, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'

// Rows that are preserved, and a reset that keeps them; the seeds come from the template of the embedded server.
let server: PostgresForTests
let project: Project
beforeAll(async () => {
  server = await startPostgres({ version: 17 })
  await run("create role stager login createdb password 's3cret'")
})
afterAll(() => server?.stop())
beforeEach(async () => {
  const config = {
    project: 'shop',
    environments: {
      staging: { url: server.urlFor({ user: 'stager', password: 's3cret', database: 'shop_staging' }) },
      production: { url: server.urlFor({ user: 'stager', password: 's3cret', database: 'shop' }) },
    },
  }
  project = await makeProject(
    {},
    withFiles({
      'seedbed.config.json': JSON.stringify(config),
      'migrations/1_users.sql': `create table users (id int generated always as identity primary key, name text unique);
        create table roles (name text primary key); insert into roles values ('admin');
        create table prices (tenant_id int, code text, user_id int references users, primary key (tenant_id, code));
        create table events (what text)`,
      'seeds/users.json': '{ "users": { "ada": { "name": "Ada" }, "grace": { "name": "Grace" } } }',
    }),
  )
  expect((await project.seedbed(['prepare', 'staging'])).code).toBe(0)
})
afterEach(async () => {
  await project[Symbol.asyncDispose]()
  await run('drop database if exists shop_staging with (force)')
})

const run = sqlOn(() => server)
const staging = <Row>(sql: string) => run<Row>(sql, 'shop_staging')
const names = async () =>
  (await staging<{ name: string }>('select name from users order by id')).map(({ name }) => name)

/** Its answer is one of the two, by the command. */
async function seedbed(...args: string[]): Promise<Outcome & { answer: Preserved & Reset }> {
  const outcome = await project.seedbed([...args, '--env', 'staging', '--json'])
  expect(outcome.stdout + outcome.stderr).not.toContain('s3cret')
  return { ...outcome, answer: (outcome.stdout ? JSON.parse(outcome.stdout) : undefined) as Preserved & Reset }
}

test('a reset keeps what is marked, with what it refers to; the seeds and the rows of migrations come back', async () => {
  await staging(`insert into users (name) values ('Eve'), ('Mallory'); insert into prices values (1, 'x', 3), (1, 'y', 4);
    delete from roles; update users set name = 'A.' where id = 1`)
  const marked = await seedbed('preserve', 'prices', '--key', 'tenant_id=1,code=x', '--reason', 'demo')
  expect(marked.answer, marked.stderr).toMatchObject({
    changed: [{ table: 'public.prices', key: { tenant_id: '1', code: 'x' } }],
    marks: [{ reason: 'demo', markedBy: expect.stringContaining('@') as string }],
    kept: [
      { table: 'public.prices' },
      { table: 'public.users', key: { id: '3' }, because: { references: 'public.prices' } },
    ],
  })

  const refused = await seedbed('reset')
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('RESET_UNCONFIRMED') as string })
  const dry = await seedbed('reset', '--dry-run')
  expect(dry.answer, dry.stderr).toMatchObject({ dryRun: true })
  expect(await names()).toEqual(['A.', 'Grace', 'Eve', 'Mallory'])

  const done = await seedbed('reset', '--yes')
  expect(done.answer, done.stderr).toEqual({ ...dry.answer, dryRun: false })
  expect(done.answer.tables).toContainEqual({ table: 'public.users', before: 4, kept: 1, seeded: 2 })
  expect(await names()).toEqual(['Ada', 'Grace', 'Eve'])
  expect(await staging('select code from prices')).toEqual([{ code: 'x' }])
  expect(await staging('select name from roles')).toEqual([{ name: 'admin' }])
  const audit = await readFile(join(project.folder, '.seedbed/audit.jsonl'), 'utf8')
  expect(audit).toMatch(/"operation":"reset","decision":"done".*"rows":/)

  // A prepare leaves them alone, and the table of marks is no part of the schema.
  expect((await project.seedbed(['prepare', 'staging'])).stderr).toContain('it was there, with all of it')
})

test('marks: by value, label and condition; taken away; one whose row is gone is told', async () => {
  const label = await seedbed('preserve', '--label', 'users.grace')
  expect(label.answer, label.stderr).toMatchObject({ changed: [{ table: 'public.users', key: { id: '2' } }] })
  await seedbed('preserve', 'public.users', '01')
  await staging("insert into roles values ('a'), ('b')")
  const where = await seedbed('preserve', 'roles', '--where', "name < 'b'")
  expect(where.answer.changed.map(({ key }) => key)).toEqual([{ name: 'admin' }, { name: 'a' }])
  const off = await seedbed('preserve', 'users', '1', '--off')
  expect(off.answer.marks.map(({ key }) => key)).toEqual([{ id: '2' }, { name: 'admin' }, { name: 'a' }])
  await staging("delete from roles where name = 'a'; update users set name = 'G.' where id = 2")
  const list = await seedbed('preserve', '--list')
  expect(list.answer.missing.map(({ key }) => key)).toEqual([{ name: 'a' }])
  const shown = await project.seedbed(['preserve', '--list', '--env', 'staging'])
  expect(shown.stdout).toMatch(/^public\.users \(id=2\) · by .*\n[^]*not there any more: public\.roles \(name=a\)$/m)

  const done = await seedbed('reset', '--yes')
  expect(done.answer.missing.map(({ key }) => key)).toEqual([{ name: 'a' }])
  expect(done.answer.conflicts).toContainEqual({ table: 'public.users', same: { id: '2' } })
  expect(await names()).toEqual(['Ada', 'G.'])
  expect((await seedbed('reset', '--yes', '--conflicts', 'seed')).code).toBe(0)
  expect(await names()).toEqual(['Ada', 'Grace'])
})

test('what is meant wrongly is refused, and nothing is changed', async () => {
  const wrong: [string[], string][] = [
    [['preserve', 'usres', '1'], 'PRESERVE_NO_TABLE'],
    [['preserve', 'events', '1'], 'PRESERVE_NO_KEY'],
    [['preserve', 'prices', '1'], 'PRESERVE_WRONG_KEY'],
    [['preserve', 'prices', '--key', 'tenant_id=1'], 'PRESERVE_WRONG_KEY'],
    [['preserve', 'users', '99'], 'PRESERVE_NO_ROW'],
    [['preserve', '--label', 'users.nobody'], 'PRESERVE_UNKNOWN_LABEL'],
    [['preserve', 'users', '--where', 'true); drop table users; --'], 'cannot insert multiple commands'],
    [['reset', '--yes', '--tables', 'usres'], 'RESET_NO_SUCH_TABLE'],
    [['reset', '--yes', '--schema', 'nowhere'], 'RESET_NO_SUCH_TABLE'],
  ]
  for (const [args, code] of wrong) {
    const refused = await seedbed(...args)
    expect(refused, args.join(' ')).toMatchObject({ code: 1, stderr: expect.stringContaining(code) as string })
  }
  expect(await names()).toEqual(['Ada', 'Grace'])
})

test('a schema that is not that of the migrations is refused', async () => {
  await staging('alter table users add by_hand text')
  expect((await seedbed('reset', '--yes')).stderr).toContain(
    'public.users has other columns than its migrations give it',
  )
  await staging('alter table users drop by_hand')
  await writeFile(join(project.folder, 'migrations/2_more.sql'), 'alter table users add town text')
  expect((await seedbed('reset', '--yes')).stderr).toContain('it has not had 2_more.sql')
})

test('only some tables; production never', async () => {
  await staging("insert into users (name) values ('Eve'); delete from roles")
  await seedbed('reset', '--yes', '--tables', 'roles')
  expect(await names()).toEqual(['Ada', 'Grace', 'Eve'])
  expect(await staging('select name from roles')).toEqual([{ name: 'admin' }])
  await seedbed('reset', '--yes', '--except', 'roles,prices,events')
  expect(await names()).toEqual(['Ada', 'Grace'])
  const production = await project.seedbed(['reset', 'production', '--yes'])
  expect(production).toMatchObject({ code: 1 })
  expect(production.stderr).toMatch(/GUARD_PROTECTED|PRODUCTION_WITHOUT_CONSENT/)
  for (const args of [['reset', '--bare', '--dry-run'], ['preserve'], ['preserve', 'users', '1', '--list']]) {
    expect((await project.seedbed(args)).code, args.join(' ')).toBe(2)
  }
})
