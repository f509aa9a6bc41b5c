import { expect, test } from 'vitest'
import { openRestore } from '../../src/restore/restore.js'
import { place } from './support.js'

const notes = `create table note (id serial primary key, body text); insert into note (body) values ('seed'), ('other');
  create function written() returns int language sql as 'select count(*)::int from note';`
const nothing = { tables: [], sequences: [], largeObjects: 0, afresh: [], ended: [] }

const ddl = {
  'alter table note add column more int': 'ALTER TABLE public.note',
  "alter table note alter body set default 'x'": 'ALTER TABLE public.note',
  'alter table note disable trigger seedbed_restore': 'ALTER TABLE public.note',
  'create index on note (body)': 'CREATE INDEX public.note_body_idx',
  'create table more (id int)': 'CREATE TABLE public.more',
  'select 1 as id into more': 'SELECT INTO public.more',
  'drop table note': 'DROP TABLE public.note',
  "create or replace function written() returns int language sql as 'select 1'": 'CREATE FUNCTION public.written()',
  'drop function written()': 'DROP FUNCTION public.written()',
  "create type mood as enum ('good')": 'CREATE TYPE public.mood',
  'create schema other': 'CREATE SCHEMA other',
  'grant select on note to public': 'GRANT',
  "comment on table note is 'x'": 'COMMENT public.note',
  'alter sequence note_id_seq increment 2': 'ALTER SEQUENCE public.note_id_seq',
  'create policy p on note': 'CREATE POLICY p on public.note',
  "alter database {database} set work_mem = '9MB'": 'settings of the database has changed',
  'alter database {database} connection limit 99': 'the database has changed',
}

for (const as of ['superuser', 'owner'] as const) {
  test(`DDL is noticed and named, as ${as}`, async () => {
    await using here = await place(notes, { as })
    for (const [statement, named] of Object.entries(ddl)) {
      await using fresh = await again(here)
      await here.query(statement.replace('{database}', here.clone))
      const { afresh } = await fresh.restore.putBack()
      if (as === 'superuser') expect(afresh, statement).toEqual([named])
      else expect(afresh.length, statement).toBeGreaterThan(0)
    }
  })

  test(`what is temporary, maintenance and plain reading are no change, as ${as}`, async () => {
    await using here = await place(notes, { as })
    await here.query('select * from note')
    expect(await here.restore.putBack()).toEqual(nothing)
    await here.query(`create temp table t (id serial primary key, v text default 'x' check (v <> '')); insert into t default values;
      create temp view tv as select * from t; create type pg_temp.tm as enum ('a'); create index on t (v);
      create function pg_temp.f() returns int language sql as 'select 1'`)
    expect(await here.restore.putBack()).toEqual(nothing)
    await here.query('drop table t cascade')
    await here.query('analyze')
    await here.query('vacuum note')
    await here.query('reindex table note')
    expect(await here.restore.putBack()).toEqual(nothing)
    await here.query('vacuum full note')
    expect(await here.restore.putBack()).toEqual(nothing)
    await here.query(`update note set body = 'x'`)
    expect((await here.restore.putBack()).tables).toEqual(['public.note'])
    expect(await here.query('select body from note order by id')).toEqual([{ body: 'seed' }, { body: 'other' }])
  })

  test(`sessions in the middle of something are ended and named, idle ones stay, as ${as}`, async () => {
    await using here = await place(notes, { as })
    const seed = await here.digest()
    const [open, aborted, locked, busy, idle] = await Promise.all(Array.from({ length: 5 }, () => here.session()))
    await open!.query(`set application_name = 'open'; begin; insert into note (body) values ('open')`)
    await aborted!.query(`set application_name = 'aborted'`)
    await aborted!.query('begin')
    await aborted!.query('nonsense').catch(() => {})
    await locked!.query(`set application_name = 'locked'; select pg_advisory_lock(1)`)
    await busy!.query(`set application_name = 'busy'`)
    const slow = busy!
      .query('insert into note (body) select pg_sleep(600)::text')
      .catch((error: { code: string }) => error.code)
    await idle!.query(`insert into note (body) values ('idle')`)
    const { ended, tables } = await here.restore.putBack()
    expect(ended.map(each => `${each.application} ${each.user}: ${each.in}`).sort()).toEqual([
      'aborted app: transaction',
      'busy app: statement',
      'locked app: advisory lock',
      'open app: transaction',
    ])
    expect(await slow).toBe('57P01')
    expect(tables).toEqual(['public.note'])
    expect(await here.digest()).toBe(seed)
    await expect(idle!.query('nonsense')).rejects.toThrow('syntax error')
    expect(await here.restore.putBack(), 'a statement that is just failing').toEqual(nothing)
  })
}

test('what is written under the replica role is noticed too', async () => {
  await using here = await place(notes, { adminSql: 'grant set on parameter session_replication_role to public' })
  const seed = await here.digest()
  await here.query(`set session_replication_role = 'replica'`)
  await here.query(`delete from note where id = 1`)
  expect((await here.restore.putBack()).tables).toEqual(['public.note'])
  expect(await here.digest()).toBe(seed)
  await here.query('alter table note add column more int')
  expect((await here.restore.putBack()).afresh).toEqual(['ALTER TABLE public.note'])
})

