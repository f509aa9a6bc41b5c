/**
 * `seedbed_restore.put_back(seen, facts, released, sessions, sequences, since, ours)`: looks what was written, and puts it back, in one call.
 * `released` is the hold that ends with it, if one does that holds something. No transaction of the copies' rows has a number of `since`
 * or above, but for `ours`; null if that is not so.
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
create function seedbed_restore.put_back(seen xid8, known jsonb, released smallint, sessions boolean, sequences boolean,
  since xid8, ours xid[])
returns jsonb language plpgsql as $put_back$
declare
  look seedbed_restore.looked;
  young int := age(since::xid);
  moved text[] := '{}';
  tables text[] := '{}';
  ${replica ? '' : 'lost text[];\n  removing text;\n  '}bringing text;
  rewritten oid[];
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
    sequences := true;
    young := null;
  end if;
  look := seedbed_restore.look(seen, known, sessions, sequences);
  if look.is_over then
    return seedbed_restore.found(look, tables, moved, unlinked);
  end if;

  if look.dirty <> '{}' then
    select ${replica ? '' : `string_agg(d.removing, ', ' order by d.rank desc, d.id), `}string_agg(d.bringing, ', ' order by d.rank, d.id),
      array_agg(d.id) filter (where d.is_moved), coalesce(array_agg(d.name order by d.rank, d.id), '{}'),
      string_agg(d.disable, '; '), string_agg(d.enable, '; ')
    into ${replica ? '' : 'removing, '}bringing, rewritten, tables, disable, enable
    from (
      select r.id, r.name, r.rank, r.disable, r.enable, f.is_moved, ${replica ? atOnce : inTwoPasses}
      from seedbed_restore.relation r, lateral (select r.file <> pg_relation_filenode(r.id) as is_moved) f,
        lateral (select case when f.is_moved then 'moved' when young is null or r.id = any(look.changed) then 'changed' else 'added' end as what,
          0::smallint || (select array_agg(h.hold) from seedbed_restore.held h where h.relation = r.id) as holds) w
      where r.id = any(look.dirty) and r.kind = 'r'
    ) d;
    if disable is not null then execute disable; end if;
    if bringing is not null then
${replica ? '' : runPasses}      execute format('select array[%s]', bringing) using ${replica ? 'young, ours' : 'lost'};
    end if;
    if rewritten is not null then
      update seedbed_restore.relation r set file = pg_relation_filenode(r.id) where r.id = any(rewritten);
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
  select (select coalesce(array_agg(s.name order by s.name), '{}')
      from (select m.name, setval(m.id, m.last_value, m.is_called) from seedbed_restore.moved(case when not sequences then look.dirty end) m) s),
    (select count(lo_unlink(m.oid)) from pg_largeobject_metadata m
      where not exists (select from seedbed_restore.large_object l where l.id = m.oid))
  into moved, unlinked;
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
    // All is in memory. A row whose place is known would otherwise be looked for in the whole of a small table.
    random_page_cost: '0.01',
    ...(replica ? { session_replication_role: 'replica' } : {}),
  }
  return Object.entries(settings)
    .map(([name, value]) => `['${name}', '${value}']`)
    .join(', ')
}

/** Each table's rows go and come before the next one's. */
const atOnce = `format('seedbed_restore.bring_%1$s(seedbed_restore.remove_%1$s(%2$L, $1, $2), %3$L)', r.id, w.what, w.holds) as bringing`

/** Where foreign keys are in force, all go, children first, and then come, parents first. */
const inTwoPasses = `format('seedbed_restore.remove_%s(%L, $1, $2)::text', r.id, w.what) as removing,
        format('seedbed_restore.bring_%s($1[%s]::tid[], %L)', r.id, row_number() over (order by r.rank desc, r.id), w.holds) as bringing`

const runPasses = `      set constraints all deferred;
      execute format('select array[%s]', removing) into lost using young, ours;
`

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
