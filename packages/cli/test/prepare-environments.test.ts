import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bin, makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'
import { atTerminal, shown, type } from './support/terminal.js'

// Four environments on one server (REQUIREMENTS A1, A2, C5), each as a role of its own.
let server: PostgresForTests
let project: Project
const names = ['shop_test', 'shop_development', 'shop_staging', 'shop']
beforeAll(async () => {
  server = await startPostgres({ version: 18, settings: { log_statement: 'ddl' } })
  for (const role of ['tester', 'developer', 'stager', 'live']) {
    await run(`create role ${role} login createdb password 's3cret-${role}'`)
  }
})
afterAll(() => server?.stop())

const url = (user: string, database: string) => server.urlFor({ user, password: `s3cret-${user}`, database })
const config = (more: object = {}) =>
  JSON.stringify({
    project: 'shop',
    environments: {
      test: { url: url('tester', 'shop_test') },
      development: { url: url('developer', 'shop_development') },
      staging: { url: url('stager', 'shop_staging') },
      production: { url: url('live', 'shop') },
    },
    steps: [{ name: 'totals', run: 'node step.mjs' }],
    ...more,
  })
const step = `import pg from 'pg'
  const client = new pg.Client(process.env.DATABASE_URL)
  await client.connect()
  await client.query("insert into users (name) values ($1)", [process.env.ENVIRONMENT + ' was here'])
  console.log('inserted')
  await client.end()`

beforeEach(async () => {
  project = await makeProject({}, withFiles({ 'seedbed.config.json': config(), 'step.mjs': step }))
})
afterEach(async () => {
  await project[Symbol.asyncDispose]()
  for (const name of names) await run(`drop database if exists ${name} with (force)`)
})

const run = sqlOn(() => server)
const namesIn = async (database: string) =>
  (await run<{ name: string }>('select name from users order by id', database)).map(({ name }) => name)
const ddl = async () => (await server.log()).split('statement: ').length
const marker = async (database: string) =>
  (
    await run<{ environment: string; version: string }>(
      'select environment, schema_version as version from seedbed.marker',
      database,
    )
  )[0]

interface Printed {
  environment: string
  problem: { code: string } | null
  databases: Record<string, unknown>[]
}
async function prepare(args: string[], options = {}) {
  const outcome = await project.seedbed(['prepare', ...args, '--workers', '1', '--json'], options)
  return { ...outcome, printed: (outcome.stdout ? JSON.parse(outcome.stdout) : []) as Printed[] }
}

test('an environment is created, marked, migrated, seeded and stepped; again, no DDL; later, what is pending', async () => {
  const first = await prepare(['development'])
  expect(first.code, first.stderr).toBe(0)
  expect(first.printed).toMatchObject([
    {
      environment: 'development',
      run: null,
      databases: [
        {
          ...{ database: 'main', created: true, reset: false, migrated: ['1_users.sql'], schemaVersion: '1_users.sql' },
          ...{ seeded: true, steps: [{ name: 'totals' }] },
        },
      ],
    },
  ])
  expect(first.stderr).toMatch(/^seedbed {2}\[DEV\] development · postgresql:\/\/developer@.+\/shop_development$/m)
  expect(first.stderr).toMatch(/^seedbed {2}totals · \d+\.\d s$/m)
  expect(first.stderr).not.toContain('s3cret')
  expect(await namesIn('shop_development')).toEqual(['Ada', 'development was here'])
  expect(await marker('shop_development')).toEqual({ environment: 'development', version: '1_users.sql' })

  const before = await ddl()
  const again = await prepare(['development'])
  expect(again.printed[0]!.databases).toMatchObject([{ created: false, migrated: [], seeded: false, steps: [] }])
  expect(again.stderr).toContain('ready: it was there, with all of it')
  expect(await ddl()).toBe(before)

  // Data stays; what is pending runs, and the steps after it.
  await run("insert into users (name) values ('Grace')", 'shop_development')
  await writeFile(join(project.folder, 'migrations/2_more.sql'), 'alter table users add town text')
  await writeFile(join(project.folder, 'seeds/more.json'), '{ "users": [{ "name": "Linus" }] }')
  await writeFile(join(project.folder, 'step.mjs'), step.replace('was here', 'again'))
  const later = await prepare(['development'])
  expect(later.printed[0]!.databases).toMatchObject([
    { migrated: ['2_more.sql'], seeded: false, steps: [{ name: 'totals' }] },
  ])
  expect(later.stderr).toContain('--fresh loads them anew')
  expect(await namesIn('shop_development')).toEqual(['Ada', 'development was here', 'Grace', 'development again'])
  expect(await marker('shop_development')).toMatchObject({ version: '2_more.sql' })
  const audit = await readFile(join(project.folder, '.seedbed/audit.jsonl'), 'utf8')
  expect(audit).toContain('"operation":"migrate","decision":"allowed"')
  expect(audit).not.toContain('s3cret')
})

