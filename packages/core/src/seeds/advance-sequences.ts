import { groupBy } from './group-by.js'
import type { Queryable } from './queryable.js'

/**
 * Puts every sequence that fills a column (identity, serial, or a default of `nextval`) behind the highest value of
 * that column, or the lowest if it counts downwards; one that fills several columns, behind all of them. A sequence
 * that stands there already is left alone, so that of an empty table stays as it was created. Steps are kept: one that
 * counts 1, 11, 21 goes on with 31 after a row with 25.
 *
 * @param tables oids of the tables to look at; all of the database's own by default
 * @example await advanceSequences(client)
 */
export async function advanceSequences(db: Queryable, tables?: readonly number[]): Promise<void> {
  const { rows } = await db.query(countedColumnsSql, [tables ?? null])
  const columns = JSON.parse(String(rows[0]!['answer'])) as CountedColumn[]
  if (columns.length === 0) return
  const statements = [...groupBy(columns, ({ sequence }) => sequence).values()].map(advanceSql)
  await db.query(statements.join('\nunion all\n'))
}

interface CountedColumn {
  sequence: string
  /** The name as a string constant. */
  literal: string
  increment: string
  min: string
  max: string
  table: string
  column: string
}

function advanceSql(columns: CountedColumn[]): string {
  const { sequence, literal, increment, min, max } = columns[0]!
  const up = !increment.startsWith('-')
  const extremes = columns.map(
    ({ table, column }) => `(select ${up ? 'max' : 'min'}(${column})::numeric from ${table})`,
  )
  const extreme = `${up ? 'greatest' : 'least'}(${extremes.join(', ')})`
  return `
    select setval(${literal}::regclass, least(greatest(base + steps * ${increment}, ${min}), ${max})::bigint)
    from (select case when is_called then last_value else last_value::numeric - ${increment} end as base from ${sequence}) position,
      lateral (select ceil((${extreme} - base) / ${increment}) as steps) distance
    where steps > 0`
}

/**
 * A sequence fills a column if it belongs to it (deptype 'a' for serial, 'i' for identity) or if the column's default
 * depends on it; only `nextval` and nothing around it counts, for otherwise the column does not hold its numbers.
 */
const countedColumnsSql = `
  select coalesce(json_agg(json_build_object(
    'sequence', format('%I.%I', sn.nspname, s.relname),
    'literal', quote_literal(format('%I.%I', sn.nspname, s.relname)),
    'increment', q.seqincrement::text, 'min', q.seqmin::text, 'max', q.seqmax::text,
    'table', format('%I.%I', tn.nspname, t.relname),
    'column', quote_ident(a.attname)) order by s.oid, t.oid, a.attnum), '[]')::text as answer
  from (
    select objid as sequence, refobjid as owner, refobjsubid as attnum
    from pg_depend
    where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass and deptype in ('a', 'i') and refobjsubid > 0
    union
    select d.refobjid, f.adrelid, f.adnum
    from pg_depend d join pg_attrdef f on f.oid = d.objid
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
      and pg_get_expr(f.adbin, f.adrelid) ~ '^nextval\\(''[^'']*(''''[^'']*)*''::regclass\\)$'
  ) filled
  join pg_sequence q on q.seqrelid = filled.sequence
  join pg_class s on s.oid = filled.sequence join pg_namespace sn on sn.oid = s.relnamespace
  join pg_class t on t.oid = filled.owner join pg_namespace tn on tn.oid = t.relnamespace
  join pg_attribute a on a.attrelid = t.oid and a.attnum = filled.attnum
  join pg_type y on y.oid = a.atttypid
  where y.typcategory = 'N' and t.relkind in ('r', 'p') and tn.nspname !~ '^pg_' and tn.nspname <> 'information_schema'
    -- what the role cannot have filled is not its business
    and has_table_privilege(t.oid, 'insert')
    and ($1::oid[] is null or t.oid = any($1))`
