/**
 * `seedbed_restore.put_back(seen, facts, released, locks)`: looks what was written, and puts it back, in one call. `released` is the
 * hold that ends with it, if one does that holds something.
 *
 * `seedbed_restore.open()` gets a session ready for all of our functions, and answers with the first facts. Where the session may
 * set `session_replication_role`, it does so for good: each change makes it forget its plans, which costs more than all the rest.
 *
 * @param options whether the session may set `session_replication_role`
 */
export function putBackSql({ replica }: { replica: boolean }): string {
  return `
create function seedbed_restore.open() returns jsonb language plpgsql as $open$
declare
  setting text[];
begin
  foreach setting slice 1 in array array[${sessionSettings({ replica })}] loop
    perform pg_catalog.set_config(setting[1], setting[2], false);
  end loop;
  return seedbed_restore.facts();
end
$open$;
create function seedbed_restore.put_back(seen xid8, known jsonb, released smallint, locks boolean) returns jsonb
language plpgsql as $put_back$
declare
  look seedbed_restore.looked;
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
  populated boolean;
  differs boolean;
  each record;
begin
  if released is not null then
    perform seedbed_restore.give_back(released);
    seen := '0';
  end if;
  look := seedbed_restore.look(seen, known, locks);
  if look.is_over then
    return seedbed_restore.found(look, tables, moved, unlinked);
  end if;

  if look.dirty <> '{}' then
${replica ? '' : '    set constraints all deferred;\n'}    select string_agg(format('seedbed_restore.remove_%s(%L)', r.id, r.file <> pg_relation_filenode(r.id)), ', ' order by r.rank desc, r.id),
      array_agg(r.id) filter (where r.file <> pg_relation_filenode(r.id)),
      coalesce(array_agg(r.id order by r.rank desc, r.id), '{}'), coalesce(array_agg(r.name order by r.rank, r.id), '{}'),
      string_agg(r.disable, '; '), string_agg(r.enable, '; ')
    into removing, rewritten, removed, tables, disable, enable
    from seedbed_restore.relation r where r.id = any(look.dirty) and r.kind = 'r';
    if disable is not null then execute disable; end if;
    if removing is not null then
      execute format('select array[%s]', removing) into lost;
      select string_agg(format('seedbed_restore.bring_%s(%L, %L)', l.id, l.lost, h.hold), ', ' order by l.place desc, h.hold) into bringing
      from unnest(removed, lost) with ordinality l(id, lost, place),
        lateral (select 0 as hold union all select k.hold from seedbed_restore.held k where k.relation = l.id) h
      where l.lost is not null;
      if bringing is not null then execute format('select array[%s]', bringing); end if;
      if rewritten is not null then
        update seedbed_restore.relation r set file = pg_relation_filenode(r.id) where r.id = any(rewritten);
      end if;
    end if;
${replica ? '' : checkAgain}    if enable is not null then execute enable; end if;
    for each in select r.* from seedbed_restore.relation r where r.id = any(look.dirty) and r.kind = 'm' order by r.id loop
      execute format('select not exists (select from %s c where c.row is null and c.went is null)', 'seedbed_restore.copy_' || each.id)
      into populated;
      execute format('refresh materialized view %s %s', each.name, case when populated then '' else 'with no data' end);
      /* What is to come back may have been stale. */
      if populated then
        execute format('select exists (select (m.*)::text from %1$s m except all select c.row from %2$s c where c.went is null)
          or exists (select c.row from %2$s c where c.went is null except all select (m.*)::text from %1$s m)',
          each.name, 'seedbed_restore.copy_' || each.id) into differs;
        if differs then
          look.afresh := look.afresh || format('REFRESH MATERIALIZED VIEW %s gives other rows than it had', each.name);
        end if;
      end if;
      tables := tables || each.name;
    end loop;
    /* What putting back has marked itself. */
    delete from seedbed_restore.written w where w.xmin = pg_current_xact_id()::xid;
    if enable is not null then look.facts := seedbed_restore.facts(); end if;
  end if;
  select coalesce(array_agg(s.name order by s.name), '{}') into moved
  from (select m.name, setval(m.id, m.last_value, m.is_called) from seedbed_restore.moved() m) s;
  select count(lo_unlink(m.oid)) into unlinked
  from pg_largeobject_metadata m where not exists (select from seedbed_restore.large_object l where l.id = m.oid);
  return seedbed_restore.found(look, tables, moved, unlinked);
end
$put_back$`
}

/**
 * Set once, for each function would pay for them at each call. The role or the database may have others: in one snapshot of a whole
 * transaction, what was committed while it waited for sessions would not be seen.
 */
function sessionSettings({ replica }: { replica: boolean }): string {
  const settings = {
    search_path: 'pg_catalog',
    row_security: 'off',
    lock_timeout: '5s',
    statement_timeout: '0',
    default_transaction_isolation: 'read committed',
    default_transaction_read_only: 'off',
    plan_cache_mode: 'force_generic_plan',
    ...(replica ? { session_replication_role: 'replica' } : {}),
  }
  return Object.entries(settings)
    .map(([name, value]) => `['${name}', '${value}']`)
    .join(', ')
}

/** Where foreign keys are in force, deleting a row may have taken others along. */
const checkAgain = `
    set constraints all immediate;
    for each in
      select r.* from seedbed_restore.relation r where r.kind = 'r' and r.id in (
        select unnest(f.family) from seedbed_restore.relation f join seedbed_restore.written w on w.relation = f.id
        where w.xmin = pg_current_xact_id()::xid)
    loop
      execute format('select exists (select from only %1$s t
        full join (select l.at, l.since from %2$s l where l.went is null) c on c.at = t.ctid
        where c.since is distinct from t.xmin)', each.name, 'seedbed_restore.copy_' || each.id) into differs;
      if differs then
        raise exception 'foreign keys have changed %', each.name;
      end if;
    end loop;
`
