import { expect, test } from 'vitest'
import { place, type Place } from './support.js'

const nothing = { tables: [], sequences: [], largeObjects: 0, afresh: [], ended: [] }

/** Does it, twice, since what was put back is at another place; answers with what was put back. */
async function comesBack(here: Place, sql: string): Promise<string[]> {
  const seed = await here.digest()
  let tables: string[] = []
  for (const _ of ['once', 'again']) {
    await here.query(sql)
    expect(await here.digest(), 'it wrote nothing').not.toBe(seed)
    const done = await here.restore.putBack()
    expect(done.afresh).toEqual([])
    expect(await here.digest()).toBe(seed)
    expect(await here.restore.putBack(), 'it is clean').toEqual(nothing)
    tables = done.tables
  }
  return tables
}

const users = `
  create table users (id int generated always as identity primary key, name text unique not null, boss int references users);
  create table posts (id serial primary key, author int not null references users on delete cascade, body text,
    words int generated always as (length(body)) stored);
  create table visits (at timestamptz);
  create table empty (id serial primary key, v text);
  insert into users (name, boss) values ('Ada', null), ('Bob', 1), ('Cy', 2);
  insert into posts (author, body) select 1 + n % 3, repeat('x', n) from generate_series(1, 30) n;
  insert into visits select timestamptz '2020-01-01' + n * interval '1 day' from generate_series(0, 4) n;
  insert into visits select timestamptz '2020-01-01' from generate_series(0, 4) n;`

for (const version of [15, 18] as const) {
  test(`rows that are added, changed and removed come back, on PostgreSQL ${version}`, async () => {
    await using here = await place(users, { version })
    expect(await here.restore.putBack()).toEqual(nothing)
    expect(await comesBack(here, `insert into users (name) values ('Di')`)).toEqual(['public.users'])
    expect(await comesBack(here, `update users set name = name || '!'`)).toEqual(['public.users'])
    expect(await comesBack(here, 'delete from users where id = 1 or boss = 1 or boss = 2')).toEqual([
      'public.users',
      'public.posts',
    ])
    expect(await comesBack(here, 'truncate users cascade')).toEqual(['public.users', 'public.posts'])
    expect(await comesBack(here, 'delete from visits where ctid in (select ctid from visits limit 3)')).toEqual([
      'public.visits',
    ])
    const swapped = `insert into empty (v) values ('x'); truncate visits; delete from users where name = 'Cy';
      update users set name = 'Cy' where name = 'Bob'; insert into users (name) values ('Bob')`
    expect(await comesBack(here, swapped)).toEqual(['public.users', 'public.visits', 'public.empty', 'public.posts'])
  })
}

test('sequences come back, also those of no column and those that were never called', async () => {
  await using here = await place(`${users}
    create sequence free start 5; create sequence called; select nextval('called');
    create sequence cached cache 10; create unlogged sequence light;`)
  const seed = await here.digest()
  for (const call of [
    `nextval('free')`,
    `setval('free', 9, false)`,
    `nextval('called')`,
    `setval('called', 1, false)`,
    `nextval('light')`,
    `nextval('cached')`,
    `nextval('users_id_seq')`,
  ]) {
    await here.query(`select ${call}`)
    expect((await here.restore.putBack()).sequences, call).toEqual([expect.stringContaining('public.')])
    expect(await here.digest(), call).toBe(seed)
  }
  await here.query(`begin; insert into users (name) values ('Di'); rollback`)
  expect(await here.restore.putBack()).toEqual({ ...nothing, sequences: ['public.users_id_seq'] })
  expect(await here.query(`insert into users (name) values ('Di') returning id`)).toEqual([{ id: 4 }])
})

