import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Diagnosis } from '@seedbed/core'
import { makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'

// One deployment, from the migration that is new to production, as it goes and as it must not go.
let server: PostgresForTests
let project: Project
const env = { IS_PRODUCTION: 'true' }
beforeAll(async () => {
  const safe = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' }
  server = await startPostgres({ version: 18, settings: { ...safe, log_connections: 'on', log_statement: 'all' } })
  for (const role of ['tester', 'stager', 'live']) await run(`create role ${role} login createdb password 's3cret'`)
  const url = (user: string, database: string) => server.urlFor({ user, password: 's3cret', database })
  const config = {
    project: 'shop',
    environments: {
      test: { url: url('tester', 'shop_test') },
      staging: { url: url('stager', 'shop_staging') },
      production: { url: url('live', 'shop'), aliases: ['prod'] },
    },
    consent: { variable: 'IS_PRODUCTION' },
  }
  project = await makeProject({}, withFiles({ 'seedbed.config.json': JSON.stringify(config) }))
  for (const name of ['staging', 'production']) await prepared(name)
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await server?.stop()
})

const run = sqlOn(() => server)
async function prepared(name: string) {
  const outcome = await project.seedbed(['prepare', name], { env })
  // The tests' server holds production: a run is refused, and the database itself is ready before.
  if (name !== 'test') expect(outcome.code, outcome.stderr).toBe(0)
}
async function preflight(...args: string[]) {
  const outcome = await project.seedbed(['preflight', '--json', ...args])
  const findings = outcome.stdout ? (JSON.parse(outcome.stdout) as Diagnosis).findings : []
  const of = (check: string, level: string) =>
    findings.filter(each => each.check === check && each.level === level).map(({ found }) => found)
  expect(outcome.stdout + outcome.stderr).not.toContain('s3cret')
  return { ...outcome, findings, of }
}

test('what test has not had is refused, and what nobody can look at', async () => {
  await writeFile(join(project.folder, 'migrations/2_more.sql'), 'alter table users add town text')
  const first = await preflight()
  expect(first.code).toBe(1)
  expect(first.of('reachable', 'problem')).toEqual([expect.stringMatching(/There is no database "shop_test"/)])
  expect(first.of('migrations', 'problem')).toEqual(['staging has not had 2_more.sql'])
  expect(first.of('migrations', 'ok')).toEqual(['production is going to get 2_more.sql'])
})

test('when test and staging have had it, it may go ahead; nothing was changed by looking', async () => {
  await prepared('test')
  await prepared('staging')
  const before = await server.log()
  const ready = await preflight('--env', 'prod')
  expect(ready.code, ready.stdout).toBe(0)
  expect(ready.of('migrations', 'ok')).toEqual([
    ...['production is going to get 2_more.sql', 'test has had 2_more.sql', 'staging has had 2_more.sql'],
  ])
  expect(ready.of('drift', 'ok')).toHaveLength(4)
  const log = (await server.log()).slice(before.length)
  expect(log).toMatch(/connection authorized: user=live database=shop/)
  expect(log).not.toMatch(/statement: (?!begin read only|rollback|select|\s|with)/i)

  const shown = await project.seedbed(['preflight'], { env: { NO_COLOR: '1' } })
  expect(shown.stdout).toMatch(/^ {2}✓ \[PROD\] production is going to get 2_more\.sql$/m)
})

test('what was changed by hand is found: against what was noted, and against each other', async () => {
  await prepared('production')
  await run('alter table users add by_hand text', 'shop')
  const drifted = await preflight()
  expect(drifted.code).toBe(1)
  expect(drifted.of('drift', 'problem')).toEqual([
    'the schema of production was changed since it was prepared: table public.users is different',
    'staging and production have had the same migrations, and differ: on production table public.users is different',
    'test and production have had the same migrations, and differ: on production table public.users is different',
  ])
  await run('alter table users drop by_hand', 'shop')
  expect((await preflight()).code).toBe(0)
})

test('a migration that the project does not have, one that was edited, and settings that lose rows', async () => {
  await run("insert into seedbed.migrations values ('9_hotfix.sql', 'x', now(), now())", 'shop')
  await run("update seedbed.migrations set hash = 'other' where name = '1_users.sql'", 'shop')
  await run('alter system set full_page_writes = off')
  await run('alter database shop set synchronous_commit = off')
  await run('alter role live superuser')
  await run('select pg_reload_conf()')
  const found = await preflight()
  expect(found.of('migrations', 'problem')).toEqual([
    'production has had 9_hotfix.sql, which the project does not have',
  ])
  expect(found.of('migrations', 'warning')).toEqual(['1_users.sql of production had another content when it ran'])
  expect(found.of('settings', 'problem')).toEqual([expect.stringMatching(/^full_page_writes is off/)])
  expect(found.of('settings', 'warning')).toEqual([
    'the role of production is a superuser',
    expect.stringMatching(/^synchronous_commit is off/),
  ])
  for (const { level, why, wayOut } of found.findings) {
    if (level === 'problem' || level === 'warning') expect([why !== null, wayOut.length > 0]).toEqual([true, true])
  }
})

test('without production there is nothing to ask; under a test runner production is not connected to', async () => {
  await using other = await makeProject({})
  expect(await other.seedbed(['preflight'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('PREFLIGHT_WITHOUT_TARGET') as string,
  })
  const before = (await server.log()).split('user=live database=shop').length
  const under = await project.seedbed(['preflight'], { env: { VITEST: 'true' } })
  expect(under.code).toBe(1)
  expect(under.stdout).toContain('nothing connects to production')
  expect((await server.log()).split('user=live database=shop').length).toBe(before)
})
