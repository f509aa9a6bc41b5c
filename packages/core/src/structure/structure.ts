import type { Reader } from '../migrations/migration-history.js'

/** What a database is built of: an object, as people call it (`table public.users`), → a hash of its definition. */
export type Structure = Record<string, string>

/**
 * The tables, views, sequences, functions and types of the application, with all that hangs on them: columns, constraints,
 * indexes, triggers, policies. Not owners and grants, which differ between environments, nor what extensions have brought. Of two
 * databases that have had the same migrations it is the same; rows, and the numbers by which the server knows objects, do not count.
 *
 * @param db a session whose search_path is pg_catalog, as those of the guard: definitions are written with all schemas then
 * @example await structureOf(session) // { 'table public.users': '9e10…', 'sequence public.users_id_seq': '1f0c…' }
 */
export async function structureOf(db: Reader): Promise<Structure> {
  const { rows } = await db.query<{ object: string; hash: string }>(structureQuery)
  return Object.fromEntries(rows.map(({ object, hash }) => [object, hash]))
}

/**
 * What differs, for people; empty if nothing does.
 *
 * @example describeDrift({ 'table public.a': '1' }, { 'table public.b': '1' }) // ['table public.b is new', 'table public.a is gone']
 */
export function describeDrift(before: Structure, now: Structure): string[] {
  return [
    ...Object.keys(now).flatMap(object =>
      before[object] === undefined
        ? [`${object} is new`]
        : before[object] === now[object]
          ? []
          : [`${object} is different`],
    ),
    ...Object.keys(before).flatMap(object => (now[object] === undefined ? [`${object} is gone`] : [])),
  ]
}

/** Schemas of the application, as a condition on a column with a schema's name. */
export const applicationSchema = (column: string) =>
  `${column} !~~ 'pg\\_%' and ${column} <> all ('{information_schema,seedbed,seedbed_restore}')`

/** Condition that an extension has not brought an object: its class and number as columns. */
export const notOfExtension = (classid: string, objid: string) =>
  `not exists (select from pg_depend e where e.classid = ${classid} and e.objid = ${objid} and e.deptype = 'e')`

// Not-null constraints have rows of their own since PostgreSQL 18 only; a column says the same.
const structureQuery = `
  with schemas as (select oid, nspname from pg_namespace where ${applicationSchema('nspname')}),
  relations as (
    select c.* , s.nspname from pg_class c join schemas s on s.oid = c.relnamespace
    where ${notOfExtension("'pg_class'::regclass", 'c.oid')}
  ),
  objects as (
    select
      concat(case c.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' when 'm' then 'materialized view'
        when 'f' then 'foreign table' else 'type' end, ' ', c.nspname, '.', c.relname) as object,
      concat_ws(E'\\n', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
        case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end, pg_get_expr(c.relpartbound, c.oid),
        case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
        (select string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
            a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
            case when a.attcollation <> t.typcollation then a.attcollation::regcollation end), E'\\n' order by a.attnum)
          from pg_attribute a join pg_type t on t.oid = a.atttypid
            left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
        (select string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)), E'\\n' order by k.conname)
          from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n'),
        (select string_agg(pg_get_indexdef(i.indexrelid), E'\\n' order by i.indexrelid::regclass::text)
          from pg_index i where i.indrelid = c.oid),
        (select string_agg(concat_ws(' ', g.tgenabled, pg_get_triggerdef(g.oid)), E'\\n' order by g.tgname)
          from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal),
        (select string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, pg_get_expr(p.polqual, c.oid),
            pg_get_expr(p.polwithcheck, c.oid)), E'\\n' order by p.polname) from pg_policy p where p.polrelid = c.oid),
        (select string_agg(pg_get_ruledef(r.oid), E'\\n' order by r.rulename)
          from pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN')
      ) as definition
    from relations c where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    union all
    select concat('sequence ', c.nspname, '.', c.relname),
      concat_ws(' ', format_type(q.seqtypid, null), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle)
    from relations c join pg_sequence q on q.seqrelid = c.oid
    union all
    select concat(case f.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, ' ', f.oid::regprocedure),
      case when f.prokind = 'a' then format_type(f.prorettype, null) else pg_get_functiondef(f.oid) end
    from pg_proc f join schemas s on s.oid = f.pronamespace
    where ${notOfExtension("'pg_proc'::regclass", 'f.oid')}
    union all
    select concat('type ', s.nspname, '.', t.typname),
      concat_ws(E'\\n', t.typtype, t.typnotnull, t.typdefault, format_type(nullif(t.typbasetype, 0), t.typtypmod),
        (select string_agg(quote_literal(l.enumlabel), ' ' order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid),
        (select string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)), E'\\n' order by k.conname)
          from pg_constraint k where k.contypid = t.oid and k.contype <> 'n'))
    from pg_type t join schemas s on s.oid = t.typnamespace
    where t.typtype in ('e', 'd', 'r') and ${notOfExtension("'pg_type'::regclass", 't.oid')}
  )
  select object, md5(string_agg(definition, E'\\n' order by definition)) as hash from objects group by object order by object`
