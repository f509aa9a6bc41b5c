/**
 * `seedbed_restore.look(seen, facts, sessions, sequences)`: looks what was written since the last time, and the marks are gone
 * then. If `sessions`, some may be in the middle of something or hold a session lock, and are ended first. If `sequences`, some may have
 * moved though no row was written; otherwise the look is over where none was written, for they are most of what a clean one costs.
 *
 * The first look is at the number of the next transaction. Whatever changes a row, an object or a sequence needs one, on the
 * whole server; where no transaction has ended since the last time, nothing was written.
 *
 * Few statements: here each costs more than what it looks at.
 *
 * @param options the server's major version
 */
export function lookSql({ version }: { version: number }): string {
  return `${endSessions};
${moved(version)};
create type seedbed_restore.looked as (
  /* nothing was written, or it calls for another database, or a prepared transaction is to be rolled back first */
  is_over boolean,
  ended jsonb,
  prepared jsonb,
  now pg_snapshot,
  afresh text[],
  /* with all partitions and heirs */
  dirty oid[],
  /* those of them to which rows were not only added */
  changed oid[],
  facts jsonb
);
create function seedbed_restore.look(seen xid8, known jsonb, sessions boolean, sequences boolean)
returns seedbed_restore.looked language plpgsql as $look$
declare
  look seedbed_restore.looked;
  is_prepared boolean;
  nextval_is_logged boolean;
  is_marked boolean;
  has_objects boolean;
  ddl text[];
begin
  look.is_over := true;
  look.afresh := '{}';
  look.ended := '[]';
  look.prepared := '[]';
  look.dirty := '{}';
  look.changed := '{}';
  if sessions then
    look.ended := seedbed_restore.end_sessions();
  end if;
  select pg_current_snapshot(), exists (select from pg_prepared_xact()), (select w.nextval_is_logged from seedbed_restore.witness w),
    exists (select from seedbed_restore.large_object) or exists (select from pg_largeobject_metadata)
  into look.now, is_prepared, nextval_is_logged, has_objects;
  if is_prepared then
    select coalesce(jsonb_agg(jsonb_build_object('gid', p.gid, 'user', pg_get_userbyid(p.ownerid))), '[]') into look.prepared
    from pg_prepared_xact() p where p.dbid = (select d.oid from pg_database d where d.datname = current_database());
    if look.prepared <> '[]' then
      return look;
    end if;
  end if;
  if nextval_is_logged and pg_snapshot_xmax(look.now) = seen then
    return look;
  end if;
  if nextval_is_logged is null then
    look.afresh := look.afresh || 'the server has crashed, and has emptied the copies'::text;
  end if;

  select exists (select from seedbed_restore.written), seedbed_restore.facts() into is_marked, look.facts;
  if is_marked then
    with taken as (
      delete from seedbed_restore.written returning relation, written.ddl, adds
    ), marked as (
      select t.relation, bool_and(t.adds) is true as adds, array_agg(distinct t.ddl) filter (where t.ddl is not null) as ddl
      from taken t group by t.relation
    ), families as (
      select m.adds, f.id from marked m join seedbed_restore.relation r on r.id = m.relation, unnest(r.family) f(id)
    )
    select coalesce((select array_agg(distinct f.id) from families f), '{}'),
      coalesce((select array_agg(distinct f.id) from families f where not f.adds), '{}'),
      (select m.ddl from marked m where m.ddl is not null)
    into look.dirty, look.changed, ddl;
    look.afresh := look.afresh || coalesce(ddl, '{}');
  end if;
  if look.facts <> known then
    select look.afresh || array_agg(f.key || ' has changed' order by f.key) into look.afresh
    from (select k.key from jsonb_object_keys(look.facts || known) k(key)) f where look.facts -> f.key is distinct from known -> f.key;
  end if;
  if has_objects and exists (select from seedbed_restore.large_object l left join pg_largeobject_metadata m on m.oid = l.id
    where case when m.oid is null then true else md5(lo_get(l.id)) <> l.digest end)
  then
    look.afresh := look.afresh || 'a large object has changed that was there before'::text;
  end if;
  look.is_over := look.afresh <> '{}' or not (is_marked or sequences or has_objects);
  return look;
end
$look$;
create function seedbed_restore.found(look seedbed_restore.looked, tables text[], moved text[], unlinked int) returns jsonb
language sql as $found$
  select pg_catalog.jsonb_build_object('ended', look.ended, 'prepared', look.prepared,
    'oldest', pg_catalog.pg_snapshot_xmin(look.now)::text, 'own', pg_catalog.pg_current_xact_id_if_assigned()::text,
    'next', pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text,
    'facts', look.facts, 'afresh', look.afresh, 'tables', tables, 'sequences', moved, 'largeObjects', unlinked)
$found$`
}

// A statement that has failed is told to its client before it has ended; so whatever runs has a tenth of a second. To read
// the sessions costs 60 µs and more, by `max_connections`; the locks of the whole server, which are read only if somebody here is idle,
// five times that.
const endSessions = `
create function seedbed_restore.end_sessions() returns jsonb language plpgsql as $end_sessions$
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
        or a.pid in (select l.pid from pg_lock_status() l where l.locktype = 'advisory'
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

/**
 * Those that stand elsewhere than they are to; if `dirty` is not null, of those that rows of other tables have their defaults from none
 * has moved. `pg_sequence_last_value` is null for one that nobody has called, whose value is known
 * only to those who read it; that costs six times as much. A view would depend on them, so that a test could not drop them.
 */
function moved(version: number): string {
  const uncalled =
    version >= 18 ? '(select d.last_value from pg_get_sequence_data(s.id) d)' : 'seedbed_restore.value_of(s.name)'
  return `${version >= 18 ? '' : valueOf}create function seedbed_restore.moved(dirty oid[]) returns setof seedbed_restore.sequence
language sql stable as $moved$
  select s.* from seedbed_restore.sequence s
  where s.went is null and (dirty is null or s.of is null or s.of = any(dirty)) and case when s.is_called then pg_sequence_last_value(s.id) is distinct from s.last_value
    else pg_sequence_last_value(s.id) is not null or ${uncalled} <> s.last_value end
$moved$`
}

const valueOf = `create function seedbed_restore.value_of(sequence text) returns bigint language plpgsql stable as $value_of$
declare
  value bigint;
begin
  execute format('select last_value from %s', sequence) into value;
  return value;
end
$value_of$;
`
