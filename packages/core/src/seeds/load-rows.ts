import { advanceSequences } from './advance-sequences.js'
import { checkFields } from './check-fields.js'
import { seedErrors } from './errors.js'
import { explainFailure } from './explain-failure.js'
import { groupBy } from './group-by.js'
import { insertOrder } from './insert-order.js'
import { givenColumns, insertRows, type RowKey, type TableRows } from './insert-rows.js'
import { nearest } from './nearest.js'
import { underSavepoint, type Queryable } from './queryable.js'
import { readTables, type FoundTable, type Table } from './read-tables.js'
import { rowValues } from './row-values.js'
import type { SeedRow, SeedTable } from './seed-rows.js'

/** Rows that are in the database, table by table in the order of the seeds. */
export interface LoadedRows extends TableRows {
  /** A key for each row, of those tables whose keys were wanted. */
  keys: RowKey[]
}

/**
 * Loads rows for any number of tables, in whatever order they stand: what a foreign key refers to goes first, and what
 * refers to each other goes together. Afterwards the sequences of columns whose values were given stand behind them.
 * Must be called inside a transaction; what had been loaded when an error is thrown is the caller's to roll back.
 *
 * @param wanted rows whose keys the caller wants to know
 * @throws SEED_UNKNOWN_TABLE, SEED_NOT_A_TABLE, SEED_UNKNOWN_COLUMN, SEED_UNKNOWN_FIELD,
 * SEED_GENERATED_COLUMN, SEED_BAD_VALUE, SEED_NULL_VALUE, SEED_DUPLICATE_KEY, SEED_MISSING_REFERENCE, SEED_CHECK_VIOLATED, SEED_ROW_REFUSED
 */
export async function loadRows(
  db: Queryable,
  seeds: readonly SeedTable[],
  wanted: (row: SeedRow) => boolean = row => row.label !== undefined,
): Promise<LoadedRows[]> {
  const found = await readTables(db, [...new Set(seeds.map(({ name }) => name))])
  const parts = new Map<number, TableRows>()
  for (const seed of seeds) {
    const table = tableOf(seed, found)
    const part = parts.get(table.oid) ?? { table, rows: [] }
    parts.set(table.oid, part)
    for (const row of seed.rows) part.rows.push(row)
  }
  for (const part of parts.values()) {
    checkColumns(part)
    await checkFields(db, part)
  }

  const loaded: LoadedRows[] = []
  const filled = [...parts.values()].filter(({ rows }) => rows.length > 0)
  for (const together of partsInOrder(filled)) {
    const keys = await underSavepoint(db, 'seedbed_rows', () =>
      insertRows(db, together, ({ rows }) => rows.some(wanted)),
    ).catch(async (error: unknown) => {
      throw await explainFailure(db, together, error)
    })
    loaded.push(...together.map((part, index) => ({ ...part, keys: keys[index]! })))
  }
  const counted = filled.filter(part => givenColumns(part).some(column => column.counted))
  if (counted.length > 0)
    await advanceSequences(
      db,
      counted.map(({ table }) => table.oid),
    )
  return filled.map(part => loaded.find(({ table }) => table === part.table)!)
}

function tableOf(seed: SeedTable, found: Map<string, FoundTable>): Table {
  const result = found.get(seed.name)!
  const at = seed.source.place(seed.offset)
  if ('table' in result) return result.table
  if (result.not === 'a table') throw seedErrors.SEED_NOT_A_TABLE({ at, table: seed.name, kind: result.kind })
  throw seedErrors.SEED_UNKNOWN_TABLE({ at, table: seed.name, near: result.near })
}

function checkColumns({ table, rows }: TableRows): void {
  const checked = new Set<readonly string[]>()
  for (const row of rows) {
    if (checked.has(row.columns)) continue
    checked.add(row.columns)
    for (const name of row.columns) {
      const column = table.columns.get(name)
      if (column && !column.generated) continue
      const at = row.source.place(rowValues(row).get(name)!.nameOffset)
      if (column) throw seedErrors.SEED_GENERATED_COLUMN({ at, table: table.name, column: name })
      const writable = [...table.columns.values()].filter(({ generated }) => !generated).map(column => column.name)
      throw seedErrors.SEED_UNKNOWN_COLUMN({
        at,
        table: table.name,
        column: name,
        near: nearest(name, writable),
        columns: writable,
      })
    }
  }
}

/** The tables of a partition tree count as one: a key may refer to the root while the row is given to a partition. */
function partsInOrder(parts: readonly TableRows[]): TableRows[][] {
  const trees = groupBy(parts, ({ table }) => table.root)
  const order = insertOrder([...trees.keys()], root =>
    trees.get(root)!.flatMap(({ table }) => table.references.map(({ target }) => target.root)),
  )
  return order.map(roots => roots.flatMap(root => trees.get(root)!))
}