test('the shapes of tables that are seldom come back too', async () => {
  await using here = await place(
    `create type mood as enum ('good', 'bad');
     create domain positive as int check (value > 0);
     create type spot as (x int, y text);
     create table odd ("a b" mood, "ß""'" positive[], c spot, d json, e xml, f text collate "C", g point);
     insert into odd values ('good', '{1,2}', '(3,"q,""")', '{"a": 1}', '<a/>', 'é', '(1.1,2.2)'), (null, null, null, null, null, null, null);
     insert into odd select * from odd;
     create table large (id int, body text);
     insert into large select n, (select string_agg(md5((n * 1000 + m)::text), '') from generate_series(1, 500) m) from generate_series(1, 4) n;
     create table parts (at date, v text, primary key (at, v)) partition by range (at);
     create table parts_1 partition of parts for values from ('2020-01-01') to ('2021-01-01');
     create table parts_2 partition of parts for values from ('2021-01-01') to ('2022-01-01') partition by list (v);
     create table parts_2a partition of parts_2 default;
     insert into parts values ('2020-02-02', 'a'), ('2021-02-02', 'b');
     create table animal (name text); create table dog (age int) inherits (animal);
     insert into animal values ('Cat'); insert into dog values ('Rex', 3);
     create unlogged table light (v int); insert into light values (1);
     create table bare (); insert into bare default values; insert into bare default values;
     create table a (id int primary key, b int not null);
     create table b (id int primary key, a int not null references a);
     alter table a add foreign key (b) references b deferrable initially deferred;
     begin; insert into a values (1, 1); insert into b values (1, 1); commit;
     create table stay (during tsrange, exclude using gist (during with &&));
     insert into stay values ('[2020-01-01,2020-02-01)');
     create table turn (id int unique deferrable initially deferred); insert into turn values (1), (2);
     create table closed (v text); insert into closed values ('seen'), ('hidden');
     alter table closed enable row level security; alter table closed force row level security;
     create policy p on closed using (v <> 'hidden');
     create table loud (v text); insert into loud values ('seed');
     create function shout() returns trigger language plpgsql as $$ begin insert into loud values (coalesce(new.v, old.v)); return null; end $$;
     create table noisy (v text); insert into noisy values ('seed'); truncate loud;
     create trigger loud after insert or update or delete on noisy for each row execute function shout();
     alter table noisy enable always trigger loud;`,
    {
      adminSql: `create role other; create table others (v int); insert into others values (1), (2); alter table others owner to other; grant all on others to app`,
    },
  )
  await comesBack(here, `update odd set "a b" = 'bad' where "a b" is not null; insert into odd default values`)
  await comesBack(here, `update large set id = id + 1; delete from large where id = 3`)
  expect(
    await comesBack(
      here,
      `insert into parts values ('2021-05-05', 'c'); update parts set at = at + 365 where at < '2021-01-01'`,
    ),
  ).toEqual(['public.parts_1', 'public.parts_2a'])
  await comesBack(here, 'truncate parts_2')
  expect(await comesBack(here, `delete from animal`)).toEqual(['public.animal', 'public.dog'])
  await comesBack(here, `update light set v = 2; insert into bare default values`)
  await comesBack(here, `begin; delete from b; delete from a; commit`)
  await comesBack(
    here,
    `update stay set during = '[2019-01-01,2019-02-01)'; insert into stay values ('[2020-01-01,2020-02-01)')`,
  )
  await comesBack(here, `begin; update turn set id = 3 - id; insert into turn values (7); commit`)
  await comesBack(here, `delete from closed`)
  await comesBack(here, `insert into others values (3); delete from others where v = 1`)
  expect(await comesBack(here, `update noisy set v = 'other'`)).toEqual(['public.loud', 'public.noisy'])
  expect(await here.query('select * from loud')).toEqual([])
  expect(await here.query(`select tgenabled from pg_trigger where tgname = 'loud'`)).toEqual([{ tgenabled: 'A' }])
})

test('rows that were moved in their table come back, as by VACUUM FULL and CLUSTER', async () => {
  await using here = await place(`create table note (id int primary key, v text);
    insert into note values (1, 'a'), (2, 'b'), (3, 'c')`)
  for (const move of ['vacuum full note', 'cluster note using note_pkey']) {
    await here.query(move)
    expect(await here.restore.putBack()).toEqual(nothing)
    await here.query('delete from note where id = 1')
    await here.query(move)
    await here.query('insert into note values (4)')
    expect((await here.restore.putBack()).tables).toEqual(['public.note'])
    expect(await here.query('select * from note order by id')).toEqual([
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
      { id: 3, v: 'c' },
    ])
    expect(await comesBack(here, `update note set v = 'x' where id = 2`)).toEqual(['public.note'])
  }
})

