import { expect, test } from 'vitest'
import { openRestore } from '../../src/restore/restore.js'
import { unseenSequences, unseenSessions } from '../../src/restore/unseen-sql.js'
import { place, type Place } from './support.js'

const schema = 'create table note (id serial primary key, body text)'
const takingTrigger = `create function take() returns trigger language plpgsql as $$ begin perform pg_advisory_lock(1); return null; end $$;
  create trigger take after insert on note execute function take()`

const nothingLeft = () => ({ mayBeOpen: false, mayHaveMoved: false })

/** What one look ends, where nothing is said to be open. */
async function endedIn({ url }: Place) {
  const restore = await openRestore({ url, told: nothingLeft })
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
    expect((await here.restore.putBack()).ended).toMatchObject([{ in: 'advisory lock' }])
  })

  test(`a session of which nobody has told is ended when it is in the way, as ${as}`, async () => {
    await using here = await place(`${schema}; insert into note (body) values ('seed')`, { as })
    await here.query(`update note set body = 'changed'`)
    const holder = await here.session()
    await holder.query(`set application_name = 'holder'; begin; update note set body = 'held'`)
    expect(await endedIn(here)).toEqual(['holder: transaction'])
    expect(await here.query('select body from note')).toEqual([{ body: 'seed' }])
  })

  test(`a sequence that moved without a trace is put back where somebody tells, or the catalogs do, as ${as}`, async () => {
    const hiding = `create function hide() returns bigint language sql as $$ select nextval('note_id_seq') $$`
    for (const [statements, moved] of [
      [schema, []],
      [`${schema}; ${hiding}`, ['public.note_id_seq']],
    ] as const) {
      await using here = await place(statements, { as })
      const restore = await openRestore({ url: here.url, told: nothingLeft })
      await here.query(`select nextval('note_id_seq')`)
      expect((await restore.putBack()).sequences).toEqual(moved)
      await here.query(`select nextval('note_id_seq')`)
      await here.query(`insert into note (body) values ('x')`)
      expect((await restore.putBack()).sequences, 'with a row').toEqual(['public.note_id_seq'])
      await restore.close()
      expect(await here.query(`select nextval('note_id_seq')`)).toEqual([{ nextval: '1' }])
    }
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

const next = `nextval('note_id_seq') > 0`
const moving = {
  'a function': `create function f() returns void language plpgsql as 'begin perform NEXTVAL(''note_id_seq''); end'`,
  'a function that sets': `create function f() returns bigint language sql as 'select setval(''note_id_seq'', 7)'`,
  'a block that undoes what it has done': `create function f() returns void language plpgsql as $$
    begin insert into note (body) values ('x'); raise exception 'no';
    EXCEPTION -- for a reason
      WHEN others then null; end $$`,
  'a view': `create view v as select ${next}`,
  'a rule': `create rule r as on update to note do also select ${next}`,
  'a check of a domain': `create domain d as int check (${next})`,
  'a policy': `create policy p on note using (${next})`,
  'the default of a domain': `create domain d as int default nextval('note_id_seq')`,
  'a default that does not depend on the sequence': `alter table note add more int default nextval('note_id_seq'::text)`,
  'a language of which nothing is known': `create language other handler plpgsql_call_handler`,
}
const notMoving = {
  'a default, which is for rows that are written': `alter table note add more int default nextval('note_id_seq')`,
  'an error': `create function f() returns void language plpgsql as $$ begin raise exception 'no'; end $$`,
}
const opening = {
  dblink: 'create extension dblink',
  postgres_fdw: 'create extension postgres_fdw',
  'a language that may do anything': `create language other handler plpgsql_call_handler`,
}

test('all that can take a lock, open a session or move a sequence, and names it, is looked at', async () => {
  await using here = await place(schema)
  const admin = await here.session('postgres')
  const does = async (condition: string, statement: string) => {
    await admin.query(`begin; drop schema seedbed_restore cascade; ${statement}`)
    const { rows } = await admin.query<{ does: boolean }>(`select ${condition} as does`)
    await admin.query('rollback')
    return rows[0]!.does
  }
  for (const [name, statement] of Object.entries({ ...naming, ...opening })) {
    expect(await does(unseenSessions, statement), name).toBe(true)
  }
  for (const [name, statement] of Object.entries(notNaming))
    expect(await does(unseenSessions, statement), name).toBe(false)
  for (const [name, statement] of Object.entries(moving))
    expect(await does(unseenSequences, statement), name).toBe(true)
  for (const [name, statement] of Object.entries(notMoving))
    expect(await does(unseenSequences, statement), name).toBe(false)
})
