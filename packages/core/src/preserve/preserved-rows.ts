import { applicationTables } from '../migrations/migration-history.js'
import { sha256 } from '../migrations/project-files.js'
import { asText } from '../reset/as-text.js'
import { readCatalog, type Table } from '../reset/catalog.js'
import { keepRows, keptTable } from '../reset/kept-rows.js'
import { loadPg } from '../server/load-pg.js'
import { readMarks } from './marks.js'

/** Rows that are preserved in the test database, with all that they refer to: tests see them. */
export interface PreservedRows {
  tables: { name: string; columns: Table['columns']; rows: (string | null)[][] }[]
  /** How many rows, and how many of them are marked. */
  count: number
  marked: number
  /** Changes when any of them does. */
  hash: string
}

/**
 * Reads the preserved rows of a database in one snapshot. Nothing in it is changed: what is kept is found by a temporary table, in a
 * transaction that is rolled back.
 *
 * @param url of `environments.test`
 * @returns null if nothing is preserved there
 */
export async function readPreservedRows(url: string): Promise<PreservedRows | null> {
  const { Client, escapeIdentifier } = loadPg()
  const client = new Client({ connectionString: url, application_name: 'seedbed preserved rows' })
  client.on('error', () => {}) // the query that runs, or the next, says so
  await client.connect()
  try {
    await client.query(`set search_path = pg_catalog, pg_temp; ${asText}`)
    await client.query('begin isolation level repeatable read; set local row_security = off')
    const marks = await readMarks(client)
    if (marks.length === 0 || (await applicationTables(client)).length === 0) return null
    const catalog = await readCatalog(client)
    const { missing } = await keepRows(client, catalog, new Set(catalog.tables.map(({ oid }) => oid)), marks)
    const tables: PreservedRows['tables'] = []
    for (const { oid, name, columns } of catalog.tables) {
      const list = columns.map(column => `t.${escapeIdentifier(column.name)}::text`).join(', ')
      const { rows } = await client.query<(string | null)[]>({
        text: `select ${list} from only ${name} t join ${keptTable} k on k.tab = t.tableoid and k.tid = t.ctid where k.tab = ${oid} order by ${list || '1'}`,
        rowMode: 'array',
      })
      if (rows.length > 0) tables.push({ name, columns, rows })
    }
    const count = tables.reduce((sum, { rows }) => sum + rows.length, 0)
    if (count === 0) return null
    return { tables, count, marked: marks.length - missing.length, hash: sha256(JSON.stringify(tables)) }
  } finally {
    await client.end()
  }
}
