import type { GuardedSession } from '@seedbed/environments/guard'
import { loadPg } from '../server/load-pg.js'
import type { Table } from './catalog.js'
import { resetErrors } from './errors.js'
import { keptTable } from './kept-rows.js'
import type { SeedTables } from './put-back.js'

/**
 * What happens where a row that stays and a row of the seeds have the same key, or the same unique value:
 *
 * - keep: the row that stays does, and the seed's is left out
 * - seed: the seed's comes, and the other goes
 * - refuse: nothing is reset
 */
export type ConflictRule = 'keep' | 'seed' | 'refuse'

/** Two rows of which only one can be there. */
export interface Conflict {
  table: string
  /** The columns that are the same, with their values' texts. */
  same: Record<string, string>
}

/**
 * Finds rows of the seeds that meet rows that stay, and decides by the rule: what gives way is taken out of the temporary tables of
 * one or of the other. Indexes on expressions, and partial ones, are left to the server.
 *
 * @throws SeedbedError RESET_CONFLICT if the rule is `refuse`
 */
export async function conflictsIn(
  session: Pick<GuardedSession<'reset'>, 'query'>,
  tables: readonly Table[],
  seeds: SeedTables,
  rule: ConflictRule,
): Promise<Conflict[]> {
  const { escapeIdentifier, escapeLiteral } = loadPg()
  const conflicts: Conflict[] = []
  for (const { oid, name, unique } of tables) {
    const seed = seeds.get(oid)
    if (!seed) continue
    for (const columns of unique) {
      const equal = columns
        .map(column => `s.${escapeIdentifier(column)}::text = t.${escapeIdentifier(column)}::text`)
        .join(' and ')
      const same = columns.map(column => `${escapeLiteral(column)}, t.${escapeIdentifier(column)}::text`).join(', ')
      const both = `only ${name} t, ${keptTable} k where k.tab = ${oid} and k.tid = t.ctid and ${equal}`
      const { rows } = await session.query<{ same: string }>(
        `select json_build_object(${same})::text as same from ${seed} s, ${both} order by 1`,
      )
      if (rows.length === 0) continue
      conflicts.push(...rows.map(row => ({ table: name, same: JSON.parse(row.same) as Conflict['same'] })))
      if (rule === 'keep') await session.query(`delete from ${seed} s using ${both}`)
      if (rule === 'seed') {
        await session.query(
          `delete from ${keptTable} k using only ${name} t, ${seed} s where k.tab = ${oid} and k.tid = t.ctid and ${equal}`,
        )
      }
    }
  }
  const [first] = conflicts
  if (first && rule === 'refuse') throw resetErrors.RESET_CONFLICT({ ...first, more: conflicts.length - 1 })
  // A row may meet another by two indexes.
  return [...new Map(conflicts.map(each => [JSON.stringify(each), each])).values()]
}
