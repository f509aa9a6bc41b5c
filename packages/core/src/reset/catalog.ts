import type { Reader } from '../migrations/migration-history.js'
import { applicationSchema, notOfExtension } from '../structure/structure.js'

/** One table that rows can be in: no partitioned table, but its partitions. */
export interface Table {
  oid: number
  /** With its schema, quoted where it has to be: `public.users`. */
  name: string
  schema: string
  /** Those that can be written, in their order. */
  columns: Column[]
  /** The primary key's columns; empty if it has none. */
  key: string[]
  /** Columns of each plain unique index, the primary key's too. */
  unique: string[][]
  /** Whether a unique constraint of it is deferrable: ON CONFLICT refuses those. */
  isDeferrable: boolean
  /** What would act on rows, or hide them from the owner: the statement that stops it, and the one that sets it as it was. */
  acting: { kind: 'trigger' | 'rule' | 'row security'; stop: string; restore: string }[]
}

export interface Column {
  name: string
  /** `character varying(20)` */
  type: string
  /** Whether it is an identity that the server always generates. */
  always: boolean
}

/** A foreign key, from each table that rows are in to each that they may refer to. */
export interface Reference {
  constraint: string
  from: number
  to: number
  /** Columns of both sides, and how they are compared: `operator(pg_catalog.=)`, the referenced side on the left. */
  columns: { from: string; to: string; equals: string }[]
}

export interface Sequence {
  name: string
  type: string
  /** The column that takes its numbers from it, if one does. */
  column: { table: number; name: string } | null
}

/** What a reset has to know of a database. It is shared by those who look at it, and changed by none. */
export interface Catalog {
  tables: Table[]
  references: Reference[]
  sequences: Sequence[]
  /** Populated ones, in the order in which they were made. */
  materialisedViews: string[]
}

/**
 * Reads all that a reset touches: nothing of rows, sizes or where a sequence stands, so that it stays the same until DDL changes it.
 * What it reads, `catalogDigest` counts.
 *
 * @param db a session whose search_path is pg_catalog, as those of the guard
 */
export async function readCatalog(db: Reader): Promise<Catalog> {
  const { rows } = await db.query<{ catalog: string }>(catalogQuery)
  return JSON.parse(rows[0]!.catalog) as Catalog
}

const own = (alias: string) =>
  `${applicationSchema('n.nspname')} and ${notOfExtension("'pg_class'::regclass", `${alias}.oid`)}`

/** One text. The server writes the names into the statements. Triggers that only fire in a replica do not fire here. */
export const catalogQuery = `
  with relations as (
    select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${own('c')}
  ),
  tables as (select * from relations where relkind = 'r'),
  acting as (
    select t.oid, 'trigger' as kind, format('alter table %s disable trigger %I', t.name, g.tgname) as stop,
      format('alter table %s enable %s trigger %I', t.name, case g.tgenabled when 'A' then 'always' else '' end, g.tgname) as restore
    from tables t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal and g.tgenabled in ('O', 'A')
    union all
    select t.oid, 'rule', format('alter table %s disable rule %I', t.name, r.rulename),
      format('alter table %s enable %s rule %I', t.name, case r.ev_enabled when 'A' then 'always' else '' end, r.rulename)
    from tables t join pg_rewrite r on r.ev_class = t.oid where r.ev_enabled in ('O', 'A')
    union all
    select t.oid, 'row security', format('alter table %s no force row level security', t.name),
      format('alter table %s force row level security', t.name)
    from tables t where t.relforcerowsecurity
  ),
  leaves as (
    select r.oid as root, p.relid::oid as leaf from relations r, pg_partition_tree(r.oid) p
      where r.relkind = 'p' and p.isleaf
    union all select oid, oid from tables
  ),
  edges as (
    select k.oid, k.conname, source.leaf as from_oid, target.leaf as to_oid, k.conkey, k.confkey, k.conpfeqop, k.conrelid, k.confrelid
    from pg_constraint k join leaves source on source.root = k.conrelid join leaves target on target.root = k.confrelid
    where k.contype = 'f' and k.conparentid = 0
  )
  select json_build_object(
    'tables', (select coalesce(json_agg(json_build_object(
      'oid', t.oid::int8, 'name', t.name, 'schema', t.nspname,
      'columns', (select coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'always', a.attidentity = 'a') order by a.attnum), '[]')
        from pg_attribute a where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''),
      'key', (select coalesce(json_agg(a.attname order by k.position), '[]') from pg_index i, unnest(i.indkey::int2[]) with ordinality k(attnum, position)
        join pg_attribute a on a.attnum = k.attnum where i.indrelid = t.oid and i.indisprimary and a.attrelid = t.oid and k.position <= i.indnkeyatts),
      'unique', (select coalesce(json_agg(u.columns), '[]') from (
        select json_agg(a.attname order by k.position) as columns from pg_index i, unnest(i.indkey::int2[]) with ordinality k(attnum, position)
        join pg_attribute a on a.attnum = k.attnum where i.indrelid = t.oid and i.indisunique and i.indisvalid and i.indexprs is null
          and i.indpred is null and a.attrelid = t.oid and k.position <= i.indnkeyatts group by i.indexrelid order by i.indexrelid) u),
      'isDeferrable', exists (select from pg_index i where i.indrelid = t.oid and not i.indimmediate),
      'acting', (select coalesce(json_agg(json_build_object('kind', s.kind, 'stop', s.stop, 'restore', s.restore) order by s.stop), '[]')
        from acting s where s.oid = t.oid)
      ) order by t.name), '[]') from tables t),
    'references', (select coalesce(json_agg(json_build_object(
      'constraint', e.conname, 'from', e.from_oid::int8, 'to', e.to_oid::int8,
      'columns', (select json_agg(json_build_object('from', f.attname, 'to', g.attname, 'equals', format('operator(%I.%s)', s.nspname, o.oprname)))
        from unnest(e.conkey, e.confkey, e.conpfeqop) p(source, target, equals)
        join pg_operator o on o.oid = p.equals join pg_namespace s on s.oid = o.oprnamespace
        join pg_attribute f on f.attrelid = e.conrelid and f.attnum = p.source
        join pg_attribute g on g.attrelid = e.confrelid and g.attnum = p.target))), '[]') from edges e),
    'sequences', (select coalesce(json_agg(json_build_object('name', r.name, 'type', format_type(q.seqtypid, null),
      'column', (select json_build_object('table', a.attrelid::int8, 'name', a.attname) from pg_depend d
        join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') limit 1)
      ) order by r.name), '[]') from relations r join pg_sequence q on q.seqrelid = r.oid),
    'materialisedViews', (select coalesce(json_agg(r.name order by r.oid), '[]') from relations r where r.relkind = 'm' and r.relispopulated)
  )::text as catalog`
