import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { openTemplates } from 'pg-template-db'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { SeedbedConfig } from '../../src/config/config.js'
import { idleInTransaction } from '../../src/doctor/check-sessions.js'
import { oneByOne } from '../../src/doctor/shared.js'
import { makeProject, runOn } from './support.js'

/** That of the tests, and one of another version with production and staging. */
let tests: PostgresForTests
let live: PostgresForTests
let config: SeedbedConfig & { environments: Record<string, { url: string }> }

beforeAll(async () => {
  ;[tests, live] = await Promise.all([
    startPostgres({ version: 18, settings: { max_prepared_transactions: '2', log_connections: 'on' } }),
    startPostgres({
      version: 15,
      settings: { fsync: 'on', full_page_writes: 'on', autovacuum: 'off', log_connections: 'on' },
    }),
  ])
  await runOn(
    tests.url,
    `create role tests login createdb password 't3sts-secret'`,
    'create database shop_test owner tests',
  )
  await runOn(
    live.url,
    `create role live login password 'l1ve-secret'`,
    'create role tests login',
    'create database shop_production owner live',
    'create database shop_staging',
  )
  await runOn(
    live.urlFor({ database: 'shop_production' }),
    'create table canary (id int)',
    'insert into canary select generate_series(1, 100)',
  )
  config = {
    project: 'shop',
    environments: {
      test: { url: tests.urlFor({ user: 'tests', password: 't3sts-secret', database: 'shop_test' }) },
      staging: { url: live.urlFor({ database: 'shop_staging' }) },
      production: { url: live.urlFor({ user: 'live', password: 'l1ve-secret', database: 'shop_production' }) },
    },
  }
})
afterAll(async () => {
  await Promise.all([tests?.stop(), live?.stop()])
})
beforeEach(async () => {
  await runOn(live.url, 'revoke connect on database shop_production from public')
})

const inProduction = <Row>(...statements: string[]) =>
  runOn<Row>(live.urlFor({ database: 'shop_production' }), ...statements)

/** All that a doctor could have left on the tests' server. */
async function catalog() {
  const databases = await runOn(
    tests.url,
    'select datname, datdba, datacl, datconnlimit, datistemplate, oid from pg_database order by oid',
  )
  const roles = await runOn(tests.url, 'select rolname, rolconfig from pg_roles order by oid')
  const inside = await Promise.all(
    ['shop_test', 'template1'].map(database =>
      runOn(
        tests.urlFor({ database }),
        `select 'relation', oid, relname from pg_class union all select 'schema', oid, nspname from pg_namespace
          union all select 'function', oid, proname from pg_proc union all select 'type', oid, typname from pg_type
          union all select 'extension', oid, extname from pg_extension order by 1, 2`,
      ),
    ),
  )
  return { databases, roles, inside }
}

