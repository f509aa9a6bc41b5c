/**
 * `seedbed_restore.put_back(seen, facts)`: looks what was written, and puts it back, in one call.
 *
 * The first look is at the number of the next transaction. Whatever changes a row, an object or a sequence needs one, on the
 * whole server; where no transaction has ended since the last time, nothing was written.
 *
 * `seedbed_restore.open()` gets a session ready for it, and answers with the first facts. Where the session may set
 * `session_replication_role`, it does so for good: each change makes it forget its plans, which costs more than all the rest.
 *
 * @param options whether the session may set `session_replication_role`; the server's major version
 */
export function putBackSql({ replica, version }: { replica: boolean; version: number }): string {
  return `${endSessions};
${movedUncalled(version)};
create function seedbed_restore.open() returns jsonb language plpgsql as $open$
begin
  ${replica ? `perform pg_catalog.set_config('session_replication_role', 'replica', false);` : ''}
  return seedbed_restore.facts();
end
$open$;
create function seedbed_restore.put_back(seen xid8, known jsonb) returns jsonb
language plpgsql set search_path = pg_catalog set row_security = off set lock_timeout = '5s' set plan_cache_mode = force_generic_plan as $put_back$
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
  rewritten oid[];
  removing text;
  removed oid[];
  lost text[];
  bringing text;
  disable text;
  enable text;
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
${replica ? '' : '    set constraints all deferred;\n'}    select array_agg(distinct m.id) into dirty
    from seedbed_restore.relation r, unnest(r.family) m(id) where r.id = any(dirty);
    select string_agg(format('seedbed_restore.remove_%s(%L)', r.id, r.file <> pg_relation_filenode(r.id)), ', ' order by r.rank desc, r.id),
      array_agg(r.id) filter (where r.file <> pg_relation_filenode(r.id)),
      coalesce(array_agg(r.id order by r.rank desc, r.id), '{}'), coalesce(array_agg(r.name order by r.rank, r.id), '{}'),
      string_agg(r.disable, '; '), string_agg(r.enable, '; ')
    into removing, rewritten, removed, tables, disable, enable
    from seedbed_restore.relation r where r.id = any(dirty) and r.kind = 'r';
    if disable is not null then execute disable; end if;
    if removing is not null then
      execute format('select array[%s]', removing) into lost;
      select string_agg(format('seedbed_restore.bring_%s(%L)', l.id, l.lost), ', ' order by l.place desc) into bringing
      from unnest(removed, lost) with ordinality l(id, lost, place) where l.lost is not null;
      if bringing is not null then execute format('select array[%s]', bringing); end if;
      if rewritten is not null then
        update seedbed_restore.relation r set file = pg_relation_filenode(r.id) where r.id = any(rewritten);
      end if;
    end if;
${replica ? '' : checkAgain}    if enable is not null then execute enable; end if;
    for each in select r.* from seedbed_restore.relation r where r.id = any(dirty) and r.kind = 'm' order by r.id loop
      execute each.refresh;
      /* That of the seed may have been stale. */
      if each.refresh !~ ' with no data$' then
        execute format('select exists (select m::text from %1$s m except all select c.row from %2$s c)
          or exists (select c.row from %2$s c except all select m::text from %1$s m)',
          each.name, 'seedbed_restore.copy_' || each.id) into differs;
        if differs then
          afresh := afresh || format('REFRESH MATERIALIZED VIEW %s gives other rows than it has in the seed', each.name);
        end if;
      end if;
      tables := tables || each.name;
    end loop;
    /* What putting back has marked itself. */
    delete from seedbed_restore.written w where w.xmin = pg_current_xact_id()::xid;
    if enable is not null then facts := seedbed_restore.facts(); end if;
  end if;
  select coalesce(array_agg(s.name order by s.name), '{}') into moved
  from (
    select s.name, setval(s.id, s.last_value, s.is_called) from seedbed_restore.sequence s
    where pg_sequence_last_value(s.id) is distinct from case when s.is_called then s.last_value end
      or s.id in (select u.id from seedbed_restore.moved_uncalled() u)
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

/**
 * Sequences that nobody had called, where they stand elsewhere now: their value is known only to those who read them, which costs six
 * times what `pg_sequence_last_value` does. A view would depend on them, so that a test could not drop them.
 */
function movedUncalled(version: number): string {
  const read =
    version >= 18
      ? 'select d.last_value into value from pg_get_sequence_data(s.id) d'
      : `execute format('select last_value from %s', s.name) into value`
  return `create function seedbed_restore.moved_uncalled() returns table (id oid) language plpgsql set search_path = pg_catalog as $uncalled$
#variable_conflict use_column
declare
  s record;
  value bigint;
begin
  for s in select q.id, q.name, q.last_value from seedbed_restore.sequence q where not q.is_called loop
    ${read};
    if value <> s.last_value then
      id := s.id;
      return next;
    end if;
  end loop;
end
$uncalled$`
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
