import { userInfo, hostname } from 'node:os'
import { chooseEnvironment, configuredEnvironment } from '@seedbed/environments'
import { openGuarded, type GuardedSession } from '@seedbed/environments/guard'
import type { InProject } from '../environment/asked-in.js'
import { namedEnvironment } from '../environment/named-environment.js'
import type { TestPlace } from '../environment/test-environment.js'
import { askFor, type Asking } from '../prepare/confirm.js'
import { openSources } from '../prepare/open-sources.js'
import { readCatalog } from '../reset/catalog.js'
import { keepRows, listKept, type KeptRow } from '../reset/kept-rows.js'
import { openSeedSource } from '../reset/seed-source.js'
import { printableUrl } from '../server/database-url.js'
import { preserveErrors } from './errors.js'
import { findRows, findTable, type Rows } from './find-rows.js'
import { createMarks, readMarks, type PreservedMark } from './marks.js'

export interface PreserveOptions extends InProject, Asking {
  /** Its name or an alias. @default the one that is chosen here: for a command, test where nothing says otherwise */
  environment?: string | undefined
  /** Which rows. */
  rows: Rows
  /** Why, for whoever reads the list. */
  reason?: string | undefined
  /** Take the marks away. @default false */
  off?: boolean
  /** Is told, before anything is done, where it is going to be. */
  begin?: (place: TestPlace) => void
  /** Is told what takes time, a line at a time. */
  progress?: (line: string) => void
}

export interface Preserved {
  environment: string
  /** The base name. */
  database: string
  /** Marks that are new, or that were taken away. */
  changed: Pick<PreservedMark, 'table' | 'key'>[]
  marks: PreservedMark[]
  /** All rows that a reset keeps: those that are marked, and those that they refer to. */
  kept: KeptRow[]
  /** Marks whose row is not there any more: it was deleted, or has another key. */
  missing: PreservedMark[]
}

/**
 * Marks rows that a reset keeps, with every row that they refer to, or takes marks away. A mark says which row it is by its primary
 * key, and stands in the database itself.
 *
 * @throws SeedbedError PRESERVE_NO_TABLE, PRESERVE_NO_KEY, PRESERVE_WRONG_KEY, PRESERVE_NO_ROW, PRESERVE_UNKNOWN_LABEL,
 *   PRODUCTION_WITHOUT_CONSENT, and what `openGuarded` throws
 * @example
 * const { kept } = await preserve({ folder: process.cwd(), rows: { table: 'users', key: { id: '42' } }, reason: 'demo account' })
 */
export async function preserve(options: PreserveOptions): Promise<Preserved> {
  return inDatabase(options, async session => {
    const { off = false, reason = null } = options
    const rows = 'label' in options.rows ? await rowOfLabel(options.rows.label, options) : options.rows
    const table = await findTable(session, rows.table)
    const keys = await findRows(session, table, rows, off)
    await createMarks(session)
    for (const key of keys) await (off ? unmark(session, table.name, key) : mark(session, table.name, key, reason))
    return keys.map(key => ({ table: table.name, key }))
  })
}

/**
 * Lists what is marked, what is kept because of it, and marks whose row is gone.
 *
 * @throws SeedbedError what `openGuarded` throws
 * @example const { marks, missing } = await listPreserved({ folder: process.cwd(), environment: 'staging' })
 */
export async function listPreserved(options: Omit<PreserveOptions, 'rows' | 'reason' | 'off'>): Promise<Preserved> {
  return inDatabase(options, async () => [])
}

async function inDatabase(
  options: Omit<PreserveOptions, 'rows'>,
  change: (session: GuardedSession<'preserve'>) => Promise<Preserved['changed']>,
): Promise<Preserved> {
  using project = await openSources(options)
  const { asked } = project
  const { name, reason } = chooseEnvironment(asked)
  const environment = namedEnvironment(configuredEnvironment(name, reason, asked), reason)
  const database = Object.keys(environment.databases)[0]!
  options.begin?.({ environment, server: printableUrl(environment.databases[database]!.url) })
  await askFor(environment, asked, options)
  await using session = await openGuarded({ environment, database }, 'preserve', asked)
  const changed = await change(session)
  if (changed.length > 0) session.report(changed.length)
  return { environment: name, database, changed, ...(await look(session)) }
}

/** In a transaction that is rolled back: what is kept is found by a temporary table. */
async function look(session: GuardedSession<'preserve'>): Promise<Pick<Preserved, 'marks' | 'kept' | 'missing'>> {
  const marks = await readMarks(session)
  const catalog = await readCatalog(session)
  await session.query('begin; set local row_security = off')
  try {
    const { missing } = await keepRows(session, catalog, new Set(catalog.tables.map(({ oid }) => oid)), marks)
    const kept: KeptRow[] = []
    for (const table of catalog.tables) kept.push(...(await listKept(session, table)))
    return { marks, kept, missing: marks.filter(({ id }) => missing.some(each => each.id === id)) }
  } finally {
    await session.query('rollback')
  }
}

async function mark(
  session: GuardedSession<'preserve'>,
  table: string,
  key: Record<string, string>,
  reason: string | null,
): Promise<void> {
  await session.query(
    `insert into seedbed.preserved (relation, key, reason, marked_by) values ($1, $2, $3, $4)
      on conflict (relation, key) do update set reason = coalesce(excluded.reason, preserved.reason)`,
    [table, JSON.stringify(key), reason, `${userInfo().username}@${hostname()}`],
  )
}

async function unmark(session: GuardedSession<'preserve'>, table: string, key: Record<string, string>): Promise<void> {
  await session.query('delete from seedbed.preserved where relation = $1 and key = $2', [table, JSON.stringify(key)])
}

/** By the labels of the template, which knows the keys that the server gave. */
async function rowOfLabel(
  label: string,
  { folder, progress = () => {} }: PreserveOptions,
): Promise<Exclude<Rows, { label: string }>> {
  await using source = await openSeedSource(folder, progress)
  const { tables } = source.labels
  const known = Object.entries(tables).flatMap(([table, { rows }]) => Object.keys(rows).map(name => `${table}.${name}`))
  const table = Object.keys(tables).find(name => label.startsWith(`${name}.`))
  const values = table === undefined ? undefined : tables[table]!.rows[label.slice(table.length + 1)]
  if (table === undefined || !values) throw preserveErrors.PRESERVE_UNKNOWN_LABEL({ label, known })
  const all = Object.fromEntries(tables[table]!.columns.map(({ name }, index) => [name, values[index]!]))
  return { table, key: all, isWholeRow: true }
}
