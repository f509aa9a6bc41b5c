import type { Client } from 'pg'
import { applicationTables } from '../migrations/migration-history.js'
import { sha256 } from '../migrations/project-files.js'
import { asText } from '../reset/as-text.js'
import { readCatalog, type Table } from '../reset/catalog.js'
import { insertTexts } from '../reset/insert-texts.js'
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

/**
 * Adds preserved rows to a database that is as its seeds leave it, in the caller's transaction. Where a row of the seeds has the same
 * key, the preserved one takes its place; where it has the same unique value, it gives way.
 *
 * @param client as the role that owns the tables
 * @throws what the server refuses: a row of the seeds refers to one that gave way
 */
export async function addPreservedRows(client: Client, { tables }: PreservedRows): Promise<void> {
  const { escapeIdentifier } = loadPg()
  const { rows: path } = await client.query<{ path: string }>(
    "select pg_catalog.current_setting('search_path') as path",
  )
  await client.query(`set local search_path = pg_catalog, pg_temp; ${asText.replaceAll('set ', 'set local ')}`)
  const catalog = await readCatalog(client)
  const known = new Map(catalog.tables.map(table => [table.name, table]))
  const into = tables.filter(({ name }) => known.has(name)).map(each => ({ ...each, table: known.get(each.name)! }))
  const acting = into.flatMap(({ table }) => table.acting)
  for (const { stop } of acting) await client.query(stop)
  const upserts: string[] = []
  for (const [index, { table, columns, rows }] of into.entries()) {
    const temporary = `pg_temp.seedbed_preserved_${index}`
    await client.query(
      `create temporary table seedbed_preserved_${index} on commit drop as select * from only ${table.name} with no data`,
    )
    const wanted = table.columns.filter(({ name }) => columns.some(column => column.name === name))
    await insertTexts(client, temporary, { given: columns, wanted, rows })
    const equal = (names: readonly string[]) =>
      names.map(name => `t.${escapeIdentifier(name)}::text = p.${escapeIdentifier(name)}::text`).join(' and ')
    const sameKey = table.key.length === 0 ? 'false' : equal(table.key)
    for (const unique of table.unique) {
      await client.query(
        `delete from only ${table.name} t using ${temporary} p where ${equal(unique)} and not (${sameKey})`,
      )
    }
    upserts.push(...upsert(index, temporary, table, sameKey))
  }
  // One statement: what refers to what is checked at its end.
  if (upserts.length > 0) await client.query(`with ${upserts.join(', ')} select`)
  await client.query('set constraints all immediate')
  for (const { restore } of acting) await client.query(restore)
  for (const { name, column } of catalog.sequences) {
    const table = into.find(({ table }) => table.oid === column?.table)?.table
    if (!table) continue
    // Not before where it stands: a sequence that is put back starts from there.
    await client.query(
      `select setval($1::regclass, greatest(s.last_value, (select max(${escapeIdentifier(column!.name)})::int8 from only ${table.name})),
          s.is_called or coalesce((select max(${escapeIdentifier(column!.name)})::int8 from only ${table.name}) >= s.last_value, false)) from ${name} s`,
      [name],
    )
  }
  await client.query("select set_config('search_path', $1, true)", [path[0]!.path])
}

function upsert(index: number, temporary: string, table: Table, sameKey: string): string[] {
  const { escapeIdentifier } = loadPg()
  const list = table.columns.map(({ name }) => escapeIdentifier(name)).join(', ')
  // Of the key nothing changes, and an identity that is always generated may not be written by UPDATE.
  const changed = table.columns.filter(({ name, always }) => !table.key.includes(name) && !always)
  const sets = changed.map(({ name }) => `${escapeIdentifier(name)} = p.${escapeIdentifier(name)}`).join(', ')
  return [
    ...(sets === ''
      ? []
      : [`u${index} as (update only ${table.name} t set ${sets} from ${temporary} p where ${sameKey})`]),
    `i${index} as (insert into ${table.name} (${list}) overriding system value select ${list} from ${temporary} p
      where not exists (select from only ${table.name} t where ${sameKey}))`,
  ]
}