test('all in order: every right is tried, production refuses, and nothing remains', async () => {
  const { diagnose } = makeProject(config)
  const first = await diagnose()
  expect(first.at('problem')).toEqual([])
  const before = await catalog()
  const transactions = () =>
    inProduction<{ next: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as next')
  const next = await transactions()
  const { of, at, text, checked, findings } = await diagnose()
  // No transaction that writes has been begun on the whole server.
  expect(await transactions()).toEqual(next)
  expect(at('problem')).toEqual([])
  expect(of('server')).toEqual([
    expect.stringMatching(/^ok: PostgreSQL 18\.\d+ at .* answers, and has room for \d+ workers$/),
    expect.stringMatching(/^ok: max_connections is 200/),
  ])
  expect(of('rights')).toEqual([
    'ok: 17 rights tried in a database of its own, from creating it to dropping it: all are given',
    expect.stringMatching(/^ok: and the same in .*shop_test itself$/),
  ])
  expect(of('production')).toEqual([
    expect.stringMatching(/^ok: the tests’ log-in is refused at .*permission denied for database "shop_production"$/),
  ])
  expect(of('sessions')).toEqual([expect.stringMatching(/^ok: nobody is left over/)])
  expect(await catalog()).toEqual(before)
  // Each check has said something.
  expect([...new Set(findings.map(({ check }) => check))]).toEqual(checked)
  expect(text).not.toMatch(/t3sts-secret|l1ve-secret/)
  expect(await inProduction('select count(*)::int from canary')).toEqual([{ count: 100 }])
})

test('what is tried in the tests’ database itself is rolled back', async () => {
  const { diagnose } = makeProject(config)
  const inside = (...statements: string[]) => runOn(tests.urlFor({ database: 'shop_test' }), ...statements)
  await inside(
    'create table seen (tag text)',
    `create function see() returns event_trigger language plpgsql security definer as 'begin insert into seen values (tg_tag); end'`,
    'create event trigger see on ddl_command_end execute function see()',
    'create sequence tried', // not rolled back
  )
  const { of } = await diagnose({}, { only: 'rights' })
  const seen = await inside('drop event trigger see', 'drop function see()', 'drop sequence tried', 'table seen')
  await inside('drop table seen')
  expect(of('rights').at(-1)).toMatch(/^ok: and the same in/)
  expect(seen).toEqual([{ tag: 'CREATE SEQUENCE' }])
})

test('what is not in order has a reason and a way out', async () => {
  const { diagnose } = makeProject({ ...config, extensions: ['nonesuch'] })
  const { at } = await diagnose()
  const findings = [...at('problem'), ...at('warning')]
  expect(findings.length).toBeGreaterThan(1)
  for (const { why, wayOut } of findings) expect([why, ...wayOut].every(Boolean) && wayOut.length > 0).toBe(true)
})

test('killed while it tries the rights, it leaves a database that the next one drops', async () => {
  const { diagnose, folder, home } = makeProject(config)
  await diagnose()
  const before = await catalog()
  const template1 = tests.urlFor({ database: 'template1' })
  // Its first statement in a database of its own does not come to its end.
  await runOn(
    template1,
    `create function wait() returns event_trigger language plpgsql as 'begin perform pg_sleep(600); end'`,
    `create event trigger wait on ddl_command_start when tag in ('CREATE SCHEMA') execute function wait()`,
  )
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `const { doctor } = await import(process.argv[1]); await doctor({ folder: process.argv[2] })`,
      fileURLToPath(new URL('../../dist/index.js', import.meta.url)), folder],
    { env: { PATH: process.env.PATH, SEEDBED_HOME: home }, stdio: 'ignore' },
  ) // prettier-ignore
  const sleeping = `select datname from pg_stat_activity where wait_event = 'PgSleep' and datname like 'template\\_%'`
  while ((await runOn(tests.url, sleeping)).length === 0) expect(child.exitCode).toBeNull()
  child.kill('SIGKILL')
  await once(child, 'exit')
  await runOn(template1, 'drop event trigger wait', 'drop function wait()')
  const left = await runOn<{ datname: string }>(
    tests.url,
    `select datname from pg_database where datname ~ '^template_seedbed_doctor_'`,
  )
  expect(left).toHaveLength(1)
  expect((await diagnose()).of('rights')[0]).toMatch(/^ok: 17 rights/)
  expect(await catalog()).toEqual(before)
})

test('a role that may not create databases, and what then cannot be looked at', async () => {
  const { diagnose } = makeProject(config)
  await runOn(tests.url, 'alter role tests nocreatedb')
  const { of, findings } = await diagnose()
  await runOn(tests.url, 'alter role tests createdb')
  expect(of('server')).toEqual([expect.stringMatching(/^problem: .*may not create databases/)])
  expect(findings.find(({ check }) => check === 'server')!.wayOut.join('\n')).toContain('ALTER ROLE "tests" CREATEDB')
  for (const check of ['rights', 'sessions']) {
    expect(of(check)).toEqual(['skipped: the server of the tests cannot be used'])
  }
})

