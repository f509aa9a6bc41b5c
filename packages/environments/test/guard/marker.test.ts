import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertGuarded, openGuarded, recordSchemaVersion } from '@seedbed/environments/guard'
import { holding, majors, openShop, refusal, run, type Shop } from './support.js'

describe.each(majors)('PostgreSQL %i', version => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop(version)
  })
  afterAll(async () => {
    expect(await shop.canary()).toBe(49)
    await shop[Symbol.asyncDispose]()
  })
  const reset = () => openGuarded(shop.target('test'), 'reset', shop.options)

  /** What stands in the place of the marker: each would show a row that says test. */
  const tricks: Record<string, string> = {
    'a view': `alter table seedbed.marker rename to real; create view seedbed.marker as select * from seedbed.real`,
    'a materialized view': `alter table seedbed.marker rename to real; create materialized view seedbed.marker as select * from seedbed.real`,
    'a foreign table': `alter table seedbed.marker rename to real; create foreign data wrapper w; create server s foreign data wrapper w;
      create foreign table seedbed.marker (id uuid) server s`,
    'a partitioned table': `alter table seedbed.marker rename to real; create table seedbed.marker (like seedbed.real) partition by list (tier);
      create table seedbed.part partition of seedbed.marker default; insert into seedbed.marker select * from seedbed.real`,
    'a partition': `alter table seedbed.marker rename to real; create table seedbed.parent (like seedbed.real) partition by list (tier);
      create table seedbed.marker partition of seedbed.parent default; insert into seedbed.marker select * from seedbed.real`,
    'a table with children': `create table seedbed.child () inherits (seedbed.marker)`,
    'row security': `alter table seedbed.marker enable row level security; create policy all_of_it on seedbed.marker using (true)`,
    'forced row security': `alter table seedbed.marker force row level security`,
    'a rule': `create rule r as on update to seedbed.marker do instead nothing`,
    'an unlogged table': `alter table seedbed.marker set unlogged`,
    'two rows': `insert into seedbed.marker select * from seedbed.marker`,
    'no row': `delete from seedbed.marker`,
    'another column': `alter table seedbed.marker add column other text`,
    'a column less': `alter table seedbed.marker drop column marked_by`,
    'another type': `alter table seedbed.marker alter column environment type varchar`,
    'a domain': `create domain seedbed.text as pg_catalog.text; alter table seedbed.marker alter column environment type seedbed.text`,
    'a computed column': `alter table seedbed.marker drop column marked_by, add column marked_by text generated always as ('me') stored`,
    'no right to read it': `revoke all on seedbed.marker from public, maker; alter table seedbed.marker owner to postgres`,
    'no right to the schema': `alter schema seedbed owner to postgres; revoke all on schema seedbed from public, maker`,
  }

  const problems: Record<string, string> = {
    'a view': 'it is not a table',
    'a materialized view': 'it is not a table',
    'a foreign table': 'it is not a table',
    'a partitioned table': 'it is not a table',
    'a partition': 'it inherits',
    'a table with children': 'it inherits',
    'row security': 'it has row security',
    'forced row security': 'it has row security',
    'a rule': 'it has a rule',
    'an unlogged table': 'it is not permanent',
    'two rows': 'it has 2 rows',
    'no row': 'it has 0 rows',
    'another column': 'it has other columns',
    'a column less': 'it has other columns',
    'another type': 'it has other columns',
    'a domain': 'it has other columns',
    'a computed column': 'a column of it is computed',
    'no right to read it': 'permission denied',
    'no right to the schema': 'permission denied',
  }

  test.each(Object.keys(tricks))('%s in its place is strange, and strange is no', async trick => {
    await shop.admin('create database shop_kept template shop_test')
    await shop.admin(tricks[trick]!, 'shop_test')
    await expect(reset()).rejects.toMatchObject({
      code: 'GUARD_MARKER_STRANGE',
      message: expect.stringContaining(`cannot be relied on: ${problems[trick]}`),
    })
    // The same database again, as it was: its marker is made for the oid.
    await shop.admin('drop database shop_test')
    const oid = await oidIn('shop_kept')
    await shop.admin('alter database shop_kept rename to shop_test')
    await shop.admin(`update seedbed.marker set database_oid = ${oid}`, 'shop_test')
    await using session = await reset()
    assertGuarded(session, 'reset')
  })

  const oidIn = async (name: string) => {
    const [row] = await shop.admin<{ oid: number }>(`select oid from pg_database where datname = '${name}'`)
    return row!.oid
  }

  /** Functions, operators, types and tables of the same names, which go first by the search_path of the database. */
  const shadows = `
    create function public.current_database() returns name language sql as $$ select 'shop_test'::name $$;
    create function public.pg_is_in_recovery() returns boolean language sql as $$ select false $$;
    create function public.pg_backend_pid() returns integer language sql as $$ select 1 $$;
    create function public.pg_try_advisory_lock_shared(bigint) returns boolean language sql as $$ select true $$;
    create function public.pg_control_system(out pg_control_version integer, out catalog_version_no integer,
      out system_identifier bigint, out pg_control_last_modified timestamptz) language sql as $$ select 1, 1, 1::bigint, now() $$;
    create function public.always(name, name) returns boolean language sql as $$ select true $$;
    create operator public.= (leftarg = name, rightarg = name, function = public.always);
    create function public.never(oid, oid) returns boolean language sql as $$ select false $$;
    create operator public.= (leftarg = oid, rightarg = oid, function = public.never);
    create table public.pg_class (oid oid, relname name);
    create table public.pg_database (oid oid, datname name);
    insert into public.pg_database values (1, 'shop_test');
    create domain public.text as varchar;
    create view public.marker as select * from seedbed.marker`

  test('names that are shadowed do not bend what is seen', async () => {
    for (const database of ['shop_test', 'shop_staging']) {
      await shop.admin(shadows, database)
      await shop.admin(`alter database ${database} set search_path = public, pg_catalog`)
    }
    await shop.admin(`alter role maker set search_path = public, pg_catalog`)
    // They are in force: staging says of itself that it is test.
    const url = shop.urlFor({ user: 'maker', database: 'shop_staging' })
    expect(await run(url, 'select current_database() as name')).toEqual([{ name: 'shop_test' }])

    {
      await using session = await reset()
      const { rows } = await session.query('select current_database() as name')
      expect(rows).toEqual([{ name: 'shop_test' }])
    }
    await shop.admin('alter database shop_test rename to shop_before')
    await shop.admin('alter database shop_staging rename to shop_test')
    expect(await refusal(reset())).toBe('GUARD_MARKER_OF_ANOTHER')
    await shop.admin('alter database shop_test rename to shop_staging')
    await shop.admin('alter database shop_before rename to shop_test')
    await shop.admin(`alter role maker reset search_path`)
  })

  test('while a session is open the marker is not written, and while it is written none is opened', async () => {
    const session = await reset()
    const key = '32481108471997796'
    const alone = `select pg_try_advisory_lock(${key}) as taken`
    expect(await shop.admin(alone, 'shop_test')).toEqual([{ taken: false }])
    await using second = await reset()
    assertGuarded(second, 'reset')
    await session[Symbol.asyncDispose]()
    await second[Symbol.asyncDispose]()
    const url = new URL(shop.urlFor({ database: 'shop_test' }))
    await using claiming = await holding(url.href, alone)
    expect(claiming.rows).toEqual([{ taken: true }])
    expect(await refusal(reset())).toBe('GUARD_BUSY')
  })

  test('the marker says which schema the database has', async () => {
    await using session = await openGuarded(shop.target('test'), 'migrate', shop.options)
    await recordSchemaVersion(session, '0042_users.sql')
    const [row] = await shop.admin('select * from seedbed.marker', 'shop_test')
    expect(row).toMatchObject({
      project: 'shop',
      environment: 'test',
      tier: 'test',
      database: 'main',
      schema_version: '0042_users.sql',
      database_oid: await oidIn('shop_test'),
      marked_at: expect.any(Date),
      marked_by: expect.stringContaining('@'),
    })
  })
})
