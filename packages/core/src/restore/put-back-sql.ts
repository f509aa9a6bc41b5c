/**
 * `seedbed_restore.put_back(seen, facts)`: looks what was written, and puts it back, in one call.
 *
 * The first look is at the number of the next transaction. Whatever changes a row, an object or a sequence needs one, on the
 * whole server; where no transaction has ended since the last time, nothing was written.
 *
 * @param options whether the session may set `session_replication_role`; the server's major version
 */
export function putBackSql({ replica, version }: { replica: boolean; version: number }): string {
  return `${endSessions};
${sequencePositions(version)};
create function seedbed_restore.put_back(seen xid8, known jsonb) returns jsonb
language plpgsql set search_path = pg_catalog set row_security = off set lock_timeout = '5s' as $put_back$
declare
  ended jsonb := seedbed_restore.end_sessions();
  prepared jsonb;
  now pg_snapshot;
  afresh text[] := '{}';
  dirty oid[] := '{}';
  ddl text[];
  facts jsonb;
  moved text[] := '{}';
  tables text[] := '{}';
  unlinked int := 0;
  differs boolean;
  each record;
begin
  select coalesce(jsonb_agg(jsonb_build_object('gid', p.gid, 'user', p.owner)), '[]') into prepared
  from pg_prepared_xacts p where p.database = current_database();
  now := pg_current_snapshot();
  if prepared <> '[]' or (pg_snapshot_xmax(now) = seen and exists (select from seedbed_restore.witness w where w.nextval_is_logged)) then
    return seedbed_restore.found(ended, prepared, now, null, afresh, tables, moved, unlinked);
  end if;
  if not exists (select from seedbed_restore.witness) then
    afresh := afresh || 'the server has crashed, and has emptied the copies'::text;
  end if;

  with taken as (delete from seedbed_restore.written returning relation, written.ddl)
  select coalesce(array_agg(distinct t.relation) filter (where t.relation is not null), '{}'), array_agg(distinct t.ddl) filter (where t.ddl is not null)
  into dirty, ddl from taken t;
  afresh := afresh || coalesce(ddl, '{}');
  facts := seedbed_restore.facts();
  if facts <> known then
    select afresh || array_agg(f.key || ' has changed' order by f.key) into afresh
    from (select k.key from jsonb_object_keys(facts || known) k(key)) f where facts -> f.key is distinct from known -> f.key;
  end if;
  if exists (select from seedbed_restore.large_object l left join pg_largeobject_metadata m on m.oid = l.id
    where case when m.oid is null then true else md5(lo_get(l.id)) <> l.digest end)
  then
    afresh := afresh || 'a large object of the seed has changed'::text;
  end if;
  if afresh <> '{}' then
    return seedbed_restore.found(ended, prepared, now, null, afresh, tables, moved, unlinked);
  end if;

  if dirty <> '{}' then
    ${replica ? `perform set_config('session_replication_role', 'replica', true);` : 'set constraints all deferred;'}
    select array_agg(distinct m.id) into dirty
    from seedbed_restore.relation r, unnest(r.family) m(id) where r.id = any(dirty);
    for each in select r.* from seedbed_restore.relation r where r.id = any(dirty) and r.kind = 'r' order by r.rank desc, r.id loop
      if each.disable is not null then execute each.disable; end if;
      execute each.remove;
    end loop;
    for each in select r.* from seedbed_restore.relation r where r.id = any(dirty) and r.kind = 'r' order by r.rank, r.id loop
      execute each.bring;
      tables := tables || each.name;
    end loop;
${replica ? '' : checkAgain}    for each in select r.* from seedbed_restore.relation r where r.id = any(dirty) and r.enable is not null loop
      execute each.enable;
    end loop;
    for each in select r.* from seedbed_restore.relation r where r.id = any(dirty) and r.kind = 'm' order by r.id loop
      execute each.bring;
      /* That of the seed may have been stale. */
      if each.bring !~ ' with no data$' then
        execute format('select exists (select m::text from %1$s m except all select c.row from %2$s c)
          or exists (select c.row from %2$s c except all select m::text from %1$s m)',
          each.name, 'seedbed_restore.copy_' || each.id) into differs;
        if differs then
          afresh := afresh || format('REFRESH MATERIALIZED VIEW %s gives other rows than it has in the seed', each.name);
        end if;
      end if;
      tables := tables || each.name;
    end loop;
    ${replica ? `perform set_config('session_replication_role', 'origin', true);` : ''}
    /* What putting back has marked itself. */
    delete from seedbed_restore.written w where w.xmin = pg_current_xact_id()::xid;
    facts := seedbed_restore.facts();
  end if;
  select coalesce(array_agg(s.name order by s.name), '{}') into moved
  from (
    select s.name, setval(s.id, s.last_value, s.is_called)
    from seedbed_restore.sequence s join seedbed_restore.positions() p on p.id = s.id
    where (p.last_value, p.is_called) is distinct from (s.last_value, s.is_called)
  ) s;
  select count(lo_unlink(m.oid)) into unlinked
  from pg_largeobject_metadata m where not exists (select from seedbed_restore.large_object l where l.id = m.oid);
  return seedbed_restore.found(ended, prepared, now, facts, afresh, tables, moved, unlinked);
end
$put_back$;
create function seedbed_restore.found(ended jsonb, prepared jsonb, now pg_snapshot, facts jsonb, afresh text[], tables text[],
  moved text[], unlinked int) returns jsonb language sql as $found$
  select pg_catalog.jsonb_build_object('ended', ended, 'prepared', prepared, 'oldest', pg_catalog.pg_snapshot_xmin(now)::text,
    'own', pg_catalog.pg_current_xact_id_if_assigned()::text, 'facts', facts, 'afresh', afresh, 'tables', tables,
    'sequences', moved, 'largeObjects', unlinked)
$found$;`
}

