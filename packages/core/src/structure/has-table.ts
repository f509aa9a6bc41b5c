import type { Reader } from '../migrations/migration-history.js'

/** Whether there is a table of this name; whatever the search_path is. */
export async function hasTable(db: Reader, schema: string, table: string): Promise<boolean> {
  const { rows } = await db.query(
    `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
      where n.nspname operator(pg_catalog.=) $1 and c.relname operator(pg_catalog.=) $2`,
    [schema, table],
  )
  return rows.length > 0
}
