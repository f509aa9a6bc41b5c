import { seedErrors } from './errors.js'
import { groupBy } from './group-by.js'
import type { RowKey } from './insert-rows.js'
import type { LoadedRows } from './load-rows.js'
import type { Table } from './read-tables.js'

/** A row that a seed has given a name, and how to find it in the database. */
export interface LabelledRow extends WantedRow {
  table: Table
  label: string
}

interface WantedRow {
  key: RowKey
  label: string | undefined
  /** Where the seed says so: `seeds/users.json:3:14`. A function, since counting lines takes time. */
  at(): string
}

/** Those of the loaded rows that have a label. */
export function labelledRows(loaded: readonly LoadedRows[]): LabelledRow[] {
  return loaded.flatMap(({ table, rows, keys }) =>
    rows.flatMap((row, index) =>
      row.label === undefined
        ? []
        : [{ table, label: row.label, key: keys[index], at: () => row.source.place(row.start) }],
    ),
  )
}

/** Throws SEED_DUPLICATE_LABEL if two rows of a table, of one file or of two, have the same label. */
export function refuseSameLabels(labelled: readonly LabelledRow[]): void {
  const first = new Map<string, LabelledRow>()
  for (const row of labelled) {
    const name = JSON.stringify([row.table.oid, row.label])
    const earlier = first.get(name)
    if (earlier) {
      throw seedErrors.SEED_DUPLICATE_LABEL({
        at: row.at(),
        table: row.table.name,
        label: row.label,
        first: earlier.at(),
      })
    }
    first.set(name, row)
  }
}

/**
 * Reads the labelled rows as the database holds them now: triggers and later seeds have had their say.
 *
 * @param select runs a statement and answers its rows, in whatever form the caller wants them
 * @returns table → label → row
 * @throws SEED_ROW_LOST for a row that is not there any more, or that a trigger has put elsewhere
 */
export async function readLabelledRows<Row>(
  labelled: readonly LabelledRow[],
  select: (sql: string, values: string[]) => Promise<Row[]>,
): Promise<Map<Table, Map<string, Row>>> {
  const result = new Map<Table, Map<string, Row>>()
  for (const [oid, rows] of groupBy(labelled, ({ table }) => table.oid)) {
    const { table } = rows.find(row => row.table.oid === oid)!
    const found = await readRowsByKey(table, rows, select)
    result.set(table, new Map(rows.map((row, index) => [row.label, found[index]!])))
  }
  return result
}

/** The rows of one table as the database holds them, in the order in which they are asked for. See `readLabelledRows`. */
export async function readRowsByKey<Row>(
  table: Table,
  rows: readonly WantedRow[],
  select: (sql: string, values: string[]) => Promise<Row[]>,
): Promise<Row[]> {
  const keys = rows.flatMap(({ key }) => (key ? [key] : []))
  const found = keys.length < rows.length ? [] : await select(...selectByKeySql(table, keys))
  if (found.length === rows.length) return found
  for (const row of rows) {
    if (row.key && (await select(...selectByKeySql(table, [row.key]))).length === 1) continue
    throw seedErrors.SEED_ROW_LOST({
      at: row.at(),
      table: table.name,
      label: row.label,
      keyed: table.primaryKey.length > 0,
      inserted: row.key !== undefined,
    })
  }
  throw new Error(`the rows of ${table.name} were found one by one but not together`)
}

/** All the rows of some keys, in the keys' order. */
function selectByKeySql(table: Table, keys: readonly (readonly string[])[]): [sql: string, values: string[]] {
  const columns =
    table.primaryKey.length === 0
      ? [
          { sql: 'tableoid', type: 'oid' },
          { sql: 'ctid', type: 'tid' },
        ]
      : table.primaryKey.map(name => table.columns.get(name)!)
  const names = columns.map((_, index) => `k${index}`)
  const record = columns.map(({ type }, index) => `k${index} ${type}`).join(', ')
  const equal = columns.map(({ sql }, index) => `held.${sql} = wanted.k${index}`).join(' and ')
  const json = JSON.stringify(keys.map(key => Object.fromEntries(key.map((text, index) => [names[index], text]))))
  return [
    `select held.* from rows from (json_to_recordset($1::json) as (${record})) with ordinality as wanted(${names.join(', ')}, place)
     join ${table.sql} held on ${equal} order by wanted.place`,
    [json],
  ]
}