test('rights that template1 has taken away, an extension that is not there, and a database that lets nobody create', async () => {
  const { diagnose } = makeProject({ ...config, extensions: ['pgcrypto', 'nonesuch'] })
  const template1 = tests.urlFor({ database: 'template1' })
  await runOn(template1, 'revoke usage on language plpgsql from public')
  await runOn(tests.url, 'alter database shop_test owner to postgres')
  const { of, findings } = await diagnose({}, { only: 'rights' })
  await runOn(template1, 'grant usage on language plpgsql to public')
  await runOn(tests.url, 'alter database shop_test owner to tests')
  expect(of('rights')).toEqual([
    expect.stringMatching(
      /^problem: .*may not create the extension nonesuch in a database of its own: extension "nonesuch" is not available/,
    ),
    expect.stringMatching(
      /^problem: .*may not create a function in a database of its own: permission denied for language plpgsql/,
    ),
    expect.stringMatching(/^problem: .*may not create a trigger/),
    expect.stringMatching(/^warning: in .*shop_test itself .* may not create a schema: permission denied for database/),
  ])
  const ways = findings.filter(({ check }) => check === 'rights').map(({ wayOut }) => wayOut.join('\n'))
  expect(ways[1]).toBe('In template1: GRANT USAGE ON LANGUAGE plpgsql TO "tests";')
  expect(ways[3]).toBe('GRANT CREATE, TEMPORARY ON DATABASE "shop_test" TO "tests";')
})

test('production that lets the tests in: what they could do there, without doing it, and the statements against it', async () => {
  const { diagnose } = makeProject(config)
  await inProduction('grant connect on database shop_production to public')
  const let1 = await diagnose({}, { only: 'production' })
  expect(let1.of('production')).toEqual([
    expect.stringMatching(
      /^warning: the role of the tests is let into .*shop_production, where it can read and write nothing$/,
    ),
  ])
  await inProduction('grant select, delete on canary to tests', 'revoke create on schema public from public')
  const { of, findings } = await diagnose({}, { only: 'production' })
  expect(of('production')).toEqual([
    expect.stringMatching(/^problem: .* is let into .*shop_production, and can read 1 of its tables, can write 1$/),
  ])
  const { wayOut, environment } = findings.find(({ check }) => check === 'production')!
  expect(environment).toMatchObject({ name: 'production', badge: { label: 'PROD' } })
  await runOn(live.url, ...wayOut)
  expect((await diagnose({}, { only: 'production' })).of('production')).toEqual([
    expect.stringMatching(/^ok: the tests’ log-in is refused/),
  ])
  await inProduction('revoke all on canary from tests')
  expect(await inProduction('select count(*)::int from canary')).toEqual([{ count: 100 }])
})

test('tests that log in to production as a superuser', async () => {
  const { diagnose } = makeProject(config)
  await runOn(live.url, 'alter role tests superuser')
  const { of } = await diagnose({}, { only: 'production' })
  await runOn(live.url, 'alter role tests nosuperuser')
  expect(of('production')).toEqual([
    expect.stringMatching(/^problem: .* is let into .*, and is a superuser, can read 1/),
  ])
})

test('production on the very server of the tests is refused as a run refuses it', async () => {
  await runOn(tests.url, 'create database shop_production')
  const { diagnose } = makeProject(config)
  const { of, findings } = await diagnose()
  await runOn(tests.url, 'drop database shop_production')
  expect(of('production')).toEqual([
    expect.stringMatching(/^problem: The database shop_production of production is on the server of the tests/),
  ])
  expect(findings.find(({ check }) => check === 'production')!.wayOut.join('\n')).toContain(
    'REVOKE CONNECT ON DATABASE',
  )
  expect(of('rights')).toEqual(['skipped: the server of the tests cannot be used'])
})

test('tests whose URL leads, by whatever name, to a database that is marked as another environment’s', async () => {
  const { diagnose, folder } = makeProject({ environments: { test: config.environments.test! } })
  const { claimDatabase } = await import('@seedbed/environments/guard')
  const { resolveEnvironment } = await import('@seedbed/environments')
  const asProduction = { project: 'shop', environments: { production: config.environments.test! } }
  const options = { config: asProduction, variables: {}, folder: join(folder, 'elsewhere') }
  const environment = resolveEnvironment({ ...options, flag: 'production' })
  await claimDatabase({ environment, database: 'main' }, options, async () => true)
  const before = await catalog()
  const { of } = await diagnose()
  expect(of('production')).toEqual([expect.stringMatching(/^problem: .*is marked as production/)])
  expect(of('rights')).toEqual(['skipped: the server of the tests cannot be used'])
  expect(await catalog()).toEqual(before)
  await runOn(tests.urlFor({ database: 'shop_test' }), 'drop schema seedbed cascade')
})

