import { createHash } from 'node:crypto'
import type { Reader } from '../migrations/migration-history.js'
import { applicationSchema, notOfExtension } from './structure.js'

/**
 * One hash over all rows of the application's tables, and over where its sequences stand: what has changed if it has not stayed
 * the same. Every row is read; of materialised views and foreign tables none is.
 *
 * @param db a session whose search_path is pg_catalog, as those of the guard
 */
export async function rowsDigest(db: Reader): Promise<string> {
  // The server writes the names into the statements.
  const { rows } = await db.query<{ text: string }>(statementsQuery)
  const hash = createHash('sha256')
  for (const { text } of rows) {
    const found = await db.query<{ digest: string }>(text)
    hash.update(`${text}\n${found.rows[0]!.digest}\n`)
  }
  return hash.digest('hex')
}

// A sum does not depend on the order in which rows are found, and needs no room for a list of them.
const statementsQuery = `
  select case when c.relkind = 'S'
    then format('select concat(last_value, '' '', is_called) as digest from %I.%I', n.nspname, c.relname)
    else format('select concat(count(*), '' '', sum(hashtextextended((seedbed_row.*)::text, 0)::numeric)) as digest
      from only %I.%I seedbed_row', n.nspname, c.relname) end as text
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'S') and ${applicationSchema('n.nspname')} and ${notOfExtension("'pg_class'::regclass", 'c.oid')}
  order by n.nspname, c.relname`
