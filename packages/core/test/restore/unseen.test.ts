import { expect, test } from 'vitest'
import { namesLocks } from '../../src/restore/names-locks-sql.js'
import { openRestore } from '../../src/restore/restore.js'
import { place, type Place } from './support.js'

const schema = 'create table note (id serial primary key, body text)'
const takingTrigger = `create function take() returns trigger language plpgsql as $$ begin perform pg_advisory_lock(1); return null; end $$;
  create trigger take after insert on note execute function take()`

/** What one look ends, where the locks that statements name are given back. */
async function endedIn({ url }: Place) {
  const restore = await openRestore({ url, locksGivenBack: true })
  const { ended } = await restore.putBack()
  await restore.close()
  return ended.map(({ application, in: open }) => `${application}: ${open}`)
}

for (const as of ['superuser', 'owner'] as const) {
  test(`a lock that a trigger takes is found, though no statement names it, as ${as}`, async () => {
    await using here = await place(`${schema}; ${takingTrigger}`, { as })
    const writer = await here.session()
    await writer.query(`set application_name = 'writer'; insert into note (body) values ('x')`)
    expect(await endedIn(here)).toEqual(['writer: advisory lock'])
  })

  test(`where nothing in the database names locks, only those look for them who have not given them back, as ${as}`, async () => {
    await using here = await place(schema, { as })
    const holder = await here.session()
    await holder.query(`set application_name = 'holder'; select pg_advisory_lock(1)`)
    expect(await endedIn(here)).toEqual([])
    await holder.query('begin')
    expect(await endedIn(here), 'a transaction').toEqual(['holder: transaction'])
    const another = await here.session()
    await another.query(`select pg_advisory_lock(1)`)
    expect((await here.restore.putBack()).ended).toMatchObject([{ in: 'advisory lock' }])
  })
}

const lock = 'pg_try_advisory_lock(1)'
const naming = {
  'a function': `create function f() returns void language plpgsql as 'begin perform PG_ADVISORY_LOCK(1); end'`,
  'a procedure with a body in SQL': `create procedure p() language sql begin atomic select ${lock}; end`,
  'the default of an argument': `create function f(a boolean default ${lock}) returns int language sql as 'select 1'`,
  'a function by another name': `create function f(bigint) returns void language internal as 'pg_advisory_lock_int8'`,
  'a function of an extension': `create function f() returns void language plpgsql as 'begin perform ${lock}; end';
    alter extension plpgsql add function f()`,
  'a view': `create view v as select ${lock}`,
  'a materialized view': `create materialized view v as select ${lock} with no data`,
  'a rule': `create rule r as on insert to note do also select ${lock}`,
  'a default': `alter table note add taken boolean default ${lock}`,
  'a check': `alter table note add check (${lock})`,
  'a domain’s default': `create domain d as boolean default ${lock}`,
  'a domain’s check': `create domain d as int check (${lock})`,
  'a policy': `create policy p on note using (${lock})`,
  'a policy for what is written': `create policy p on note for insert with check (${lock})`,
  'a trigger’s condition': `create trigger t before insert on note for each row when (${lock})
    execute function suppress_redundant_updates_trigger()`,
}
const notNaming = {
  'a table': 'create table advisory_board (advisory text)',
  'a lock that ends with the transaction': `create function f() returns void language sql as
    'select pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(1), pg_advisory_unlock(1)'`,
}

test('all that can name a lock is looked at', async () => {
  await using here = await place(schema)
  const admin = await here.session('postgres')
  const names = async (statement: string) => {
    await admin.query(`begin; drop schema seedbed_restore cascade; ${statement}`)
    const { rows } = await admin.query<{ names: boolean }>(`select ${namesLocks} as names`)
    await admin.query('rollback')
    return rows[0]!.names
  }
  for (const [name, statement] of Object.entries(naming)) expect(await names(statement), name).toBe(true)
  for (const [name, statement] of Object.entries(notNaming)) expect(await names(statement), name).toBe(false)
})
