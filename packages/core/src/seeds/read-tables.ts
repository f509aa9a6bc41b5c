import { nearest } from './nearest.js'
import type { Queryable } from './queryable.js'

/** A table as loading needs to know it. All names in it that go into SQL are quoted by the server. */
export interface Table {
  oid: number
  /** As `seeds` has it: `users`, or `sales.orders` if it is not in the search path. */
  name: string
  schema: string
  bareName: string
  /** Schema-qualified and quoted. */
  sql: string
  /** The root of its partition tree, or itself: a key may refer to any of them. */
  root: number
  /** By name, in the table's order. */
  columns: Map<string, Column>
  primaryKey: string[]
  references: ForeignKey[]
}

export interface Column {
  name: string
  sql: string
  /** The name as a string constant. */
  literal: string
  /** With its modifier, `numeric(10,2)`. */
  type: string
  /** The type beneath a domain; otherwise the same as `type`. */
  baseType: string
  /** oid of the composite type that its type is, or is a domain over or an array of; else null. */
  composite: number | null
  /** `json` or a domain over it: keeps its text as it is. */
  isJson: boolean
  /** What an INSERT that leaves it out puts there; null for NULL. */
  default: string | null
  generated: boolean
  /** Filled by a sequence if left out. */
  counted: boolean
}

export interface ForeignKey {
  name: string
  columns: string[]
  /** MATCH FULL: either all of its columns are null or none. */
  full: boolean
  /** With PERIOD: ranges that must be covered, not values that must be equal. From PostgreSQL 18 on. */
  period: boolean
  target: { oid: number; root: number; name: string; sql: string; columns: string[]; columnsSql: string[] }
}

/** What a seed's name for a table leads to. */
export type FoundTable =
  | { table: Table }
  | { not: 'a table'; kind: string }
  | { not: 'there'; near: string | undefined }

/**
 * Reads the named tables from the catalog, in two round trips. A name means what it would mean in SQL after quoting
 * every part: `users` by the search path; `sales.orders` is a table of that whole name if there is one, otherwise
 * `orders` in the schema `sales`.
 *
 * @example (await readTables(db, ['users'])).get('users')
 */
export async function readTables(db: Queryable, names: readonly string[]): Promise<Map<string, FoundTable>> {
  const relations = await readJson<Relation[]>(db, relationsSql, [])
  const bySpelling = new Map<string, Relation>()
  for (const relation of relations) bySpelling.set(`${relation.schema}.${relation.name}`, relation)
  for (const relation of relations) if (relation.visible) bySpelling.set(relation.name, relation)

  const named = new Map(names.map(name => [name, bySpelling.get(name)]))
  const oids = [...named.values()].flatMap(relation => (relation?.kind === 'table' ? [relation.oid] : []))
  const details = oids.length === 0 ? [] : await readJson<TableDetails[]>(db, detailsSql, [oids])
  const tables = new Map(details.map(({ columns, ...rest }) => [rest.oid, { ...rest, columns: byName(columns) }]))

  return new Map(
    [...named].map(([name, relation]): [string, FoundTable] => {
      if (!relation) return [name, { not: 'there', near: nearest(name, suggestions(name, relations)) }]
      const table = tables.get(relation.oid)
      return [name, table ? { table } : { not: 'a table', kind: relation.kind }]
    }),
  )
}

interface Relation {
  oid: number
  schema: string
  name: string
  visible: boolean
  kind: string
}

type TableDetails = Omit<Table, 'columns'> & { columns: Column[] }

function byName(columns: Column[]): Map<string, Column> {
  return new Map(columns.map(column => [column.name, column]))
}

/** Names by which tables can be called; a table of the very name in another schema is the best guess. */
function suggestions(name: string, relations: Relation[]): string[] {
  const tables = relations.filter(({ kind }) => kind === 'table')
  const elsewhere = tables.find(relation => relation.name === name)
  if (elsewhere) return [`${elsewhere.schema}.${elsewhere.name}`]
  return tables.map(relation => (relation.visible ? relation.name : `${relation.schema}.${relation.name}`))
}

/** Asks for one value of type json as text: a `db` with type parsers of its own reads that like any other. */
export async function readJson<Value>(db: Queryable, sql: string, values: unknown[]): Promise<Value> {
  const { rows } = await db.query(sql, values)
  return JSON.parse(String(rows[0]!['answer'])) as Value
}