test('under a test runner nothing connects to production; where it cannot be reached nothing is claimed', async () => {
  const { diagnose } = makeProject(config)
  const logIns = async () => (await live.log()).split('database=shop_production').length
  const before = await logIns()
  const { of } = await diagnose({ VITEST: 'true' })
  expect(await logIns()).toBe(before)
  expect(of('production')).toEqual(['skipped: under Vitest nothing connects to production'])
  const gone = { ...config.environments, production: { url: 'postgresql://live:l1ve-secret@127.0.0.1:1/shop' } }
  const elsewhere = await makeProject({ ...config, environments: gone }).diagnose()
  expect(elsewhere.of('production')).toEqual([
    expect.stringMatching(/^skipped: whether .* is refused at localhost:1\/shop: .*ECONNREFUSED/),
  ])
})

test('markers: missing, copied and another’s; --env looks at one only', async () => {
  const { diagnose, folder } = makeProject(config)
  const { claimDatabase } = await import('@seedbed/environments/guard')
  const { resolveEnvironment } = await import('@seedbed/environments')
  const claim = async (of: SeedbedConfig) => {
    const options = { config: of, variables: {}, folder }
    const environment = resolveEnvironment({ ...options, flag: 'staging' })
    await claimDatabase({ environment, database: 'main' }, options, async () => true)
  }
  expect((await diagnose({}, { only: 'markers' })).of('markers')).toEqual([
    expect.stringMatching(/^ok: .*shop_test answers; runs need no marker/),
    expect.stringMatching(/^warning: .*shop_staging has no marker$/),
    expect.stringMatching(/^warning: .*shop_production has no marker$/),
  ])
  await claim({ ...config, project: 'another' })
  const { of, findings } = await diagnose({}, { environment: 'staging', only: 'markers' })
  expect(of('markers')).toEqual([expect.stringMatching(/^problem: .*another/)])
  expect(findings.find(({ check }) => check === 'markers')!.wayOut).toEqual([
    'Correct the URL in the config, or in the variable that it names.',
  ])
  await claim(config)
  await runOn(live.url, 'create database shop_copy template shop_staging', 'alter database shop_staging rename to shop_old', 'alter database shop_copy rename to shop_staging') // prettier-ignore
  const copied = await diagnose({}, { environment: 'staging', only: 'markers' })
  await runOn(live.url, 'drop database shop_old')
  expect(copied.of('markers')).toEqual([expect.stringMatching(/^problem: .*/)])
  expect(copied.findings.find(({ check }) => check === 'markers')).toMatchObject({
    why: expect.stringContaining('restored or cloned') as string,
    wayOut: ['seedbed env claim staging'],
  })
})

test('migrations that an environment has not had, or has had otherwise', async () => {
  const { diagnose, write, folder } = makeProject(config)
  const staging = live.urlFor({ database: 'shop_staging' })
  const found = async () =>
    (await diagnose({}, { environment: 'staging', only: 'migrations' })).of('migrations').slice(2)
  expect(await found()).toEqual(['warning: staging has not had 1.sql yet'])
  const { planMigrations } = await import('../../src/migrations/plan-migrations.js')
  const connect = async () => {
    const client = new Client(staging)
    await client.connect()
    return client
  }
  const target = { url: staging, knownRoles: [], environment: 'staging', variables: {}, connect, progress: () => {} }
  await runOn(staging, 'create schema if not exists seedbed')
  await (await planMigrations(folder, {})).migrate(target)
  expect(await found()).toEqual(['ok: staging has had all 1 migrations'])
  write('migrations/1.sql', 'create table another ()')
  write('migrations/2.sql', 'create table b ()')
  expect(await found()).toEqual([
    'warning: 1.sql of staging had another content when it ran',
    'warning: staging has not had 2.sql yet',
  ])
  await runOn(staging, 'drop schema seedbed cascade')
  expect(await found()).toEqual([
    expect.stringMatching(/^warning: staging has tables \(public\.a, …\), and nothing in it says/),
  ])
  await runOn(staging, 'drop table a')
})

