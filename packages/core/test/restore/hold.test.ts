import { expect, test } from 'vitest'
import { place, type Place } from './support.js'

const nothing = { tables: [], sequences: [], largeObjects: 0, afresh: [], ended: [] }
const held = { afresh: [], ended: [] }

const shop = `
  create table customer (id int generated always as identity primary key, name text unique);
  create table item (id serial primary key, customer int references customer, label text);
  create table log (v text);
  create table big (id int, v text) partition by hash (id);
  create table big_0 partition of big for values with (modulus 2, remainder 0);
  create table big_1 partition of big for values with (modulus 2, remainder 1);
  create sequence free start 5;
  insert into customer (name) values ('Ada'), ('Bob');
  insert into item (customer, label) values (1, 'pen'), (2, 'ink');
  insert into log values ('seed'), ('seed');
  insert into big select n, 'seed' from generate_series(1, 6) n;`

/** Writes that leave no table of the shop as it was. */
const everywhere = (mark: string) => `
  insert into customer (name) values ('${mark}');
  update item set label = label || '${mark}' where id = 1;
  insert into log values ('${mark}'), ('${mark}');
  delete from log where ctid = (select min(ctid) from log);
  update big set v = '${mark}', id = id + 1 where id % 3 = 0;
  select nextval('free')`

async function writes(here: Place, mark: string): Promise<void> {
  const before = await here.digest()
  await here.query(everywhere(mark))
  expect(await here.digest(), 'it wrote nothing').not.toBe(before)
}

for (const [version, as] of [
  [15, 'superuser'],
  [18, 'superuser'],
  [18, 'owner'],
] as const) {
  test(`what is held stays until it is released, as ${as} on PostgreSQL ${version}`, async () => {
    await using here = await place(shop, { version, as })
    const seed = await here.digest()
    for (const round of ['first', 'second']) {
      await writes(here, 'file')
      expect(await here.restore.hold()).toEqual(held)
      const file = await here.digest()
      expect(await here.restore.putBack(), round).toEqual(nothing)
      for (const test of ['one', 'two']) {
        await writes(here, test)
        const { afresh, tables, sequences } = await here.restore.putBack()
        expect(afresh).toEqual([])
        expect(tables.toSorted()).toEqual([
          'public.big_0',
          'public.big_1',
          'public.customer',
          'public.item',
          'public.log',
        ])
        expect(sequences).toEqual(['public.customer_id_seq', 'public.free'])
        expect(await here.digest()).toBe(file)
      }
      await writes(here, 'suite')
      expect(await here.restore.hold()).toEqual(held)
      const suite = await here.digest()
      await here.query('delete from item; truncate log, big')
      expect((await here.restore.putBack()).afresh).toEqual([])
      expect(await here.digest()).toBe(suite)
      await writes(here, 'last')
      expect((await here.restore.release()).afresh).toEqual([])
      expect(await here.digest()).toBe(file)
      await here.query(`update log set v = 'x'`)
      expect((await here.restore.putBack()).tables).toEqual(['public.log'])
      expect(await here.digest()).toBe(file)
      expect((await here.restore.release()).afresh).toEqual([])
      expect(await here.digest()).toBe(seed)
      expect(await here.restore.putBack()).toEqual(nothing)
    }
  })
}

test('a hold in which nothing was written costs nothing, and is released', async () => {
  await using here = await place(shop)
  expect(await here.restore.putBack()).toEqual(nothing)
  expect(await here.restore.hold()).toEqual(held)
  expect(await here.asAdmin('select from seedbed_restore.held')).toEqual([])
  await here.query(`insert into log values ('x')`)
  expect(await here.restore.hold()).toEqual(held)
  expect(await here.asAdmin('select relation::regclass::text, hold from seedbed_restore.held')).toEqual([
    { relation: 'log', hold: 2 },
  ])
  expect((await here.restore.release()).tables).toEqual(['public.log'])
  expect(await here.restore.release()).toEqual(nothing)
  await expect(here.restore.release()).rejects.toThrow('There is no hold to release.')
})

test('only what was written is in the copies anew, and nothing is left there when it is released', async () => {
  await using here = await place(
    `create table note (id int); insert into note select generate_series(1, 1000); create table other (id int)`,
  )
  const lines = async () =>
    (
      await here.asAdmin(`select (xpath('/row/n/text()', query_to_xml(
      format('select count(*) as n from seedbed_restore.copy_%s', 'note'::regclass::oid), false, true, '')))[1]::text as n`)
    )[0]!.n
  await here.query('update note set id = 0 where id = 7')
  await here.restore.hold()
  expect(await lines()).toBe('1001')
  await here.restore.release()
  expect(await lines()).toBe('1000')
})

test('rows that were moved while something is held come back', async () => {
  await using here = await place(`create table note (v text); insert into note values ('a'), ('b'), ('c')`)
  const seed = await here.digest()
  await here.query(`delete from note where v = 'a'`)
  await here.query('vacuum full note')
  expect(await here.restore.hold()).toEqual(held)
  const file = await here.digest()
  await here.query(`delete from note where v = 'b'`)
  await here.query('vacuum full note')
  expect((await here.restore.putBack()).tables).toEqual(['public.note'])
  expect(await here.digest()).toBe(file)
  await here.restore.release()
  expect(await here.digest()).toBe(seed)
})

