import type { GuardedSession } from '@seedbed/environments/guard'
import { loadPg } from '../server/load-pg.js'
import { applicationSchema } from '../structure/structure.js'
import { preserveErrors } from './errors.js'

/** Which rows of which table. */
export type Rows =
  /** By the primary key: column → the value as SQL would write it; `isWholeRow` where other columns are there, too. */
  | { table: string; key: Record<string, string>; isWholeRow?: boolean }
  /** By the value of a primary key that is one column. */
  | { table: string; value: string }
  /** By a condition in SQL: `created_at < '2026-01-01'`. */
  | { table: string; where: string }
  /** A row of the seeds: `users.ada`. */
  | { label: string }

export interface KeyedTable {
  /** As the server writes it: `public.users`. */
  name: string
  /** The primary key's columns. */
  key: { name: string; type: string }[]
}

type Session = Pick<GuardedSession, 'query'>

/** @throws SeedbedError PRESERVE_NO_TABLE, PRESERVE_NO_KEY */
export async function findTable(session: GuardedSession<'preserve'>, table: string): Promise<KeyedTable> {
  const { rows } = await session.query<{ name: string; plain: string; bare: string; key: string }>(tablesQuery)
  const found = rows.filter(row => [row.name, row.plain, row.bare].includes(table))
  const environment = session.environment.name
  const known = rows.map(({ name }) => name)
  if (found.length !== 1) {
    throw preserveErrors.PRESERVE_NO_TABLE({ environment, table, found: found.map(({ name }) => name), known })
  }
  const { name, key } = found[0]!
  const columns = JSON.parse(key) as KeyedTable['key']
  if (columns.length === 0) throw preserveErrors.PRESERVE_NO_KEY({ table: name })
  return { name, key: columns }
}

/**
 * The primary keys of rows, as the server writes their values.
 *
 * @param off a mark may be taken away of a row that is not there any more
 * @throws SeedbedError PRESERVE_WRONG_KEY, PRESERVE_NO_ROW
 */
export async function findRows(
  session: Session,
  table: KeyedTable,
  rows: Exclude<Rows, { label: string }>,
  off: boolean,
): Promise<Record<string, string>[]> {
  if ('where' in rows)
    return select(session, table, `$1::text is not null and (${rows.where})`, ['where'], rows.where, off)
  const key = keyOf(table, rows)
  const { escapeIdentifier } = loadPg()
  // Cast as a value of the column, so that 042 is 42 where it is a number.
  const fits = table.key.map(
    ({ name, type }, index) => `${escapeIdentifier(name)}::text = ($${index + 1}::text::${type})::text`,
  )
  const what = Object.entries(key).map(([column, value]) => `${column}=${value}`)
  const values = table.key.map(({ name }) => key[name]!)
  const found = await select(session, table, fits.join(' and '), values, what.join(', '), off)
  return found.length === 0 ? [key] : found
}

function keyOf(table: KeyedTable, rows: Exclude<Rows, { label: string } | { where: string }>): Record<string, string> {
  const key = table.key.map(({ name }) => name)
  const given = 'value' in rows ? (key.length === 1 ? { [key[0]!]: rows.value } : {}) : rows.key
  const names = Object.keys(given)
  const isWhole = 'isWholeRow' in rows && rows.isWholeRow
  if (key.some(column => given[column] === undefined) || (!isWhole && names.length !== key.length)) {
    throw preserveErrors.PRESERVE_WRONG_KEY({ table: table.name, key, given: names })
  }
  return Object.fromEntries(key.map(column => [column, given[column]!]))
}

/** With a parameter, so that the server takes one statement and no more; and in a transaction that only reads. */
async function select(
  session: Session,
  { name, key }: KeyedTable,
  condition: string,
  values: unknown[],
  what: string,
  off: boolean,
): Promise<Record<string, string>[]> {
  const { escapeIdentifier, escapeLiteral } = loadPg()
  const columns = key.map(column => `${escapeLiteral(column.name)}, ${escapeIdentifier(column.name)}::text`).join(', ')
  await session.query('begin read only; set local row_security = off')
  try {
    const { rows } = await session.query<{ key: string }>(
      `select json_build_object(${columns})::text as key from ${name} where ${condition}`,
      values,
    )
    if (rows.length === 0 && !off) throw preserveErrors.PRESERVE_NO_ROW({ table: name, what })
    return rows.map(row => JSON.parse(row.key) as Record<string, string>)
  } finally {
    await session.query('rollback')
  }
}

// A partitioned table as a whole, and not its partitions.
const tablesQuery = `
  select format('%I.%I', n.nspname, c.relname) as name, concat(n.nspname, '.', c.relname) as plain, c.relname::text as bare,
    (select coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by k.position), '[]')
      from pg_index i, unnest(i.indkey::int2[]) with ordinality k(attnum, position) join pg_attribute a on a.attnum = k.attnum
      where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and k.position <= i.indnkeyatts)::text as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and ${applicationSchema('n.nspname')} order by 1`