// A statement that has failed is told to its client before it has ended; so whatever runs has a tenth of a second.
const endSessions = `
create function seedbed_restore.end_sessions() returns jsonb language plpgsql set search_path = pg_catalog as $end_sessions$
declare
  here oid := (select d.oid from pg_database d where d.datname = current_database());
  open jsonb;
  pid int;
begin
  for milliseconds in 0 .. 100 loop
    select coalesce(jsonb_agg(jsonb_build_object('pid', a.pid, 'user', pg_get_userbyid(a.usesysid), 'application', a.application_name,
      'in', case when a.state like 'idle in%' then 'transaction' when a.state = 'idle' then 'advisory lock' else 'statement' end)), '[]')
    into open
    from pg_stat_get_activity(null) a
    where a.datid = here and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
      and (a.state in ('active', 'idle in transaction', 'idle in transaction (aborted)', 'fastpath function call')
        or a.pid in (select l.pid from pg_locks l where l.locktype = 'advisory' and l.database = here));
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

/** A view would depend on the sequences, so that a test could not drop them. */
function sequencePositions(version: number): string {
  const body =
    version >= 18
      ? `select s.id, d.last_value, d.is_called from seedbed_restore.sequence s, pg_get_sequence_data(s.id) d`
      : `execute coalesce(
    (select string_agg(format('select %s::oid, last_value, is_called from %s', s.id, s.name), ' union all ') from seedbed_restore.sequence s),
    'select null::oid, null::bigint, null::boolean where false')`
  return `create function seedbed_restore.positions() returns table (id oid, last_value bigint, is_called boolean)
language plpgsql set search_path = pg_catalog as $positions$
#variable_conflict use_column
begin
  return query ${body};
end
$positions$`
}

/** Where foreign keys are in force, deleting a row may have taken others along. */
const checkAgain = `
    set constraints all immediate;
    for each in
      select r.* from seedbed_restore.relation r where r.kind = 'r' and r.id in (
        select unnest(f.family) from seedbed_restore.relation f join seedbed_restore.written w on w.relation = f.id
        where w.xmin = pg_current_xact_id()::xid)
    loop
      execute format('select exists (select from only %1$s t full join %2$s c on c.at = t.ctid and c.since = t.xmin
        where c.at is null or t.ctid is null)', each.name, 'seedbed_restore.copy_' || each.id) into differs;
      if differs then
        raise exception 'foreign keys have changed %', each.name;
      end if;
    end loop;
`
