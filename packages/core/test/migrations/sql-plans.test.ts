import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { planMigrations } from '../../src/migrations/plan-migrations.js'
import { failureOf, makeProject, query, useServer } from './project.js'

const server = useServer(18)
const noRoles = { knownRoles: [] }

describe('a folder of .sql files', () => {
  test('runs in natural order, each file in its own transaction', async () => {
    await using project = await makeProject({
      'migrations/10_third.sql': 'insert into log (what) values (10);',
      'migrations/2_second.sql': 'insert into log (what) values (2);',
      'migrations/1_first.sql': 'create table log (id serial, what int, at xid default pg_current_xact_id()::xid);',
      'migrations/README.md': 'not SQL',
      'migrations/.hidden.sql': 'broken',
    })
    const plan = await planMigrations(project.folder, {})
    expect(plan.description).toBe('migrations/ (3 .sql files)')
    expect(plan.watched).toEqual([join(project.folder, 'migrations')])
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, 'select what from log order by id')).toEqual([2, 10])
    expect(await query(url, 'select count(distinct at::text)::int from log')).toEqual([2])
    expect(await query(url, "select tableowner from pg_tables where tablename = 'log'")).toEqual(['app'])
  })

  test('a failing one in the middle is named, and the ones after it do not run', async () => {
    await using project = await makeProject({
      'db/1.sql': 'create table a (id int primary key);',
      'db/2.sql': '-- «two»\ncreate table b (id int references a);\ninsert into b values (3);',
      'db/3.sql': 'create table c ();',
    })
    const plan = await planMigrations(project.folder, { migrations: './db' })
    const url = await server.database()
    const error = await failureOf(plan.apply({ url, ...noRoles }))
    expect(error.message).toMatch(/^db\/2\.sql:3:1: insert or update on table "b" violates foreign key/)
    expect(await query(url, "select relname from pg_class where relname in ('a', 'b', 'c')")).toEqual(['a'])
  })

  test('`-- seedbed: no transaction` is obeyed, and a misspelt one refused', async () => {
    await using project = await makeProject({
      'migrations/1.sql':
        '-- why\r\n  -- Seedbed: no transaction\r\ncreate table t (a int);\r\ncreate index concurrently i on t (a);\r\n',
    })
    const url = await server.database()
    await (await planMigrations(project.folder, {})).apply({ url, ...noRoles })
    expect(await query(url, "select indisvalid from pg_index where indexrelid = 'i'::regclass")).toEqual([true])
    await project.write({ 'migrations/2.sql': 'select 1;\n-- seedbed: notransaction\n' })
    const error = await failureOf(
      (await planMigrations(project.folder, {})).apply({ url: await server.database(), ...noRoles }),
    )
    expect(error.code).toBe('SQL_DIRECTIVE')
    expect(error.message).toContain('migrations/2.sql:2: there is no directive «notransaction»')
  })

  test('the way back is left out: .down.sql files, and the lower part of a file', async () => {
    await using project = await makeProject({
      'migrations/1_a.up.sql': 'create table a (id int);',
      'migrations/1_a.down.sql': 'drop table a;',
      'migrations/2_dbmate.sql': '-- migrate:up\ncreate table b (id int);\n\n-- migrate:down\ndrop table b;\n',
      'migrations/3_goose.sql': '-- +goose Up\ncreate table c (id int);\n-- +goose Down\ndrop table c;',
      'migrations/4_pg.sql': '-- Up Migration\ncreate table d (id int);\n-- Down Migration\ndrop table d;',
      'migrations/5_down_first.sql': "-- +migrate Down\ndrop table e; 'é'\n-- +migrate Up\ncreate table e (id int);",
      'migrations/6_dbmate.sql':
        '-- migrate:up transaction:false\ncreate table f (id int); create index concurrently g on f (id);\n-- migrate:down\nx',
    })
    const plan = await planMigrations(project.folder, {})
    expect(plan.description).toBe('migrations/ (6 .sql files, 1 .down.sql left out)')
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, "select relname from pg_class where relname ~ '^[a-g]$' order by 1")).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
      'f',
      'g',
    ])
    await project.write({
      'migrations/5_down_first.sql': '-- +migrate Down\ndrop table e;\n-- +migrate Up\ncreate table e (id in);',
    })
    const error = await failureOf(
      (await planMigrations(project.folder, {})).apply({ url: await server.database(), ...noRoles }),
    )
    expect(error.message).toMatch(/^migrations\/5_down_first\.sql:4:20: syntax error/)
  })

  test('the fingerprint is the content: names, bytes, and no more', async () => {
    await using project = await makeProject({ 'migrations/1.sql': 'select 1;', 'migrations/2.sql': 'select 2;' })
    const before = (await planMigrations(project.folder, {})).fingerprint
    expect(Object.keys(before)).toEqual(['migrations/1.sql', 'migrations/2.sql'])
    expect((await planMigrations(project.folder, {})).fingerprint).toEqual(before)
    await project.write({ 'migrations/2.sql': 'select 2 ;', 'README.md': 'x' })
    const after = (await planMigrations(project.folder, {})).fingerprint
    expect(after['migrations/1.sql']).toBe(before['migrations/1.sql'])
    expect(after['migrations/2.sql']).not.toBe(before['migrations/2.sql'])
  })

  test('what runs is what the fingerprint was made of, whatever happens to the file meanwhile', async () => {
    await using project = await makeProject({ 'migrations/1.sql': 'create table planned ();' })
    const plan = await planMigrations(project.folder, {})
    await rm(join(project.folder, 'migrations'), { recursive: true })
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, "select to_regclass('planned')::text")).toEqual(['planned'])
  })

  test('a file that is not UTF-8 is refused with its line', async () => {
    await using project = await makeProject({
      'migrations/1.sql': Buffer.from("select 1;\nselect 'Zürich';", 'latin1'),
    })
    const error = await failureOf(
      (await planMigrations(project.folder, {})).apply({ url: await server.database(), ...noRoles }),
    )
    expect(error.code).toBe('SQL_NOT_TEXT')
    expect(error.message).toContain('migrations/1.sql:2')
  })
})