test('an extension of the config is there before the migrations, where the application looks for it', async () => {
  await writeFile(join(project.folder, 'seedbed.config.json'), config({ extensions: ['citext'] }))
  await writeFile(join(project.folder, 'migrations/2_more.sql'), 'alter table users add email public.citext')
  expect(await prepare(['development'])).toMatchObject({ code: 0 })
  const before = await ddl()
  expect(await prepare(['development'])).toMatchObject({ code: 0 })
  expect(await ddl()).toBe(before)
})

test('test is always as its seeds leave it, with and without --fresh, and no DDL where it is', async () => {
  expect(await prepare([])).toMatchObject({ code: 0 })
  const fresh = ['Ada', 'test was here']
  expect(await namesIn('shop_test')).toEqual(fresh)
  const before = await ddl()
  expect((await prepare([])).printed[0]!.databases).toMatchObject([{ reset: false, migrated: [], steps: [] }])
  expect(await ddl()).toBe(before)

  for (const change of [
    "insert into users (name) values ('Grace')",
    "update users set name = 'Eve' where id = 1",
    "select nextval('users_id_seq')",
    'create table stray (id int)',
    'alter table users add stray text',
  ]) {
    await run(change, 'shop_test')
    expect((await prepare(['test'])).printed[0]!.databases, change).toMatchObject([{ reset: true, seeded: true }])
    expect(await namesIn('shop_test')).toEqual(fresh)
    expect(await run("select from pg_class where relname = 'stray'", 'shop_test')).toEqual([])
  }
  expect((await prepare(['test', '--fresh'])).printed[0]!.databases).toMatchObject([{ reset: true }])
  // Edited after it had run: elsewhere that is told, here it is made anew.
  await writeFile(
    join(project.folder, 'migrations/1_users.sql'),
    'create table users (id serial primary key, name text)',
  )
  expect((await prepare([])).printed[0]!.databases).toMatchObject([{ reset: true, migrated: ['1_users.sql'] }])
})