test('sequences that were held stand there again, also those that were never called before', async () => {
  await using here = await place(
    `create sequence a start 5; create sequence b; select setval('b', 7); create unlogged sequence c`,
  )
  const next = async () =>
    (await here.query(`select nextval('a')::int as a, nextval('b')::int as b, nextval('c')::int as c`))[0]
  await here.query(`select nextval('a'), nextval('a'), setval('b', 3, false), nextval('c')`)
  expect(await here.restore.hold()).toEqual(held)
  for (const _ of ['once', 'again']) {
    expect(await next()).toEqual({ a: 7, b: 3, c: 2 })
    expect((await here.restore.putBack()).sequences).toEqual(['public.a', 'public.b', 'public.c'])
  }
  expect((await here.restore.release()).sequences).toEqual(['public.a', 'public.b', 'public.c'])
  expect(await next()).toEqual({ a: 5, b: 8, c: 1 })
})

test('large objects that were held stay; one that changed calls for another database', async () => {
  await using here = await place(`create table empty (); select lo_from_bytea(4711, 'seed')`)
  const all = () =>
    here.query(`select oid, convert_from(lo_get(oid), 'UTF8') as is from pg_largeobject_metadata order by oid`)
  const seed = [{ oid: 4711, is: 'seed' }]
  await here.query(`select lo_from_bytea(4712, 'file')`)
  expect(await here.restore.hold()).toEqual(held)
  await here.query(`select lo_from_bytea(4713, 'test')`)
  expect(await here.restore.putBack()).toEqual({ ...nothing, largeObjects: 1 })
  expect(await all()).toEqual([...seed, { oid: 4712, is: 'file' }])
  expect(await here.restore.release()).toEqual({ ...nothing, largeObjects: 1 })
  expect(await all()).toEqual(seed)

  await here.query(`select lo_from_bytea(4712, 'file')`)
  await here.restore.hold()
  await here.query('select lo_unlink(4712)')
  const changed = ['a large object has changed that was there before']
  expect((await here.restore.hold()).afresh).toEqual(changed)
  expect((await here.restore.putBack()).afresh).toEqual(changed)
  expect((await here.restore.release()).afresh, 'it was none of the seed').toEqual([])
  expect(await all()).toEqual(seed)
})

test('a materialized view is as it was held', async () => {
  await using here = await place(`${shop}
    create materialized view names as select name from customer;
    create materialized view later as select name from customer with no data`)
  const seen = async () => (await here.query('select name from names order by 1')).map(row => row.name)
  await here.query(
    `insert into customer (name) values ('Di'); refresh materialized view names; refresh materialized view later`,
  )
  expect(await here.restore.hold()).toEqual(held)
  await here.query(
    `insert into customer (name) values ('Eve'); refresh materialized view names; refresh materialized view later with no data`,
  )
  expect(await here.restore.putBack()).toMatchObject({
    tables: ['public.customer', 'public.names', 'public.later'],
    afresh: [],
  })
  expect(await seen()).toEqual(['Ada', 'Bob', 'Di'])
  expect(await here.query('select count(*)::int from later')).toEqual([{ count: 3 }])
  expect((await here.restore.release()).tables).toEqual(['public.customer', 'public.names', 'public.later'])
  expect(await seen()).toEqual(['Ada', 'Bob'])
  await expect(here.query('select from later')).rejects.toThrow('has not been populated')
})

test('DDL cannot be held, and is told; what a session leaves open is ended and not held', async () => {
  await using here = await place(shop)
  const seed = await here.digest()
  const open = await here.session()
  await open.query(`begin; insert into log values ('open')`)
  const { afresh, ended } = await here.restore.hold()
  expect(afresh).toEqual([])
  expect(ended).toMatchObject([{ user: 'app', in: 'transaction' }])
  expect(await here.digest()).toBe(seed)
  await here.query('create table more (id int)')
  expect((await here.restore.hold()).afresh).toEqual(['CREATE TABLE public.more'])
})

test('a transaction that was prepared is rolled back before it is held or released', async () => {
  await using here = await place(shop, { settings: { max_prepared_transactions: '5' } })
  const prepare = `begin; insert into log values ('x'); prepare transaction 'p'`
  const ended = [{ pid: 0, user: 'app', application: 'p', in: 'prepared transaction' }]
  const seed = await here.digest()
  await here.query(`insert into log values ('file')`)
  await here.query(prepare)
  expect(await here.restore.hold()).toEqual({ afresh: [], ended })
  const file = await here.digest()
  expect(file).not.toBe(seed)
  await here.query(prepare)
  expect(await here.restore.putBack()).toEqual({ ...nothing, ended })
  expect(await here.digest()).toBe(file)
  await here.query(prepare)
  expect(await here.restore.release()).toEqual({ ...nothing, tables: ['public.log'], ended })
  expect(await here.digest()).toBe(seed)
})

test('a session that was lost says so, whatever it is asked', async () => {
  await using here = await place(shop)
  await here.query(`insert into log values ('file')`)
  await here.restore.hold()
  await here.asAdmin(
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'seedbed restore' and datname = current_database()`,
  )
  expect((await here.restore.release()).afresh).toEqual([expect.stringContaining('it could not be put back: ')])
  expect((await here.restore.hold()).afresh).toEqual([expect.stringContaining('it could not be put back: ')])
})
