/**
 * `seedbed_restore.look(seen, facts, locks)`: ends the sessions that are in the middle of something, and looks what was written since
 * the last time. The marks are gone then. `locks` says whether a session lock counts.
 *
 * The first look is at the number of the next transaction. Whatever changes a row, an object or a sequence needs one, on the
 * whole server; where no transaction has ended since the last time, nothing was written.
 *
 * @param options the server's major version
 */
export function lookSql({ version }: { version: number }): string {
  return `${endSessions};
${movedUncalled(version)};
${moved};
create type seedbed_restore.looked as (
  /* nothing was written, or it calls for another database, or a prepared transaction is to be rolled back first */
  is_over boolean,
  ended jsonb,
  prepared jsonb,
  now pg_snapshot,
  afresh text[],
  /* with all partitions and heirs */
  dirty oid[],
  facts jsonb
);
create function seedbed_restore.look(seen xid8, known jsonb, locks boolean) returns seedbed_restore.looked language plpgsql as $look$
declare
  look seedbed_restore.looked;
  ddl text[];
begin
  look.is_over := true;
  look.afresh := '{}';
  look.ended := seedbed_restore.end_sessions(locks);
  select coalesce(jsonb_agg(jsonb_build_object('gid', p.gid, 'user', pg_get_userbyid(p.ownerid))), '[]') into look.prepared
  from pg_prepared_xact() p where p.dbid = (select d.oid from pg_database d where d.datname = current_database());
  look.now := pg_current_snapshot();
  if look.prepared <> '[]'
    or (pg_snapshot_xmax(look.now) = seen and exists (select from seedbed_restore.witness w where w.nextval_is_logged))
  then
    return look;
  end if;
  if not exists (select from seedbed_restore.witness) then
    look.afresh := look.afresh || 'the server has crashed, and has emptied the copies'::text;
  end if;

  with taken as (delete from seedbed_restore.written returning relation, written.ddl)
  select coalesce(array_agg(distinct t.relation) filter (where t.relation is not null), '{}'),
    array_agg(distinct t.ddl) filter (where t.ddl is not null)
  into look.dirty, ddl from taken t;
  if look.dirty <> '{}' then
    select array_agg(distinct m.id) into look.dirty
    from seedbed_restore.relation r, unnest(r.family) m(id) where r.id = any(look.dirty);
  end if;
  look.afresh := look.afresh || coalesce(ddl, '{}');
  look.facts := seedbed_restore.facts();
  if look.facts <> known then
    select look.afresh || array_agg(f.key || ' has changed' order by f.key) into look.afresh
    from (select k.key from jsonb_object_keys(look.facts || known) k(key)) f where look.facts -> f.key is distinct from known -> f.key;
  end if;
  if exists (select from seedbed_restore.large_object l left join pg_largeobject_metadata m on m.oid = l.id
    where case when m.oid is null then true else md5(lo_get(l.id)) <> l.digest end)
  then
    look.afresh := look.afresh || 'a large object has changed that was there before'::text;
  end if;
  look.is_over := look.afresh <> '{}';
  return look;
end
$look$;
create function seedbed_restore.found(look seedbed_restore.looked, tables text[], moved text[], unlinked int) returns jsonb
language sql as $found$
  select pg_catalog.jsonb_build_object('ended', look.ended, 'prepared', look.prepared,
    'oldest', pg_catalog.pg_snapshot_xmin(look.now)::text, 'own', pg_catalog.pg_current_xact_id_if_assigned()::text,
    'facts', look.facts, 'afresh', look.afresh, 'tables', tables, 'sequences', moved, 'largeObjects', unlinked)
$found$`
}

// A statement that has failed is told to its client before it has ended; so whatever runs has a tenth of a second. The locks
// of the whole server are read only if somebody here is idle and may have one: that costs more than all the rest.
const endSessions = `
create function seedbed_restore.end_sessions(locks boolean) returns jsonb language plpgsql as $end_sessions$
declare
  open jsonb;
  pid int;
begin
  for milliseconds in 0 .. 100 loop
    select jsonb_agg(jsonb_build_object('pid', a.pid, 'user', pg_get_userbyid(a.usesysid), 'application', a.application_name,
      'in', case when a.state like 'idle in%' then 'transaction' when a.state = 'idle' then 'advisory lock' else 'statement' end))
    into open
    from pg_stat_get_activity(null) a
    where a.datid = (select d.oid from pg_database d where d.datname = current_database())
      and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
      and (a.state in ('active', 'idle in transaction', 'idle in transaction (aborted)', 'fastpath function call')
        or locks and a.pid in (select l.pid from pg_lock_status() l where l.locktype = 'advisory'
          and l.database = (select d.oid from pg_database d where d.datname = current_database())));
    if open is null then
      return '[]';
    end if;
    exit when not open @> '[{"in": "statement"}]';
    perform pg_sleep(0.001), pg_stat_clear_snapshot();
  end loop;
  for pid in select (o ->> 'pid')::int from jsonb_array_elements(open) o loop
    if not pg_terminate_backend(pid, 5000) and exists (select from pg_stat_get_activity(pid)) then
      raise exception 'session % does not end', pid;
    end if;
  end loop;
  return open;
end
$end_sessions$`

/** Those that stand elsewhere than they are to. */
const moved = `
create function seedbed_restore.moved() returns setof seedbed_restore.sequence language sql stable as $moved$
  select s.* from seedbed_restore.sequence s
  where s.went is null and (pg_sequence_last_value(s.id) is distinct from case when s.is_called then s.last_value end
    or s.id in (select u.id from seedbed_restore.moved_uncalled() u))
$moved$`

/**
 * Sequences that nobody had called, where they stand elsewhere now: their value is known only to those who read them, which costs six
 * times what `pg_sequence_last_value` does. A view would depend on them, so that a test could not drop them.
 */
function movedUncalled(version: number): string {
  const read =
    version >= 18
      ? 'select d.last_value into value from pg_get_sequence_data(s.id) d'
      : `execute format('select last_value from %s', s.name) into value`
  return `create function seedbed_restore.moved_uncalled() returns table (id oid) language plpgsql as $uncalled$
#variable_conflict use_column
declare
  s record;
  value bigint;
begin
  for s in select q.id, q.name, q.last_value from seedbed_restore.sequence q where not q.is_called and q.went is null loop
    ${read};
    if value <> s.last_value then
      id := s.id;
      return next;
    end if;
  end loop;
end
$uncalled$`
}
