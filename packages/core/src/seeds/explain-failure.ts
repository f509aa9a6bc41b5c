import { seedErrors } from './errors.js'
import { givenColumns, insertRows, readRowValues, type TableRows } from './insert-rows.js'
import { findMissingReference, missingReference } from './missing-reference.js'
import { isServerError, reasonOf, refusalOf, type Queryable, type ServerError } from './queryable.js'
import { rowValues, shownKey, shownValue } from './row-values.js'
import type { SeedRow } from './seed-rows.js'

/**
 * The server refuses a statement of many rows without saying which one. This finds the row, and the value in it, by
 * trying parts of the statement, each undone at once; nothing of this is paid while seeds load. The transaction must be
 * back where it was before the statement.
 *
 * @returns the error to throw; the original one if it did not come from the server
 */
export async function explainFailure(db: Queryable, parts: readonly TableRows[], error: unknown): Promise<unknown> {
  if (!isServerError(error)) return error
  if (notAboutRows.test(error.code)) return atTable(parts, error)
  for (const part of parts) {
    const refused = await findRefusedValue(db, part)
    if (refused) return refused
  }
  if (error.code === missingReference) return (await findMissingReference(db, parts, error)) ?? atTable(parts, error)
  return (await findRefusedRow(db, parts, error)) ?? atTable(parts, error)
}

/** SQLSTATE classes that no row causes: connection, rollback by the server, resources, operator, system, internal. */
const notAboutRows = /^(08|40|53|57|58|F0|XX)/

/** The first row with a value that its column's type does not take, before anything is inserted. */
async function findRefusedValue(db: Queryable, part: TableRows): Promise<Error | undefined> {
  const columns = givenColumns(part)
  const refusal = (rows: SeedRow[], some = columns) => refusalOf(db, () => readRowValues(db, { ...part, rows }, some))
  if (!(await refusal(part.rows))) return undefined
  const index = await firstFailing(part.rows.length, async count => Boolean(await refusal(part.rows.slice(0, count))))
  const row = part.rows[index]!
  for (const column of columns.filter(({ name }) => row.columns.includes(name))) {
    const value = rowValues(row).get(column.name)!
    const error = await refusal([withOnly(row, column.name, value.text)], [column])
    if (!error) continue
    return seedErrors.SEED_BAD_VALUE(
      {
        at: row.source.place(value.offset),
        table: part.table.name,
        column: column.name,
        type: column.type,
        value: shownValue(value.text),
        reason: reasonOf(error),
      },
      { cause: error },
    )
  }
  return undefined
}

/** A row of one value: what is wrong with the text of another must not be laid to it. */
function withOnly(row: SeedRow, column: string, json: string): SeedRow {
  const text = `{${JSON.stringify(column)}:${json}}`
  return { source: { ...row.source, text }, start: 0, end: text.length, columns: [column] }
}

/** The first row of all that the table refuses; foreign keys do not count, since they look at rows that come later. */
async function findRefusedRow(
  db: Queryable,
  parts: readonly TableRows[],
  original: ServerError,
): Promise<Error | undefined> {
  const total = parts.reduce((sum, part) => sum + part.rows.length, 0)
  const refusal = async (rows: readonly TableRows[]) => {
    const error = await refusalOf(db, () => insertRows(db, rows))
    return error?.code === missingReference ? undefined : error
  }
  if (!(await refusal(parts))) return findCountedTwice(db, parts, original)
  const index = await firstFailing(total, async count => Boolean(await refusal(firstRows(parts, count))))
  const error = await refusal(firstRows(parts, index + 1))
  const { part, row } = rowAt(parts, index)
  // Where rows need each other, a trigger that looks at the whole may fail for a part of it for another reason.
  if (!error || error.code !== original.code) return undefined

  const columns = (await constrainedColumns(db, error)) ?? (error.column === undefined ? [] : [error.column])
  const values = rowValues(row)
  const column = columns.length === 1 ? columns[0] : columns.find(name => values.has(name))
  const value = column === undefined ? undefined : values.get(column)
  const at = row.source.place(value?.offset ?? row.start)
  const table = part.table.name
  const reason = reasonOf(error)
  switch (error.code) {
    case '23502':
      return seedErrors.SEED_NULL_VALUE(
        { at, table, column: error.column ?? '?', given: value !== undefined, reason },
        { cause: error },
      )
    case '23514':
      return seedErrors.SEED_CHECK_VIOLATED({ at, table, constraint: error.constraint ?? '', reason }, { cause: error })
    case '23505':
    case '23P01': {
      const first = await findFirstOfPair(db, part, row, error.code)
      const counted = columns.filter(name => !values.has(name) && part.table.columns.get(name)?.counted)
      return seedErrors.SEED_DUPLICATE_KEY(
        {
          at,
          table,
          key: shownKey(values, columns),
          constraint: error.constraint ?? '',
          first: first && first.source.place(rowValues(first).get(column ?? '')?.offset ?? first.start),
          counted: counted[0],
          reason,
        },
        { cause: error },
      )
    }
    default:
      return seedErrors.SEED_ROW_REFUSED({ at, table, reason, context: error.where }, { cause: error })
  }
}

