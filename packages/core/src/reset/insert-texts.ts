import { loadPg } from '../server/load-pg.js'
import type { Reader } from '../migrations/migration-history.js'
import type { Column } from './catalog.js'

/**
 * Inserts rows whose values are texts, as one statement with an array for each column.
 *
 * @param into a table, as SQL names it
 * @param rows.given the columns of the texts, which may stand in another order than those that are `wanted`
 */
export async function insertTexts(
  db: Pick<Reader, 'query'>,
  into: string,
  { given, wanted, rows }: { given: readonly Column[]; wanted: readonly Column[]; rows: (string | null)[][] },
): Promise<void> {
  if (wanted.length === 0) {
    await db.query(`insert into ${into} select from generate_series(1, $1)`, [rows.length])
    return
  }
  const { escapeIdentifier } = loadPg()
  const list = wanted.map(({ name }) => escapeIdentifier(name)).join(', ')
  const texts = wanted.map(({ name }) => {
    const position = given.findIndex(column => column.name === name)
    return rows.map(row => row[position]!)
  })
  const parameters = wanted.map((_, index) => `$${index + 1}::text[]`).join(', ')
  const names = wanted.map((_, index) => `c${index}`).join(', ')
  const values = wanted.map(({ type }, index) => `u.c${index}::${type}`).join(', ')
  await db.query(`insert into ${into} (${list}) select ${values} from unnest(${parameters}) u(${names})`, texts)
}