test('a transaction that could not be ended, as of a role that an owner knows nothing of, is noticed when it commits', async () => {
  await using here = await place(
    `${notes} grant insert on note to stranger; grant usage on sequence note_id_seq to stranger`,
    { as: 'owner', roles: ['stranger'] },
  )
  const seed = await here.digest()
  const stranger = await here.session('stranger')
  await stranger.query('begin')
  await stranger.query(`insert into note (body) values ('late')`)
  await here.query(`update note set body = 'x' where id = 1`)
  expect(await here.restore.putBack()).toMatchObject({ tables: ['public.note'], ended: [], afresh: [] })
  await stranger.query('commit')
  expect((await here.restore.putBack()).tables).toEqual(['public.note'])
  expect(await here.digest()).toBe(seed)
})

test('a statement that ends while it is waited for is put back, whatever isolation the server gives', async () => {
  await using here = await place(notes, { settings: { default_transaction_isolation: 'serializable' } })
  const seed = await here.digest()
  for (const round of [1, 2, 3]) {
    const busy = await here.session()
    const insert = busy.query(`insert into note (body) select 'slow' from pg_sleep(0.08)`).catch(() => {})
    await here.asAdmin('select 1')
    expect((await here.restore.putBack()).afresh).toEqual([])
    await insert
    expect(await here.digest(), `round ${round}`).toBe(seed)
  }
})

test('what another database writes does not make this one dirty', async () => {
  await using here = await place(notes)
  await here.asAdmin(`create database other_${here.clone}`)
  expect(await here.restore.putBack()).toEqual(nothing)
  await here.query(`update note set body = 'x'`)
  expect((await here.restore.putBack()).tables).toEqual(['public.note'])
  await here.asAdmin(`create database another_${here.clone}`)
  expect(await here.restore.putBack()).toEqual(nothing)
})

test('a crash of the server empties the copies, which is noticed', async () => {
  await using here = await place(notes, { settings: {} })
  await here.server.crashAndRestart()
  expect((await here.restore.putBack()).afresh).toEqual([expect.stringContaining('it could not be put back: ')])
  await using fresh = await again(here, { anew: false })
  expect((await fresh.restore.putBack()).afresh).toEqual(['the server has crashed, and has emptied the copies'])
})

test('a transaction that was prepared is rolled back', async () => {
  await using here = await place(notes, { settings: { max_prepared_transactions: '5' } })
  const seed = await here.digest()
  await here.query(`begin; insert into note (body) values ('x'); prepare transaction 'it''s'`)
  const { ended, tables, sequences } = await here.restore.putBack()
  expect(ended).toEqual([{ pid: 0, user: 'app', application: "it's", in: 'prepared transaction' }])
  expect({ tables, sequences }).toEqual({ tables: [], sequences: ['public.note_id_seq'] })
  expect(await here.digest()).toBe(seed)
})

/** Whether a change leaves a mark, whether it needs a transaction's number, and whether it is noticed. */
test('no one way sees everything, and all together do', async () => {
  await using here =
    await place(`${notes} create materialized view bodies as select body from note; create unlogged sequence light;
    create table silent (id int); insert into silent values (1);`)
  const next = async () => (await here.asAdmin('select pg_snapshot_xmax(pg_current_snapshot())::text as next'))[0]!.next
  const shows = async (change: string) => {
    const before = await next()
    await here.query(change)
    const number = (await next()) !== before
    const [{ marks }] = (await here.asAdmin('select count(*)::int as marks from seedbed_restore.written')) as [
      { marks: number },
    ]
    const { tables, sequences, largeObjects, afresh } = await here.restore.putBack()
    return { mark: marks > 0, number, noticed: tables.length + sequences.length + largeObjects + afresh.length > 0 }
  }
  const everything = { mark: true, number: true, noticed: true }
  expect(await shows('insert into silent values (2)')).toEqual(everything)
  expect(await shows('refresh materialized view bodies')).toEqual(everything)
  expect(await shows(`select nextval('note_id_seq')`)).toEqual({ mark: false, number: true, noticed: true })
  expect(await shows(`select nextval('light')`)).toEqual({ mark: false, number: false, noticed: true })
  expect(await shows(`select lo_from_bytea(0, 'x')`)).toEqual({ mark: false, number: true, noticed: true })
  expect(await shows('select from note for update')).toEqual({ mark: false, number: true, noticed: false })
  expect(await shows('select from note')).toEqual({ mark: false, number: false, noticed: false })
  expect(await shows(`alter database ${here.clone} set work_mem = '9MB'`)).toEqual({
    mark: false,
    number: true,
    noticed: true,
  })
})

test('the application sees our triggers on its tables, and nothing else of ours in information_schema', async () => {
  await using here = await place(notes)
  const ours = async (view: string, column: string) =>
    (await here.query(`select from information_schema.${view} where ${column}::text ~ 'seedbed_restore'`)).length
  expect(await ours('triggers', 'trigger_name')).toBe(3)
  expect(await ours('schemata', 'schema_name')).toBe(0)
  expect(await ours('tables', 'table_schema')).toBe(0)
  expect(await ours('columns', 'table_schema')).toBe(0)
  expect(await ours('routines', 'routine_schema')).toBe(0)
  await expect(here.query('select * from seedbed_restore.written')).rejects.toThrow('permission denied for schema')
})

/** The clone made anew, and opened. */
async function again(here: Awaited<ReturnType<typeof place>>, { anew = true } = {}) {
  if (anew) await here.recreate()
  const restore = await openRestore({ url: here.url })
  return { restore, [Symbol.asyncDispose]: () => restore.close() }
}
