import { seedErrors } from './errors.js'
import { constrainedColumns } from './explain-failure.js'
import { recordsSql, type TableRows } from './insert-rows.js'
import { findMissingReference } from './missing-reference.js'
import { reasonOf, refusalOf, type Queryable, type ServerError } from './queryable.js'
import { rowValues, shownKey } from './row-values.js'
import type { SeedRow } from './seed-rows.js'

/**
 * Checks now what constraints that are INITIALLY DEFERRED would check at COMMIT, while the row that breaks one can
 * still be named, and leaves them deferred.
 *
 * @param parts the rows that have been loaded
 * @returns the error to throw, and whether it is about one of the rows; undefined if all is well
 */
export async function explainDeferred(
  db: Queryable,
  parts: readonly TableRows[],
): Promise<{ error: Error; row: boolean } | undefined> {
  const refusal = await refusalOf(db, () => db.query('set constraints all immediate'))
  if (!refusal) return undefined
  const error = (await findMissingReference(db, parts, refusal)) ?? (await findPair(db, parts, refusal))
  if (error) return { error, row: true }
  return { error: seedErrors.SEED_COMMIT_REFUSED({ reason: reasonOf(refusal) }, { cause: refusal }), row: false }
}

/** Two rows with the same key, of a unique constraint that lets both in until COMMIT. */
async function findPair(db: Queryable, parts: readonly TableRows[], error: ServerError): Promise<Error | undefined> {
  const names = await constrainedColumns(db, error)
  if (!names || error.code !== '23505') return undefined
  for (const part of parts.filter(({ table }) => table.schema === error.schema && table.bareName === error.table)) {
    const columns = names.map(name => part.table.columns.get(name)!)
    const values: string[] = []
    const { from, expressions } = recordsSql(part, columns, values)
    const { rows } = await db.query(
      `select (array_agg(place order by place))[1:2]::text as places
       from (select row_number() over () as place, array[${expressions.map(sql => `${sql}::text`).join(', ')}] as key from ${from}) numbered
       group by key having count(*) > 1 order by min(place) limit 1`,
      values,
    )
    if (!rows[0]) continue
    const [first, second] = (String(rows[0]['places']).match(/\d+/g) ?? []).map(place => part.rows[Number(place) - 1]!)
    const placeOf = (row: SeedRow) => row.source.place(rowValues(row).get(names[0]!)?.offset ?? row.start)
    return seedErrors.SEED_DUPLICATE_KEY(
      {
        at: placeOf(second!),
        table: part.table.name,
        key: shownKey(rowValues(second!), names),
        constraint: error.constraint ?? '',
        first: placeOf(first!),
        counted: undefined,
        reason: reasonOf(error),
      },
      { cause: error },
    )
  }
  return undefined
}
