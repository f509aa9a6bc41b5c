import { seedErrors } from './errors.js'
import { recordsSql, type TableRows } from './insert-rows.js'
import type { Queryable, ServerError } from './queryable.js'
import type { ForeignKey } from './read-tables.js'
import { rowValues, shownValue } from './row-values.js'
import type { SeedRow } from './seed-rows.js'

/** foreign_key_violation (manual, appendix A). */
export const missingReference = '23503'

/** The first row whose key refers to a row that is neither in the database nor among the rows that go in with it. */
export async function findMissingReference(
  db: Queryable,
  parts: readonly TableRows[],
  error: ServerError,
): Promise<Error | undefined> {
  const all = parts.flatMap(part => part.table.references.filter(key => !key.period).map(key => ({ part, key })))
  // a partition may have another name for the constraint than its root
  const named = all.filter(({ key }) => key.name === error.constraint)
  for (const { part, key } of named.length > 0 ? named : all) {
    const row = error.code === missingReference ? await firstWithoutTarget(db, parts, part, key) : undefined
    if (!row) continue
    const values = rowValues(row)
    const shown = (names: string[]) =>
      names.map((name, index) => `${name} = ${shownValue(values.get(key.columns[index]!)?.text ?? 'null')}`).join(', ')
    return seedErrors.SEED_MISSING_REFERENCE(
      {
        at: row.source.place(values.get(key.columns[0]!)?.offset ?? row.start),
        table: part.table.name,
        reference: shown(key.columns),
        target: key.target.name,
        key: shown(key.target.columns),
        constraint: key.name,
      },
      { cause: error },
    )
  }
  return undefined
}

async function firstWithoutTarget(
  db: Queryable,
  parts: readonly TableRows[],
  part: TableRows,
  key: ForeignKey,
): Promise<SeedRow | undefined> {
  const columns = key.columns.map(name => part.table.columns.get(name)!)
  const values: string[] = []
  const child = recordsSql(part, columns, values, 'child')
  const equal = (target: string[]) => target.map((sql, index) => `${sql} = ${child.expressions[index]}`).join(' and ')
  const targets = [
    `select from ${key.target.sql} target where ${equal(key.target.columnsSql.map(sql => `target.${sql}`))}`,
  ]
  for (const together of parts.filter(({ table }) => table.root === key.target.root)) {
    const columns = key.target.columns.map(name => together.table.columns.get(name)!)
    const target = recordsSql(together, columns, values, 'target')
    targets.push(`select from ${target.from} where ${equal(target.expressions)}`)
  }
  const missing = [
    // a key that is partly null refers to nothing, except with MATCH FULL, which forbids it
    ...(key.full
      ? [`num_nonnulls(${child.expressions.join(', ')}) > 0`]
      : child.expressions.map(sql => `${sql} is not null`)),
    ...targets.map(target => `not exists (${target})`),
  ]
  // the function's rows are numbered as it yields them, which is as they stand
  const { rows: answer } = await db.query(
    `select min(place)::text as place from (
       select row_number() over () as place, ${missing.join(' and ')} as missing from ${child.from}) numbered
     where missing`,
    values,
  )
  const place = answer[0]!['place']
  return typeof place === 'string' ? part.rows[Number(place) - 1] : undefined
}