test('columns may have the names that our functions use', async () => {
  await using here = await place(`
    create table own (t int, c int, l int, more int, lost text, hold text, at int, since int, came int, went int, rewritten int);
    insert into own (more, lost, hold, t) select n, n, n, n from generate_series(1, 3) n;
    create materialized view seen as select lost as m, more from own`)
  await comesBack(here, `update own set t = 7; delete from own where more = 1; insert into own (lost) values ('new')`)
  await here.query('truncate own; insert into own (lost) values (1); refresh materialized view seen')
  expect((await here.restore.hold()).afresh).toEqual([])
  await here.query('insert into own (hold) values (7)')
  await here.query('refresh materialized view seen')
  expect((await here.restore.putBack()).afresh).toEqual([])
  expect((await here.restore.release()).afresh).toEqual([])
})

test('a materialized view comes back, unless that of the seed was stale', async () => {
  await using here = await place(`${users}
    create materialized view names as select name from users; create unique index on names (name);
    create materialized view later as select name from users with no data;
    create materialized view stale as select count(*) from visits; insert into visits values (now());`)
  await here.query(`insert into users (name) values ('Di'); refresh materialized view names`)
  expect(await here.restore.putBack()).toMatchObject({ tables: ['public.users', 'public.names'], afresh: [] })
  expect(await here.query('select count(*)::int from names')).toEqual([{ count: 3 }])
  await here.query(`insert into users (name) values ('Di')`)
  await here.query(`refresh materialized view concurrently names`)
  await here.query(`refresh materialized view later`)
  expect(await here.restore.putBack()).toMatchObject({
    tables: ['public.users', 'public.names', 'public.later'],
    afresh: [],
  })
  expect(await here.query('select count(*)::int from names')).toEqual([{ count: 3 }])
  await expect(here.query('select from later')).rejects.toThrow('has not been populated')
  expect(await here.restore.putBack()).toEqual(nothing)
  await here.query('refresh materialized view stale')
  expect((await here.restore.putBack()).afresh).toEqual([
    'REFRESH MATERIALIZED VIEW public.stale gives other rows than it had',
  ])
})

test('large objects of a test are removed; a changed one of the seed calls for another database', async () => {
  await using here = await place(`create table empty (); select lo_from_bytea(4711, 'seed')`)
  await here.query(`select lo_from_bytea(0, 'test'), lo_from_bytea(0, 'test')`)
  expect(await here.restore.putBack()).toEqual({ ...nothing, largeObjects: 2 })
  expect(await here.query('select oid from pg_largeobject_metadata')).toEqual([{ oid: 4711 }])
  await here.query(`select lo_put(4711, 1, 'test')`)
  expect((await here.restore.putBack()).afresh).toEqual(['a large object has changed that was there before'])
})

test('without a superuser, rows come back as far as foreign keys let them, and triggers of the user stay silent', async () => {
  await using here = await place(
    `${users}
     create table loud (v text);
     create function shout() returns trigger language plpgsql as $$ begin insert into loud values (new.name); return null; end $$;
     create trigger loud after insert or update on users for each row execute function shout();
     alter table visits enable row level security;`,
    { as: 'owner' },
  )
  expect(
    await comesBack(
      here,
      `insert into users (name, boss) values ('Di', 1); update posts set body = 'new', author = 4 where id = 1`,
    ),
  ).toEqual(['public.users', 'public.loud', 'public.posts'])
  await comesBack(here, `insert into users (name) values ('Di'); delete from posts where author = 1; truncate visits`)
  expect(await here.query('select from loud')).toEqual([])
  const seed = await here.digest()
  await here.query(`update users set name = 'Eve' where name = 'Ada'`)
  const { afresh, tables } = await here.restore.putBack()
  expect({ afresh, tables }).toEqual({ afresh: [expect.stringMatching(/foreign key/)], tables: [] })
  expect(await here.digest(), 'nothing is half put back').not.toBe(seed)
})

test('without a superuser, a materialized view of the seed may be empty; one that is filled calls for another database', async () => {
  await using here = await place(`${users} create materialized view later as select name from users with no data`, {
    as: 'owner',
  })
  await comesBack(here, `insert into users (name) values ('Di')`)
  await here.query('refresh materialized view later')
  expect((await here.restore.putBack()).afresh).toContain('materialized view public.later has changed')
})

test('without a superuser, rows that row-level security hides from their owner too are refused before anything is made', async () => {
  const closed = `create table closed (v text); alter table closed enable row level security; alter table closed force row level security`
  await expect(place(closed, { as: 'owner' })).rejects.toThrow(
    'would be affected by row-level security policy for table "closed"',
  )
})