describe('a schema.sql', () => {
  test('runs, found or named', async () => {
    await using project = await makeProject({
      'schema.sql': '\ufeffcreate table t (id int);',
      'db/other.sql': 'create table o ();',
    })
    const url = await server.database()
    const plan = await planMigrations(project.folder, {})
    expect(plan.description).toBe('schema.sql')
    await plan.apply({ url, ...noRoles })
    expect(await query(url, "select to_regclass('t')::text")).toEqual(['t'])
    const named = await planMigrations(project.folder, { migrations: 'db/other.sql' })
    expect(named.description).toBe('db/other.sql')
    const error = await failureOf(named.apply({ url, ...noRoles }).then(() => named.apply({ url, ...noRoles })))
    expect(error.message).toMatch(/^db\/other\.sql:1:1: relation "o" already exists/)
  })

  test('a dump that empties search_path does not hide the tables from the next file', async () => {
    await using project = await makeProject({
      'migrations/1_dump.sql':
        "SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\nCREATE TABLE public.t (id int);",
      'migrations/2.sql': 'insert into t values (1);',
    })
    const url = await server.database()
    await (await planMigrations(project.folder, {})).apply({ url, ...noRoles })
    expect(await query(url, 'select id from t')).toEqual([1])
  })
})

test('what one file sets for the database holds for the next', async () => {
  await using project = await makeProject({
    'migrations/1.sql': `create schema app;
      do $$ begin execute format('alter database %I set search_path = app', current_database()); end $$;`,
    'migrations/2.sql': 'create table t (id int);',
  })
  const url = await server.database()
  await (await planMigrations(project.folder, {})).apply({ url, ...noRoles })
  expect(await query(url, "select schemaname::text from pg_tables where tablename = 't'")).toEqual(['app'])
})

test.each([
  ['create table t (); alter table t owner to postgres', 'pg_dump --no-owner'],
  ['create table t (); alter table t owner to nobody_here', 'pg_dump --no-owner'],
  ['create schema s; grant usage on schema s to nobody_here', 'pg_dump --no-owner'],
  ["comment on extension plpgsql is 'x'", 'pg_dump --no-comments'],
  ['create extension no_such_extension', 'does not carry'],
])('what dumps often hold: %s', async (text, hint) => {
  await using project = await makeProject({ 'schema.sql': text })
  const error = await failureOf(
    (await planMigrations(project.folder, {})).apply({ url: await server.database(), ...noRoles }),
  )
  expect(error.hint).toContain(hint)
})

test('a folder with nothing but .down.sql files', async () => {
  await using project = await makeProject({ 'migrations/1.down.sql': 'select 1;' })
  expect((await failureOf(planMigrations(project.folder, {}))).code).toBe('MIGRATIONS_EMPTY')
})

describe('roles', () => {
  test('a migration that creates one runs twice on a server, by a role that may create roles', async () => {
    await using project = await makeProject({
      'migrations/1.sql': 'create role reader nologin;\ncreate table t (id int);\ngrant select on t to reader;',
      'migrations/2.sql': "CREATE /* a */ USER writer PASSWORD 'x' IN ROLE reader;\ngrant insert on t to writer;",
    })
    await query(server.adminUrl(), 'alter role app createrole')
    const plan = await planMigrations(project.folder, {})
    expect(plan.mayCreateRoles).toBe(true)
    const [first, second, third] = [await server.database(), await server.database(), await server.database()]
    await plan.apply({ url: first!, knownRoles: [] })
    await plan.apply({ url: second!, knownRoles: ['reader', 'writer'] })
    for (const url of [first!, second!]) {
      expect(await query(url, "select has_table_privilege('writer', 't', 'select, insert')")).toEqual([true])
    }
    const error = await failureOf(plan.apply({ url: third!, knownRoles: [] }))
    expect(error.message).toMatch(/^migrations\/1\.sql:1:1: role "reader" already exists/)
    await query(server.adminUrl(), 'alter role app nocreaterole')
  })

  test.each([
    ['create table users (id int);', false],
    ['-- we create no\nselect create_role();', false],
    ['create user mapping for app server s;', false],
    ['do $$ begin create  role x; end $$', true],
    ['CREATE GROUP g', true],
    ['create -- why\n user u', true],
  ])('%j may create roles: %s', async (text, may) => {
    await using project = await makeProject({ 'migrations/1.sql': text })
    expect((await planMigrations(project.folder, {})).mayCreateRoles).toBe(may)
  })

  test('an extension that the role may not create names the option', async () => {
    await using project = await makeProject({ 'migrations/1.sql': 'create extension pg_walinspect;' })
    const error = await failureOf(
      (await planMigrations(project.folder, {})).apply({ url: await server.database(), ...noRoles }),
    )
    expect(error.message).toContain('permission denied to create extension')
    expect(error.hint).toContain("extensions: ['pg_walinspect']")
  })
})