test('--all makes every environment, production last and with consent alone; one that fails keeps production alone', async () => {
  const consent = { consent: { variable: 'PRODUCTION_MODE' } }
  await writeFile(join(project.folder, 'seedbed.config.json'), config(consent))
  const env = { PRODUCTION_MODE: 'true' }
  const without = await prepare(['--all', '--yes'])
  expect(without.code).toBe(1)
  expect(without.printed.map(({ environment, problem }) => [environment, problem?.code])).toEqual([
    ...[
      ['test', undefined],
      ['development', undefined],
      ['staging', undefined],
    ],
    ['production', 'PRODUCTION_WITHOUT_CONSENT'],
  ])
  expect(await run("select from pg_database where datname = 'shop'")).toEqual([])

  await writeFile(join(project.folder, 'migrations/2_broken.sql'), 'select nope')
  const broken = await prepare(['--all'], { env })
  expect(broken.printed.map(({ problem }) => problem?.code)).toEqual([
    ...['SQL_FAILED', 'SQL_FAILED', 'SQL_FAILED', 'PRODUCTION_SKIPPED'],
  ])
  await rm(join(project.folder, 'migrations/2_broken.sql'))

  // Production shares the server: the run's own check asks for a test role that cannot connect to it.
  const all = await prepare(['--all', '--fresh', '--yes'], { env })
  expect(all.printed.at(-1)).toMatchObject({
    environment: 'production',
    databases: [{ created: true, reset: false, migrated: ['1_users.sql'], seeded: false, steps: [] }],
  })
  expect(await namesIn('shop')).toEqual([])
  for (const [index, name] of names.slice(0, 3).entries()) {
    expect(await marker(name)).toEqual({
      environment: ['test', 'development', 'staging'][index],
      version: '1_users.sql',
    })
  }

  await run("insert into users (name) values ('a customer')", 'shop')
  for (const args of [
    ['production', '--fresh', '--yes'],
    ['--env', 'production', '--fresh'],
  ]) {
    expect(await prepare(args, { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GUARD_PROTECTED') as string,
    })
  }
  const bare = await project.seedbed(['reset', 'production', '--bare', '--yes'], { env })
  expect(bare).toMatchObject({ code: 1, stderr: expect.stringContaining('GUARD_PROTECTED') as string })
  expect(await namesIn('shop')).toEqual(['a customer'])
})

test('reset --bare leaves the schema alone; the next prepare adds the rest', async () => {
  await prepare(['staging'])
  await run(
    'set role stager; select lo_create(0); create schema extra; create table extra.t (id int); create domain extra.d as text; create view v as select 1; create function f() returns int language sql return 1',
    'shop_staging',
  )
  // Another's: the reset is refused as a whole.
  await run('create schema others', 'shop_staging')
  const others = await project.seedbed(['reset', 'staging', '--bare', '--yes'])
  expect(others).toMatchObject({ code: 1, stderr: expect.stringContaining('must be owner of') as string })
  expect(await namesIn('shop_staging')).toHaveLength(2)
  await run('drop schema others', 'shop_staging')
  const refused = await project.seedbed(['reset', 'staging', '--bare'])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('RESET_UNCONFIRMED') as string })
  expect(await namesIn('shop_staging')).toHaveLength(2)
  const objects = `select count(*)::int as count from pg_depend d join pg_namespace n on d.refobjid = n.oid
    where nspname in ('public', 'extra') and d.deptype = 'n'`
  const reset = await project.seedbed(['reset', '--env', 'staging', '--bare', '--yes'])
  expect(reset.code, reset.stderr).toBe(0)
  expect(reset.stderr).toMatch(/\[STG\] staging main ready: reset · 1 migration · schema 1_users\.sql/)
  expect(await namesIn('shop_staging')).toEqual([])
  expect(await run(objects, 'shop_staging')).toEqual([{ count: 2 }])
  expect(await run('select from pg_largeobject_metadata', 'shop_staging')).toEqual([])
  await prepare(['staging'])
  expect(await namesIn('shop_staging')).toEqual(['Ada', 'staging was here'])
  expect((await project.seedbed(['prepare', 'staging', '--env', 'test'])).code).toBe(2)
  expect((await project.seedbed(['prepare', 'staging', '--all'])).code).toBe(2)
})

test('what was interrupted goes on: a step that fails, seeds that do not fit', async () => {
  await writeFile(join(project.folder, 'seeds/users.json'), '{ "users": [{ "nmae": "Ada" }] }')
  const seeds = await prepare(['development'])
  expect(seeds).toMatchObject({ code: 1, stderr: expect.stringContaining('SEED_UNKNOWN_COLUMN') as string })
  await writeFile(join(project.folder, 'seeds/users.json'), '{ "users": [{ "name": "Ada" }] }')
  await writeFile(join(project.folder, 'step.mjs'), "console.log('no model was found'); process.exit(3)")
  const failed = await prepare(['development'])
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('STEP_FAILED') as string })
  expect(failed.stderr).toContain('no model was found')
  await writeFile(join(project.folder, 'step.mjs'), step)
  const last = await prepare(['development'])
  expect(last.printed[0]!.databases).toMatchObject([
    { created: false, migrated: [], seeded: false, steps: [{ name: 'totals' }] },
  ])
  expect(await namesIn('shop_development')).toEqual(['Ada', 'development was here'])
})

test('a role that may not create databases is told what its administrator has to do', async () => {
  await run('alter role stager nocreatedb')
  try {
    const refused = await prepare(['staging'])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('DATABASE_NOT_CREATED') as string })
    expect(refused.stderr).toContain('CREATE DATABASE "shop_staging" OWNER "stager"')
  } finally {
    await run('alter role stager createdb')
  }
})

