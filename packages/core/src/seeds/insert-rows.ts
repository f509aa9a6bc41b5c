import type { Queryable } from './queryable.js'
import type { Column, Table } from './read-tables.js'
import { plainText, rowText, rowValues } from './row-values.js'
import type { SeedRow } from './seed-rows.js'

/** The rows that one statement puts into a table. Their columns exist and can be written. */
export interface TableRows {
  table: Table
  rows: SeedRow[]
}

/**
 * Says which row of the database a seed row has become: the texts of its primary key's columns, or where it lies
 * (`tableoid`, `ctid`) for a table without one. Undefined if a trigger has kept it out.
 */
export type RowKey = string[] | undefined

/**
 * Inserts all the rows with one statement, an INSERT per table under WITH. Foreign keys are checked by AFTER triggers,
 * when the whole statement has run (manual, "Overview of Trigger Behavior"). So tables that refer to each other, and
 * rows that refer to later rows, need no order among them, and no right beyond INSERT.
 *
 * The values travel as the JSON text of the seed and are read by the server, as `json` and not `jsonb`: numbers keep
 * every digit and `json` columns their text. A column that a row leaves out takes its default. Rows go in in their
 * order, so that sequences count them as they stand.
 *
 * @param wanted tables whose rows' keys the caller wants to know; others cost less
 * @returns per table a key for each row
 */
export async function insertRows(
  db: Queryable,
  parts: readonly TableRows[],
  wanted: (part: TableRows) => boolean = () => false,
): Promise<RowKey[][]> {
  const values: string[] = []
  const inserts = parts.map((part, index) => {
    const returning = wanted(part) ? ` returning ${keySql(part.table)} as key` : ''
    return `i${index} as (${insertSql(part, values)}${returning})`
  })
  const keys = parts.map((part, index) =>
    wanted(part) ? `(select coalesce(json_agg(key), '[]')::text from i${index}) as k${index}` : `null as k${index}`,
  )
  const { rows: answers } = await db.query(`with ${inserts.join(',\n')}\nselect ${keys.join(', ')}`, values)
  return parts.map((part, index) => {
    const answer = answers[0]![`k${index}`]
    return typeof answer === 'string' ? keysOf(part, JSON.parse(answer) as string[][]) : []
  })
}

/** Has the server read the values of some columns, and insert nothing. */
export async function readRowValues(db: Queryable, part: TableRows, columns: readonly Column[]): Promise<void> {
  const values: string[] = []
  const source = recordsSql(part, columns, values)
  await db.query(`select count(row(${source.expressions.join(', ')})) from ${source.from}`, values)
}

/** `json_to_recordset` over the rows' text: a FROM item, and what reads each column from it. */
export function recordsSql(
  { rows }: TableRows,
  columns: readonly Column[],
  values: string[],
  alias = 'seed',
): { from: string; expressions: string[] } {
  values.push(jsonText(rows, columns))
  const json = `$${values.length}::json`
  // A row may leave out a column that has a default, while another gives it null: only the row itself can tell.
  const shapes = [...new Set(rows.map(row => row.columns))]
  const leftOut = (column: Column) => shapes.some(given => !given.includes(column.name))
  const defaulted = new Set(columns.filter(column => column.default !== null && leftOut(column)))
  const record = columns.map(column => {
    // Read as a domain, a missing value would be held against NOT NULL before its default takes its place.
    const type = column.isJson ? 'text' : defaulted.has(column) ? column.baseType : column.type
    return `${column.sql} ${type}`
  })
  const read = columns.map(column => {
    const value = `${alias}.${column.sql}`
    return column.isJson || defaulted.has(column) ? `${value}::${column.type}` : value
  })
  if (columns.length === 0) return { from: `json_array_elements(${json}) ${alias}`, expressions: [] }
  const names = columns.map(column => column.sql).join(', ')
  if (defaulted.size === 0)
    return { from: `json_to_recordset(${json}) as ${alias}(${record.join(', ')})`, expressions: read }
  return {
    from: `rows from (json_to_recordset(${json}) as (${record.join(', ')}), json_array_elements(${json})) as ${alias}(${names}, ${theRow})`,
    expressions: columns.map((column, index) =>
      defaulted.has(column)
        ? `case when ${alias}.${theRow} -> ${column.literal} is null then ${column.default} else ${read[index]} end`
        : read[index]!,
    ),
  }
}

const theRow = '"seedbed: the row"'

function insertSql(part: TableRows, values: string[]): string {
  const columns = givenColumns(part)
  const { from, expressions } = recordsSql(part, columns, values)
  const into = columns.length === 0 ? '' : ` (${columns.map(column => column.sql).join(', ')}) overriding system value`
  return `insert into ${part.table.sql}${into} select ${expressions.join(', ')} from ${from}`
}

/** The columns that any of the rows gives, in the table's order. */
export function givenColumns({ table, rows }: TableRows): Column[] {
  const given = new Set<string>()
  for (const columns of new Set(rows.map(row => row.columns))) for (const name of columns) given.add(name)
  return [...table.columns.values()].filter(column => given.has(column.name))
}

/**
 * The rows as a JSON array. A value for a `json` column goes as a string that holds its text: `json_to_recordset` would
 * write it anew, and refuse `\u0000`, which `json` may hold.
 */
function jsonText(rows: readonly SeedRow[], columns: readonly Column[]): string {
  const keptAsText = new Set(columns.filter(column => column.isJson).map(column => column.name))
  const texts = rows.map(row => {
    if (!row.columns.some(name => keptAsText.has(name))) return rowText(row)
    const entries = [...rowValues(row)].map(([name, { text }]) => {
      const asText = keptAsText.has(name) && text !== 'null'
      return `${JSON.stringify(name)}:${asText ? JSON.stringify(text) : text}`
    })
    return `{${entries.join(',')}}`
  })
  return `[${texts.join(',\n')}]`
}

function keySql({ primaryKey, columns }: Table): string {
  const parts = primaryKey.length === 0 ? ['tableoid', 'ctid'] : primaryKey.map(name => columns.get(name)!.sql)
  return `json_build_array(${parts.map(part => `${part}::text`).join(', ')})`
}

/**
 * RETURNING answers row by row as they are inserted, so if all have come back, the first is the first. If a BEFORE
 * trigger has kept rows out of the table, or put them elsewhere, only a key that the seed itself gives can tell.
 */
function keysOf({ table, rows }: TableRows, returned: string[][]): RowKey[] {
  if (returned.length === rows.length) return returned
  return rows.map(row => {
    const values = rowValues(row)
    const key = table.primaryKey.map(name => values.get(name)?.text)
    return key.length > 0 && key.every(text => text !== undefined) ? key.map(text => plainText(text)) : undefined
  })
}