const relationsSql = `
  select coalesce(json_agg(json_build_object(
    'oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname, 'visible', pg_table_is_visible(c.oid),
    'kind', case c.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view'
      when 'm' then 'materialized view' when 'f' then 'foreign table' end)), '[]')::text as answer
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and (n.nspname !~ '^pg_' and n.nspname <> 'information_schema' or n.oid = pg_my_temp_schema())`

/** An expression for the oid of the composite type that a type leads to through domains and arrays; null if none. */
export function compositeBeneathSql(type: string): string {
  return `(
    with recursive beneath(oid) as (
      select ${type}
      union all
      select case t.typtype when 'd' then t.typbasetype else t.typelem end
      from beneath join pg_type t on t.oid = beneath.oid
      where t.typtype = 'd' or t.typcategory = 'A' and t.typelem <> 0)
    select t.oid::int8 from beneath join pg_type t on t.oid = beneath.oid where t.typtype = 'c')`
}

/** The recursion goes down from a domain to the type beneath it; typoutput tells `json` through any number of domains. */
const detailsSql = `
  select json_agg(json_build_object(
    'oid', c.oid::int8,
    'name', case when pg_table_is_visible(c.oid) then c.relname else n.nspname || '.' || c.relname end,
    'schema', n.nspname,
    'bareName', c.relname,
    'sql', format('%I.%I', n.nspname, c.relname),
    'root', coalesce(pg_partition_root(c.oid)::oid, c.oid)::int8,
    'columns', (
      select coalesce(json_agg(json_build_object(
        'name', a.attname,
        'sql', quote_ident(a.attname),
        'literal', quote_literal(a.attname),
        'type', format_type(a.atttypid, a.atttypmod),
        'baseType', (
          with recursive beneath(oid, typmod, kind) as (
            select a.atttypid, a.atttypmod, t.typtype
            union all
            select d.typbasetype, d.typtypmod, b.typtype
            from beneath join pg_type d on d.oid = beneath.oid join pg_type b on b.oid = d.typbasetype
            where beneath.kind = 'd')
          select format_type(oid, typmod) from beneath where kind <> 'd'),
        'composite', ${compositeBeneathSql('a.atttypid')},
        'isJson', t.typoutput = 'json_out'::regproc,
        'generated', a.attgenerated <> '',
        'counted', a.attidentity <> '' or coalesce(pg_get_expr(d.adbin, d.adrelid) like 'nextval(%', false),
        'default', case
          when a.attgenerated <> '' then null
          when a.attidentity <> '' then
            format('nextval(%L::regclass)', pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname))
          else coalesce(pg_get_expr(d.adbin, d.adrelid), pg_get_expr(t.typdefaultbin, 0)) end
        ) order by a.attnum), '[]')
      from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'primaryKey', (
      select coalesce(json_agg(a.attname order by array_position(i.indkey::int2[], a.attnum)), '[]')
      from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
      where i.indrelid = c.oid and i.indisprimary and array_position(i.indkey::int2[], a.attnum) < i.indnkeyatts),
    'references', (
      select coalesce(json_agg(json_build_object(
        'name', k.conname,
        'full', k.confmatchtype = 'f',
        'period', coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false),
        'columns', (select json_agg(a.attname order by p.position)
          from unnest(k.conkey) with ordinality p(attnum, position)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = p.attnum),
        'target', json_build_object(
          'oid', k.confrelid::int8,
          'root', coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid)::int8,
          'name', case when pg_table_is_visible(k.confrelid) then r.relname else rn.nspname || '.' || r.relname end,
          'sql', format('%I.%I', rn.nspname, r.relname),
          'columns', (select json_agg(a.attname order by p.position)
            from unnest(k.confkey) with ordinality p(attnum, position)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = p.attnum),
          'columnsSql', (select json_agg(quote_ident(a.attname) order by p.position)
            from unnest(k.confkey) with ordinality p(attnum, position)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = p.attnum))
        ) order by k.conname), '[]')
      from pg_constraint k
      join pg_class r on r.oid = k.confrelid join pg_namespace rn on rn.oid = r.relnamespace
      where k.conrelid = c.oid and k.contype = 'f')
    ))::text as answer
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.oid = any($1::oid[])`
