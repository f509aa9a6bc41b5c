/**
 * What no trigger tells of: settings of the database, and where there is no event trigger, the catalogs. A row of a catalog that
 * is new or changed has a higher xmin than all before it; so a count and a sum together are the same only if none was
 * added, changed or removed. What belongs to temporary objects is left out.
 */
export function factsSql({ superuser }: { superuser: boolean }): string {
  return `
create function seedbed_restore.facts() returns jsonb language plpgsql as $facts$
declare
  facts jsonb;${superuser ? '' : '\n  each record;\n  fact text;'}
begin
  select jsonb_build_object(
    'the database', (select concat(d.ctid, ' ', d.xmin)),
    'settings of the database', (select concat(count(*), ' ', sum(s.xmin::text::bigint))
      from pg_db_role_setting s where s.setdatabase = d.oid)
  ) into facts from pg_database d where d.datname = current_database();${superuser ? '' : catalogsSql}
  return facts;
end
$facts$;`
}

const permanent = (column: string) =>
  `not exists (select from pg_class t where t.oid = ${column} and t.relpersistence = 't')`
const notTemporary = (column: string) =>
  `not exists (select from pg_namespace t where t.oid = ${column} and t.nspname ~ '^pg_(toast_)?temp_')`

/** Catalogs, with a condition on their rows where temporary objects have some. Statistics are nobody's schema. */
const catalogs: Record<string, string> = {
  pg_attribute: permanent('attrelid'),
  pg_attrdef: permanent('adrelid'),
  pg_constraint: permanent('conrelid'),
  pg_index: permanent('indrelid'),
  pg_trigger: permanent('tgrelid'),
  pg_sequence: permanent('seqrelid'),
  pg_rewrite: permanent('ev_class'),
  pg_inherits: permanent('inhrelid'),
  pg_policy: 'true',
  pg_type: notTemporary('typnamespace'),
  pg_enum: `not exists (select from pg_type e where e.oid = enumtypid and not (${notTemporary('e.typnamespace')}))`,
  pg_proc: notTemporary('pronamespace'),
  pg_operator: notTemporary('oprnamespace'),
  pg_namespace: notTemporary('pg_namespace.oid'),
  pg_description: `classoid <> 'pg_class'::regclass or ${permanent('objoid')}`,
  ...Object.fromEntries(
    [
      ...['aggregate', 'am', 'amop', 'amproc', 'cast', 'collation', 'conversion', 'default_acl', 'extension'],
      ...['foreign_data_wrapper', 'foreign_server', 'foreign_table', 'init_privs', 'language', 'opclass', 'opfamily'],
      ...['partitioned_table', 'publication', 'publication_rel', 'range', 'seclabel', 'statistic_ext', 'transform'],
      ...['ts_config', 'ts_config_map', 'ts_dict', 'ts_parser', 'ts_template'],
    ].map(name => [`pg_${name}`, 'true']),
  ),
}

// TRUNCATE gives a table another file, which is no DDL; so of pg_class the definition counts, and not the row.
const catalogsSql = `
  select facts || jsonb_object_agg(f.name, f.fact) into facts from (
    ${Object.entries(catalogs)
      .map(
        ([name, condition]) =>
          `select '${name}' as name, concat(count(*), ' ', sum(xmin::text::bigint)) as fact from ${name} where ${condition}`,
      )
      .join('\n    union all ')}
    union all select 'pg_class', concat(count(*), ' ', sum(hashtextextended(concat_ws(' ', oid, relname, relnamespace, relowner, relam,
        reltablespace, relhasindex, relpersistence, relkind, relnatts, relchecks, relhasrules, relhastriggers, relrowsecurity,
        relforcerowsecurity, relispopulated, relreplident, relispartition, relacl, reloptions), 0)::numeric))
      from pg_class where relpersistence <> 't'
  ) f;
  for each in
    select r.name from seedbed_restore.relation r join pg_class c on c.oid = r.id where r.kind = 'm' and c.relispopulated
  loop
    execute format('select concat(count(*), '' '', sum(xmin::text::bigint)) from %s', each.name) into fact;
    facts := facts || jsonb_build_object('materialized view ' || each.name, fact);
  end loop;`