test.for([1, 2, 3, 4, 5])('of two at the same time, one creates and the other waits (%i)', async () => {
  const both = await Promise.all([prepare(['development']), prepare(['development'])])
  for (const { code, stderr } of both) expect(code, stderr).toBe(0)
  const created = both.map(({ printed }) => printed[0]!.databases[0]!.created)
  expect(created.filter(Boolean)).toHaveLength(1)
  expect(await namesIn('shop_development')).toEqual(['Ada', 'development was here'])
})

test('what one has created, and another has made ready before it could, is left alone', async () => {
  const overtaken = `
    import { spawnSync } from 'node:child_process'
    import { prepare } from '@seedbed/core'
    const env = { ...process.env }
    const progress = line => {
      if (!line.startsWith('created')) return
      const { status, stderr } = spawnSync(process.execPath, [process.argv[2], 'prepare', 'development'], { env })
      if (status !== 0) throw new Error(String(stderr))
    }
    const [{ databases }] = await prepare({ folder: process.cwd(), environment: 'development', progress })
    console.log(JSON.stringify(databases))`
  await writeFile(join(project.folder, 'overtaken.mjs'), overtaken)
  const { PATH, HOME } = process.env
  const options = { cwd: project.folder, env: { PATH, HOME } }
  const { stdout } = await promisify(execFile)(process.execPath, ['overtaken.mjs', bin], options)
  expect(JSON.parse(stdout)).toMatchObject([{ created: true, migrated: [], seeded: false, steps: [], notes: [] }])
  expect(await namesIn('shop_development')).toEqual(['Ada', 'development was here'])
})

async function answer(args: string, types: string, question: RegExp) {
  const { code, stdout } = await type(atTerminal(project, args), question, types)
  return { code, screen: shown(stdout) }
}

describe.skipIf(process.platform !== 'linux')('at a terminal', () => {
  const question = /Type yes to go on: /

  test('production is asked about: no, Ctrl-C, yes', async () => {
    expect(await answer('prepare production', 'no\r', question)).toMatchObject({ code: 1 })
    expect(await answer('prepare production --yes', '\u0003', question)).toMatchObject({ code: 130 })
    expect(await run("select from pg_database where datname = 'shop'")).toEqual([])
    const yes = await answer('prepare production', 'Yes \r', question)
    expect(yes.screen).toContain('[PROD] production main ready: created · 1 migration · schema 1_users.sql')
    expect(yes.code).toBe(0)
    expect(await namesIn('shop')).toEqual([])
  })

  test('of a database that somebody else has made, it says what to do; a claimed one with tables needs a baseline', async () => {
    await run('create database shop_staging owner stager')
    await run(
      'set role stager; create table users (id int generated always as identity primary key, name text)',
      'shop_staging',
    )
    expect(await prepare(['staging'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GUARD_MARKER_MISSING') as string,
    })
    expect((await answer('env claim staging', 'shop_staging\r', /to claim it: /)).code).toBe(0)
    expect(await prepare(['staging'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('MIGRATIONS_UNRECORDED') as string,
    })
    await run("insert into users (name) values ('kept')", 'shop_staging')
    await writeFile(join(project.folder, 'migrations/2_more.sql'), 'alter table users add town text')
    const adopted = await prepare(['staging', '--baseline', '1_users.sql'])
    expect(adopted.printed[0]!.databases).toMatchObject([
      { adopted: ['1_users.sql'], migrated: ['2_more.sql'], seeded: false },
    ])
    expect(await namesIn('shop_staging')).toEqual(['kept', 'staging was here'])
  })

  test('a reset shows what is in the database, and asks', async () => {
    await prepare(['staging'])
    await run('analyze users', 'shop_staging')
    const no = await answer('prepare staging --fresh', 'no\r', question)
    expect(no).toMatchObject({ code: 1 })
    expect(no.screen).toContain('[STG]   public.users: about 2 rows')
    expect(no.screen).toContain('RESET_UNCONFIRMED')
    const yes = await answer('prepare staging --fresh', 'yes\r', question)
    expect(yes).toMatchObject({ code: 0 })
    expect(yes.screen).toMatch(/totals … \d+\.\d s/)
  })
})