test('settings that differ between the servers, and production without fsync', async () => {
  const { diagnose } = makeProject(config)
  await runOn(
    live.url,
    `alter database shop_staging set timezone = 'Asia/Kolkata'`,
    'alter system set fsync = off',
    'select pg_reload_conf()',
  )
  const isOff = () => runOn(live.url, `select from pg_settings where name = 'fsync' and setting = 'off'`)
  while ((await isOff()).length === 0);
  const { of } = await diagnose({}, { only: 'settings' })
  await runOn(
    live.url,
    `alter database shop_staging reset timezone`,
    'alter system set fsync = on',
    'select pg_reload_conf()',
  )
  expect(of('settings')).toEqual([
    expect.stringMatching(
      /^warning: .*shop_staging has PostgreSQL 15\.\d+, in tests 18\.\d+; the time zone Asia\/Kolkata, in tests .+$/,
    ),
    expect.stringMatching(/^problem: fsync is off at .*shop_production$/),
    expect.stringMatching(/^warning: .*shop_production has PostgreSQL 15\.\d+, in tests 18\.\d+$/),
  ])
})

test('settings of the role of the tests that do not suit a run', async () => {
  const { diagnose } = makeProject(config)
  await runOn(
    tests.url,
    'alter role tests set standard_conforming_strings = off',
    `alter role tests set idle_session_timeout = '1h'`,
  )
  const { of } = await diagnose({}, { only: 'server' })
  await runOn(tests.url, 'alter role tests reset all')
  expect(of('server').slice(1)).toEqual([
    'warning: standard_conforming_strings is off for the role of the tests',
    'warning: idle_session_timeout is 1h for the role of the tests',
  ])
})

test('what is left over on the tests’ server', async () => {
  const { diagnose, folder } = makeProject(config)
  await runOn(
    tests.urlFor({ database: 'shop_test' }),
    'begin',
    'create table waits ()',
    `prepare transaction 'it''s waiting'`,
  )
  await runOn(tests.url, `select pg_create_physical_replication_slot('lost', true)`)
  const url = config.environments.test!.url
  const templates = await openTemplates({ url, registry: 'seedbed_registry' })
  const template = await templates.ensure({ key: `a run in ${folder}`, build: async () => {} })
  const [clone] = await templates.clone(template)
  const stray = new Client({ connectionString: clone!.url, application_name: 'report.py' })
  stray.on('error', () => {})
  await stray.connect()
  await stray.query('begin')
  const own = makeProject(config)
  expect((await own.diagnose({}, { only: 'sessions' })).of('sessions')).toHaveLength(2)
  await runOn(
    tests.url,
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name like 'pg-template-db %'`,
  )
  const { of, findings } = await diagnose({}, { only: 'sessions' })
  expect(of('sessions')).toEqual([
    expect.stringMatching(/^warning: report\.py of tests \(pid \d+\) is in clone_\w+, whose run is gone$/),
    "warning: the prepared transaction it's waiting of postgres waits in shop_test",
    expect.stringMatching(/^warning: nobody reads the replication slot lost, which holds [\d.]+ \w+ of WAL$/),
  ])
  const [strayWay, preparedWay, slotWay] = findings
    .filter(({ check }) => check === 'sessions')
    .map(each => each.wayOut[0]!)
  const looking = new Client(url)
  await looking.connect()
  expect(await idleInTransaction(oneByOne(looking), 0)).toEqual([
    expect.objectContaining({
      found: expect.stringMatching(/^report\.py of tests .* idle in a transaction in clone_/) as string,
    }),
  ])
  await looking.end()
  const ended = new Promise(resolve => stray.once('end', resolve))
  await runOn(tests.url, strayWay!, slotWay!)
  await ended
  await runOn(tests.urlFor({ database: 'shop_test' }), preparedWay!.replace('In shop_test: ', ''))
  expect((await diagnose({}, { only: 'sessions' })).of('sessions')).toEqual([expect.stringMatching(/^ok/)])
})

test('a server that does not answer', async () => {
  const { diagnose } = makeProject({
    ...config,
    environments: { test: { url: 'postgresql://tests@127.0.0.1:1/shop' } },
  })
  const { of } = await diagnose()
  expect(of('server')).toEqual([expect.stringMatching(/^problem: /)])
  expect(of('rights')).toEqual(['skipped: the server of the tests cannot be used'])
  expect(of('disk').join('\n')).toMatch(/ok: .* are free/)
})