/**
 * Tried once more, the rows go in: a sequence has moved on meanwhile. So a row that leaves its key to the sequence got
 * the key that another row gives.
 */
async function findCountedTwice(
  db: Queryable,
  parts: readonly TableRows[],
  error: ServerError,
): Promise<Error | undefined> {
  const part = partOf(parts, error)
  const columns = part && error.code === '23505' ? await constrainedColumns(db, error) : undefined
  const counted = columns?.find(name => part!.table.columns.get(name)?.counted)
  const row = counted === undefined ? undefined : part!.rows.find(row => !row.columns.includes(counted))
  if (!row || counted === undefined) return undefined
  return seedErrors.SEED_DUPLICATE_KEY(
    {
      at: row.source.place(row.start),
      table: part!.table.name,
      key: '',
      constraint: error.constraint ?? '',
      first: undefined,
      counted,
      reason: reasonOf(error),
    },
    { cause: error },
  )
}

/** The earlier row of the same seed that a row cannot stand beside; undefined if it stood in the table already. */
async function findFirstOfPair(
  db: Queryable,
  part: TableRows,
  row: SeedRow,
  code: string,
): Promise<SeedRow | undefined> {
  const earlier = part.rows.slice(0, part.rows.indexOf(row))
  const clashes = async (count: number) => {
    const rows = [...earlier.slice(0, count), row]
    return (await refusalOf(db, () => insertRows(db, [{ ...part, rows }])))?.code === code
  }
  if (earlier.length === 0 || (await clashes(0)) || !(await clashes(earlier.length))) return undefined
  return earlier[await firstFailing(earlier.length, clashes)]
}

/** The smallest number of items that fails, less one: the index of the first that does. All of them together must fail. */
async function firstFailing(total: number, fails: (count: number) => Promise<boolean>): Promise<number> {
  let passing = 0
  let failing = total
  while (failing - passing > 1) {
    const middle = Math.floor((passing + failing) / 2)
    if (await fails(middle)) failing = middle
    else passing = middle
  }
  return failing - 1
}

function firstRows(parts: readonly TableRows[], count: number): TableRows[] {
  let left = count
  return parts.flatMap(part => {
    const rows = part.rows.slice(0, left)
    left -= rows.length
    return rows.length === 0 ? [] : [{ ...part, rows }]
  })
}

function rowAt(parts: readonly TableRows[], index: number): { part: TableRows; row: SeedRow } {
  let before = 0
  for (const part of parts) {
    const row = part.rows[index - before]
    if (row) return { part, row }
    before += part.rows.length
  }
  throw new RangeError(`there is no row ${index}`)
}

/** The columns of a constraint or unique index that the server names. */
export async function constrainedColumns(db: Queryable, error: ServerError): Promise<string[] | undefined> {
  if (error.constraint === undefined) return undefined
  const { rows } = await db.query(
    `select array_to_json(array(
       select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = any(coalesce(
         (select conkey from pg_constraint where conrelid = c.oid and conname = $3),
         (select indkey::int2[] from pg_index where indrelid = c.oid and indexrelid = (
           select oid from pg_class where relname = $3 and relnamespace = c.relnamespace))))
       order by a.attnum))::text as columns
     from pg_class c where c.relname = $2 and c.relnamespace = (select oid from pg_namespace where nspname = $1)`,
    [error.schema, error.table, error.constraint],
  )
  return rows[0] && (JSON.parse(String(rows[0]['columns'])) as string[])
}

/** When the row cannot be found (a trigger or a default has made the value): the table's place in the first seed. */
function atTable(parts: readonly TableRows[], error: ServerError): Error {
  const part = partOf(parts, error) ?? parts[0]!
  const row = part.rows[0]!
  return seedErrors.SEED_ROW_REFUSED(
    {
      at: row.source.place(row.start),
      table: part.table.name,
      reason: reasonOf(error),
      context: error.where,
      first: true,
    },
    { cause: error },
  )
}

function partOf(parts: readonly TableRows[], error: ServerError): TableRows | undefined {
  return parts.find(({ table }) => table.schema === error.schema && table.bareName === error.table)
}
